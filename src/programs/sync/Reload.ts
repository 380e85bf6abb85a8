/** SIGHUP reads the configuration file again: what can change while the service runs takes effect at once. */
import { Effect, type FileSystem, Stream } from "effect"
import type { SyncConfig } from "../../domain/sync/SyncConfig.ts"
import * as SyncConfigChange from "../../domain/sync/SyncConfigChange.ts"
import * as ProcessMain from "../../layers/process/ProcessMain.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import { LiveConfig } from "../../services/sync/LiveConfig.ts"
import * as SyncMetrics from "../../services/sync/SyncMetrics.ts"
import { SyncSignals } from "../../services/sync/SyncSignals.ts"

/** Reads the file and says what an operator should know of it. */
export type ReadConfig = Effect.Effect<SyncConfig, { readonly message: string }, FileSystem.FileSystem>

const apply = Effect.fnUntraced(function*(next: SyncConfig) {
  const live = yield* LiveConfig
  const signals = yield* SyncSignals
  const change = SyncConfigChange.between(yield* live.current, next)
  yield* live.replace(change.config)
  yield* Effect.logInfo(`The configuration was read again: ${SyncConfigChange.describe(change)}`)
  yield* Effect.forEach(
    change.waiting,
    (key) =>
      Effect.logWarning(`${key} is another one in the file: that takes effect when the service is started again`),
    {
      discard: true
    }
  )
  // What is no longer there is no longer told to be stale.
  yield* Effect.forEach(change.removed, (name) => SyncMetrics.sourceState(name, 0, false), { discard: true })
  yield* signals.sources.raise
  yield* signals.served.raise
})

export const child = (read: ReadConfig) =>
  Supervisor.child({
    id: "Reload",
    run: Effect.scoped(Effect.gen(function*() {
      const requests = yield* ProcessMain.reloads
      yield* Stream.runForEach(requests, () =>
        Effect.matchEffect(read, {
          onSuccess: apply,
          onFailure: ({ message }) =>
            Effect.logError(`The configuration as it was stays, the file cannot be used: ${message}`)
        }))
      return yield* Effect.never
    }))
  })
