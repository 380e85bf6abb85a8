/** A version of a plugin as the poller asks it, in a thread of its own. */
import { type Duration, Effect, Schema } from "effect"
import * as ModuleContract from "../../../domain/plugins/ModuleContract.ts"
import * as PluginContract from "../../../domain/poller/plugins/PluginContract.ts"
import { PluginFault } from "../../../services/plugins/PluginFault.ts"
import type { PluginModule } from "../../../services/poller/plugins/PluginModule.ts"
import * as ModuleThread from "../../plugins/ModuleThread.ts"

export interface Limits {
  /** Of one call. */
  readonly call: Duration.Duration
  /** Of starting a thread and importing the module into it. */
  readonly load: Duration.Duration
  readonly heapMegabytes: number
}

const exports = {
  values: ["contract", "kind", "serviceTypes", "stateVersion"],
  functions: ["process", "initial", "migrate"]
}

/** Fails when the module cannot be imported or does not keep the contract. */
export const load = Effect.fn("PluginThread.load")(function*(
  source: ModuleThread.Source,
  { call, heapMegabytes, load }: Limits
): Effect.fn.Return<PluginModule, PluginFault> {
  const thread = ModuleThread.make(source, exports, { heapMegabytes })

  const decoded = <A>(schema: Schema.Codec<A, unknown>, name: string, value: unknown) =>
    Effect.mapError(
      Schema.decodeUnknownEffect(schema)(value),
      ({ message }) => new PluginFault({ plugin: source.name, call: name, reason: "wrong shape", detail: message })
    )
  const asked = <A>(schema: Schema.Codec<A, unknown>, name: string, args: ReadonlyArray<unknown>) =>
    Effect.suspend(() => thread.call(name, args, thread.isRunning() ? call : load)).pipe(
      Effect.flatMap((value) => decoded(schema, name, value))
    )

  const manifest = yield* thread.describe(load).pipe(
    Effect.flatMap((value) => decoded(PluginContract.Manifest, "manifest", value)),
    Effect.tapError(() => thread.stop)
  )
  return {
    version: source.version,
    manifest,
    initial: asked(ModuleContract.State, "initial", []),
    migrate: (state, fromVersion) => asked(ModuleContract.State, "migrate", [state, fromVersion]),
    process: (input, state) => asked(PluginContract.Answer, "process", [input, state]),
    close: thread.stop
  }
})
