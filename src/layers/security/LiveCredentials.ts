/**
 * `Credentials` from files and from a SPIFFE Workload API.
 *
 * Each source is opened once, however many connections take from it, and watched while one of them does.
 */
import {
  Duration,
  Effect,
  Exit,
  FiberMap,
  type FileSystem,
  Layer,
  Option,
  RcMap,
  Scope,
  Semaphore,
  Stream,
  SubscriptionRef
} from "effect"
import {
  type CredentialOrigin,
  Credentials,
  CredentialsError,
  type CredentialSource
} from "../../services/security/Credentials.ts"
import type { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import * as FileCredentials from "./FileCredentials.ts"
import * as WorkloadApi from "./WorkloadApi.ts"

export interface CredentialsOptions {
  /** What is done about a key that every user of the machine can read. Default `refuse`. */
  readonly openKeys?: FileCredentials.FileOptions["openKeys"]
  /** How often files are looked at beside what their folders tell. Default 60 s. */
  readonly checkEvery?: Duration.Input
  /** Where the Workload API is when a configuration does not say. Default `unix:/run/spire/sockets/agent.sock`. */
  readonly workloadSocket?: string | undefined
}

const workloadSocketDefault = "unix:/run/spire/sockets/agent.sock"

interface Opened {
  readonly source: CredentialSource
  readonly watch: Effect.Effect<never, never, FileSystem.FileSystem | SecurityMonitor>
}

const make = Effect.fnUntraced(function*(options: CredentialsOptions) {
  const context = yield* Effect.context<FileSystem.FileSystem | SecurityMonitor>()
  const fileOptions: FileCredentials.FileOptions = {
    openKeys: options.openKeys ?? "refuse",
    every: Duration.fromInputUnsafe(options.checkEvery ?? "60 seconds")
  }
  const opened = yield* SubscriptionRef.make<ReadonlyMap<string, Opened>>(new Map())

  const change = (edit: (map: Map<string, Opened>) => void) =>
    SubscriptionRef.update(opened, (before) => {
      const after = new Map(before)
      edit(after)
      return after
    })

  const origins = new Map<string, CredentialOrigin>()

  const openOne = (origin: CredentialOrigin) =>
    origin._tag === "Files"
      ? FileCredentials.open(origin, fileOptions)
      : WorkloadApi.open(origin.address || options.workloadSocket || workloadSocketDefault)

  const sources = yield* RcMap.make({
    lookup: Effect.fnUntraced(function*(key: string) {
      const origin = origins.get(key)
      if (origin === undefined) return yield* Effect.die(new Error(`no origin is known for ${key}`))
      const one = yield* openOne(origin)
      yield* change((map) => map.set(key, one))
      yield* Effect.addFinalizer(() => change((map) => map.delete(key)))
      return one.source
    })
  })

  // Several programs in one process share what is open: one of them watches, the others stand by.
  const watching = yield* Semaphore.make(1)

  const keep = Effect.gen(function*() {
    const watches = yield* FiberMap.make<string, never, never>()
    const follow = Stream.runForEach(SubscriptionRef.changes(opened), (wanted) =>
      Effect.gen(function*() {
        for (const [key] of watches) if (!wanted.has(key)) yield* FiberMap.remove(watches, key)
        for (const [key, { watch }] of wanted) {
          yield* FiberMap.run(watches, key, Effect.provide(watch, context), { onlyIfMissing: true })
        }
      }))
    yield* Effect.raceFirst(follow, FiberMap.join(watches))
    return yield* Effect.never
  }).pipe(Effect.scoped, watching.withPermits(1))

  return Credentials.of({
    open: Effect.fnUntraced(function*(origin) {
      const key = JSON.stringify(origin)
      origins.set(key, origin)
      const scope = yield* Scope.fork(yield* Effect.scope)
      return yield* RcMap.get(sources, key).pipe(
        Scope.provide(scope),
        Effect.provide(context),
        // Files that cannot be used now are looked at again when somebody asks again.
        Effect.tapError(() => Scope.close(scope, Exit.void))
      )
    }),
    ready: Effect.flatMap(SubscriptionRef.get(opened), (map) => {
      const absent = [...map.values()].find(({ source }) => Option.isNone(source.current()))
      return absent === undefined
        ? Effect.void
        : Effect.fail(new CredentialsError({ file: "", reason: absent.source.trouble() }))
    }),
    openRoots: (file) => Effect.provide(FileCredentials.openRoots(file, fileOptions), context),
    keep
  })
})

export const layer = (
  options: CredentialsOptions = {}
): Layer.Layer<Credentials, never, FileSystem.FileSystem | SecurityMonitor> => Layer.effect(Credentials, make(options))
