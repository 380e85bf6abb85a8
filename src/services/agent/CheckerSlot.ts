/**
 * One checker as its callers see it, the same through all restarts of its fiber: who waits, for what, and how long.
 *
 * Everything here changes at once and without waiting, so nobody sees a slot between two states.
 */
import { Cause, Duration, Exit, Latch } from "effect"
import { failed, type ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"
import { AgentNotReady, type CheckError } from "../monitoring/CheckError.ts"
import { brokenResult, type Checker, type CheckRequest } from "../monitoring/Prober.ts"

export type Answer = Exit.Exit<ProbeResult, CheckError>

/** Hears of an answer once. */
export type Told = (answer: Answer) => void

export interface CheckerSlot {
  readonly key: string
  /** The child's id. */
  readonly id: string
  readonly request: CheckRequest
  /** Open when the checker's fiber has something to do. */
  readonly asked: Latch.Latch
  /** Those who wait for the check that is under way; undefined while none is. */
  waiting: Set<Told> | undefined
  /** Undefined while it is not prepared, or broken. */
  checker: Checker | undefined
  askedMillis: number
  /** When those who wait are told that it hangs. */
  deadlineMillis: number
  /** Ends a check that runs beside the checker's fiber, also one that nobody waits for any more. */
  stop: (() => void) | undefined
  /** What broke in such a check, for the fiber to die of. */
  defect: { readonly cause: unknown } | undefined
  /** Whether its end has been asked for. */
  isRetired: boolean
}

/** What a caller waits beyond the checker's own limit, for a checker that resists interruption. */
const grace = Duration.millis(500)
/** Preparing never waits on the network; one that hangs nevertheless is given up after this. */
const prepareTimeout = Duration.seconds(5)

/** A text of its own for whatever the texts are; JSON would say it too, and takes longer. */
const counted = (text: string): string => `${text.length}:${text}`

/** Requests with the same key share a checker. */
export const keyOf = ({ details, pollerId, port, serviceName, serviceType }: CheckRequest): string =>
  `${counted(serviceType)}${counted(serviceName)}${counted(details)}${counted(pollerId)}${port}`

const firstLine = (cause: Cause.Cause<unknown>): string => Cause.pretty(cause).split("\n")[0] ?? "unknown"

export const make = (id: string, key: string, request: CheckRequest): CheckerSlot => ({
  key,
  id,
  request,
  asked: Latch.makeUnsafe(),
  waiting: undefined,
  checker: undefined,
  askedMillis: 0,
  deadlineMillis: Number.POSITIVE_INFINITY,
  stop: undefined,
  defect: undefined,
  isRetired: false
})

/** From now on it has all the time that it may take. */
export const restartClock = (slot: CheckerSlot, nowMillis: number): void => {
  slot.deadlineMillis = nowMillis + Duration.toMillis(limitOf(slot))
}

/** Waits with those who wait already; whether a check is under way is to be seen before. */
export const enter = (slot: CheckerSlot, told: Told, nowMillis: number): Set<Told> => {
  if (slot.waiting === undefined) restartClock(slot, nowMillis)
  const waiting = slot.waiting ?? new Set()
  slot.askedMillis = nowMillis
  slot.waiting = waiting
  return waiting.add(told)
}

/** Tells all who wait. */
export const answer = (slot: CheckerSlot, found: Answer): void => {
  const { waiting } = slot
  slot.waiting = undefined
  slot.asked.closeUnsafe()
  if (waiting === undefined) return
  for (const told of waiting) told(found)
}

export const notReady: Answer = Exit.fail(new AgentNotReady())

/** What broke in a check beside the fiber. */
export const defectOfCheck = ({ defect }: CheckerSlot) => defect

/** Why a checker's fiber broke; undefined when it ended for another reason. */
export const defectOf = (cause: Cause.Cause<CheckError>): string | undefined =>
  Cause.hasInterruptsOnly(cause) || Cause.hasFails(cause) ? undefined : firstLine(cause)

/** What those who wait are told when a checker's fiber ends. */
export const endOf = (slot: CheckerSlot, cause: Cause.Cause<CheckError>): Answer => {
  if (Cause.hasInterruptsOnly(cause)) return notReady
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
