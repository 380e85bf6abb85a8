/**
 * A checker whose code is an operator's module, in a thread of its own for each check that is configured.
 *
 * A call that throws, or answers with something else, is a check that failed. One that takes too long, or uses up what its
 * thread may, ends the thread, and with it this checker, which its supervisor begins anew.
 */
import { Duration, Effect, Exit, Result, Schema, Scope, Semaphore } from "effect"
import * as CheckerContract from "../../../domain/agent/plugins/CheckerContract.ts"
import { failed } from "../../../domain/monitoring/checks/ProbeResult.ts"
import * as ModuleContract from "../../../domain/plugins/ModuleContract.ts"
import type { ModuleVersion, ModuleVersions } from "../../../services/agent/plugins/ModuleVersions.ts"
import * as Monotonic from "../../../services/clock/Monotonic.ts"
import type { CheckRequest, Prepare } from "../../../services/monitoring/Prober.ts"
import { PluginFault } from "../../../services/plugins/PluginFault.ts"
import * as ModuleThread from "../../plugins/ModuleThread.ts"

/** Of starting a thread and importing the module into it. */
const loadLimit = Duration.seconds(5)
/** So long after one of its checks has broken a module's new threads are suspected of doing the same. */
const suspectMillis = 60_000

/** Who else has threads. */
export interface ThreadPlaces {
  readonly max: number
  taken: number
  /**
   * After an agent's start, and after a moment in which the machine was too busy for them, all are asked at once. The start of a
   * thread takes processor time that a check does not: many at a time take the agent's own, however little each may have,
   * and none of them ends in time. So few are started at a time, and the others wait for their turn.
   */
  readonly starts: Semaphore.Semaphore
  /** Those that only get what nobody else wants take their time: nobody but each other waits for it. */
  readonly suspectStarts: Semaphore.Semaphore
}

export const startsMax = 2
/** Of a turn. */
const startWaitMax = Duration.seconds(10)

export const threadPlaces = (max: number): ThreadPlaces => ({
  max,
  taken: 0,
  starts: Semaphore.makeUnsafe(startsMax),
  suspectStarts: Semaphore.makeUnsafe(1)
})

/** No turn to start came: no fault of the plugin's. */
class NoStart extends Schema.TaggedError<NoStart>()("NoStart", {}) {
  override get message(): string {
    return `so many plugins start at the moment that this one had no turn within ${Duration.format(startWaitMax)}`
  }
}

/**
 * What it takes counts from its turn on. That is over when the thread runs, whatever its module does then, or with the limit of
 * its start.
 */
const inTurn = <A>(
  turns: Semaphore.Semaphore,
  { begun }: ModuleThread.ModuleThread,
  start: Effect.Effect<A, PluginFault>
) =>
  Effect.scoped(Effect.gen(function*() {
    const turn = yield* Scope.fork(yield* Effect.scope)
    yield* Scope.provide(turns.takeScoped(1), turn).pipe(
      Effect.timeoutOrElse({ duration: startWaitMax, orElse: () => new NoStart() })
    )
    yield* Effect.forkScoped(Effect.andThen(begun, Scope.close(turn, Exit.void)))
    return yield* start
  }))

export interface ModuleParts {
  readonly name: string
  readonly versions: ModuleVersions
  readonly places: ThreadPlaces
  readonly limits: ModuleThread.Limits
}

interface Running {
  readonly version: ModuleVersion
  readonly thread: ModuleThread.ModuleThread
  state: ModuleContract.State
}

const inputOf = ({ agentId, details, port, serviceName, serviceType }: CheckRequest): CheckerContract.Input => ({
  agentId,
  serviceType,
  serviceName,
  details,
  port
})

export const decoded = <A>(plugin: string, call: string, schema: Schema.Codec<A, unknown>) => (value: unknown) =>
  Effect.mapError(
    Schema.decodeUnknownEffect(schema)(value),
    ({ message }) => new PluginFault({ plugin, call, reason: "wrong shape", detail: message })
  )

const callLimitOf = ({ manifest }: ModuleVersion) => Duration.millis(CheckerContract.timeoutMillisOf(manifest))

