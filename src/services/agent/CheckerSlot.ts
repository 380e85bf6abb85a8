/**
 * One checker as its callers see it, the same through all restarts of its fiber: who waits, for what, and how long.
 *
 * Everything here changes at once and without waiting, so nobody sees a slot between two states.
 */
import { Cause, Deferred, Duration, Effect, Exit, Latch } from "effect"
import { failed, type ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"
import { AgentNotReady, type CheckError } from "../monitoring/CheckError.ts"
import { brokenResult, type Checker, type CheckRequest } from "../monitoring/Prober.ts"

export type Answer = Deferred.Deferred<ProbeResult, CheckError>

export interface CheckerSlot {
  readonly key: string
  /** The child's id. */
  readonly id: string
  readonly request: CheckRequest
  /** Open when somebody waits for a check. */
  readonly asked: Latch.Latch
  pending: Answer | undefined
  checker: Checker | undefined
  askedNanos: bigint
  /** When those who wait are told that it hangs. */
  deadlineMillis: number
  /** Requests that wait for its answer. */
  waiting: number
  /** Whether its end has been asked for. */
  isRetired: boolean
}

/** What a caller waits beyond the checker's own limit, for a checker that resists interruption. */
const grace = Duration.millis(500)
/** Preparing never waits on the network; one that hangs nevertheless is given up after this. */
const prepareTimeout = Duration.seconds(5)

/** Requests with the same key share a checker. */
export const keyOf = (request: CheckRequest): string =>
  JSON.stringify([request.serviceType, request.serviceName, request.details, request.port, request.pollerId])

const firstLine = (cause: Cause.Cause<unknown>): string => Cause.pretty(cause).split("\n")[0] ?? "unknown"

export const make = (id: string, request: CheckRequest): CheckerSlot => ({
  key: keyOf(request),
  id,
  request,
  asked: Latch.makeUnsafe(),
  pending: undefined,
  checker: undefined,
  askedNanos: 0n,
  deadlineMillis: Number.POSITIVE_INFINITY,
  waiting: 0,
  isRetired: false
})

/** From now on it has all the time that it may take. */
export const restartClock = (slot: CheckerSlot, nowMillis: number): void => {
  slot.deadlineMillis = nowMillis + Duration.toMillis(limitOf(slot))
}

/** Waits with those who wait already. */
export const enter = (slot: CheckerSlot, askedNanos: bigint): Answer => {
  if (slot.pending === undefined) restartClock(slot, Number(askedNanos / 1_000n) / 1_000)
  const pending = slot.pending ?? Deferred.makeUnsafe<ProbeResult, CheckError>()
  slot.askedNanos = askedNanos
  slot.pending = pending
  slot.asked.openUnsafe()
  return pending
}

/** Tells all who wait. */
export const answer = (slot: CheckerSlot, exit: Exit.Exit<ProbeResult, CheckError>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const pending = slot.pending
    slot.pending = undefined
    slot.asked.closeUnsafe()
    return pending === undefined ? Effect.void : Effect.asVoid(Deferred.done(pending, exit))
  })

/** Why a checker's fiber broke; undefined when it ended for another reason. */
export const defectOf = (cause: Cause.Cause<CheckError>): string | undefined =>
  Cause.hasInterruptsOnly(cause) || Cause.hasFails(cause) ? undefined : firstLine(cause)

/** What those who wait are told when a checker's fiber ends. */
export const endOf = (slot: CheckerSlot, cause: Cause.Cause<CheckError>): Exit.Exit<ProbeResult, CheckError> => {
  if (Cause.hasInterruptsOnly(cause)) return Exit.fail(new AgentNotReady())
  if (Cause.hasFails(cause)) return Exit.failCause(cause)
  return Exit.succeed(brokenResult(slot.checker ?? { failed }, firstLine(cause)))
}

/** How long a caller waits. */
export const limitOf = (slot: CheckerSlot): Duration.Duration =>
  Duration.sum(slot.checker?.timeout ?? prepareTimeout, grace)

export const givenUp = (slot: CheckerSlot, limit: Duration.Duration): ProbeResult =>
  slot.checker === undefined
    ? failed(`the checker was not ready after ${Duration.format(limit)}`)
    : slot.checker.failed(`the checker hangs and was given up after ${Duration.format(limit)}`)