export const prepare = ({ limits, name, places, versions }: ModuleParts): Prepare => {
  let suspectUntilMillis = 0
  return Effect.fnUntraced(function*(request) {
    const input = inputOf(request)
    let running: Running | undefined
    let hasPlace = false
    let askedNanos = 0n

    const leave = Effect.suspend(() => {
      const one = running
      running = undefined
      if (hasPlace) places.taken -= 1
      hasPlace = false
      return one?.thread.stop ?? Effect.void
    })
    yield* Effect.addFinalizer(() => leave)

    const stateFor = (version: ModuleVersion, thread: ModuleThread.ModuleThread) => {
      const initial = thread.call("initial", [], loadLimit)
      if (running === undefined) return initial
      const way = ModuleContract.handOver(running.version.manifest, version.manifest)
      if (way === "begin") return initial
      const { state } = running
      return way === "keep"
        ? Effect.as(thread.describe(loadLimit), state)
        : thread.call("migrate", [state, ModuleContract.stateVersionOf(running.version.manifest)], loadLimit)
    }

    /** The thread of the version that is to answer now. */
    const current = Effect.fnUntraced(function*(version: ModuleVersion) {
      if (running?.version === version) return running
      const isSuspect = (yield* Monotonic.millis) < suspectUntilMillis
      const thread = ModuleThread.make({ name, ...version }, CheckerContract.exports, { ...limits, isSuspect })
      const turns = isSuspect ? places.suspectStarts : places.starts
      const next = yield* inTurn(turns, thread, stateFor(version, thread)).pipe(
        Effect.flatMap(decoded(name, "state", ModuleContract.State)),
        Effect.map((state): Running => ({ version, thread, state })),
        Effect.onError(() => thread.stop)
      )
      const last = running
      running = next
      if (last !== undefined) yield* last.thread.stop
      return next
    })

    const ask = Effect.fnUntraced(function*(version: ModuleVersion) {
      const one = yield* current(version)
      // That its thread was started is no part of what the check took.
      askedNanos = yield* Monotonic.nanos
      const limit = one.thread.isRunning() ? callLimitOf(version) : loadLimit
      const answer = yield* one.thread.call("check", [input, one.state], limit).pipe(
        Effect.flatMap(decoded(name, "check", CheckerContract.Answer))
      )
      one.state = answer.state ?? one.state
      return answer
    })

    const check: Effect.Effect<CheckerContract.Answer, PluginFault | NoStart> = Effect.gen(function*() {
      const version = versions.current
      const answer = yield* Effect.result(ask(version))
      if (Result.isSuccess(answer)) {
        versions.answered(version)
        return answer.success
      }
      const fault = answer.failure
      if (fault._tag === "NoStart") return yield* fault
      const back = versions.failed(version)
      if (back !== undefined) {
        yield* Effect.logError(`${fault.message}; version ${version.version} goes, ${back.version} is back`)
      }
      if (versions.current !== version) return yield* check
      // The thread is gone, and what it knew with it: whoever watches over this checker begins it anew.
      if (fault.reason === "ended" || fault.reason === "timed out") {
        suspectUntilMillis = (yield* Monotonic.millis) + suspectMillis
        return yield* Effect.die(fault)
      }
      return yield* fault
    })

    return {
      // Loading in its turn, and a version that fails with the one before it asked in its place.
      timeout: Duration.sum(
        Duration.sum(startWaitMax, loadLimit),
        Duration.times(callLimitOf(versions.current), 2)
      ),
      failed,
      check: Effect.gen(function*() {
        if (versions.isGone) return yield* Effect.as(leave, failed(`plugin ${name} is gone: its file was removed`))
        if (!hasPlace && places.taken >= places.max) {
          return failed(`all ${places.max} threads for plugins of this agent are taken`)
        }
        if (!hasPlace) places.taken += 1
        hasPlace = true
        askedNanos = yield* Monotonic.nanos
        const answer = yield* Effect.result(check)
        const elapsedNanos = (yield* Monotonic.nanos) - askedNanos
        if (Result.isFailure(answer)) return failed(answer.failure.message, elapsedNanos)
        return {
          available: answer.success.available,
          responseTimeNanos: elapsedNanos,
          message: JSON.stringify(CheckerContract.messageOf(answer.success, elapsedNanos))
        }
      })
    }
  })
}
