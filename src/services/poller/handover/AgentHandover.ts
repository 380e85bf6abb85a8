/**
 * Lets one agent go to the poller that takes over, with what is known of its checks, and takes one on.
 *
 * The grid of a check goes on as it was: its next poll is due an interval after the last one began, whoever made that.
 */
import { Duration, Effect, Option, Ref } from "effect"
import type { CheckState } from "../../../domain/poller/handover/HandoverMessage.ts"
import * as Monotonic from "../../clock/Monotonic.ts"
import type * as AgentLink from "../AgentLink.ts"
import * as Lease from "./Lease.ts"

/** For polls in flight: more than a healthy agent takes, and less than an interval that anybody polls at. */
const patience = Duration.seconds(1)

const stateOf = Effect.fnUntraced(function*(tracked: AgentLink.TrackedCheck, now: number) {
  const { check: { details, port, serviceName, serviceType }, runs } = tracked
  return {
    serviceType,
    serviceName,
    details,
    port,
    sinceMillis: runs.startedMillis === undefined ? null : Math.max(0, now - runs.startedMillis),
    available: Option.getOrNull(yield* Ref.get(tracked.available)),
    sequence: yield* Ref.get(tracked.sequence)
  } satisfies CheckState
})

export const release = Effect.fn("AgentHandover.release")(function*(link: AgentLink.AgentLink) {
  yield* Lease.giveUp(link.lease, patience)
  const now = yield* Monotonic.millis
  return yield* Effect.forEach(link.checks, (tracked) => stateOf(tracked, now))
})

const isSame = ({ check }: AgentLink.TrackedCheck, state: CheckState): boolean =>
  check.serviceType === state.serviceType && check.serviceName === state.serviceName &&
  check.details === state.details && check.port === state.port

/** Checks that the other does not know are due at once. */
export const adopt = Effect.fn("AgentHandover.adopt")(function*(
  link: AgentLink.AgentLink,
  states: ReadonlyArray<CheckState>
) {
  const now = yield* Monotonic.millis
  const left = [...states]
  for (const tracked of link.checks) {
    const index = left.findIndex((state) => isSame(tracked, state))
    const [state] = index < 0 ? [] : left.splice(index, 1)
    if (state === undefined) continue
    const { interval: own, resultsInterval } = tracked.check
    const interval = Option.getOrElse(Option.orElse(resultsInterval, () => own), () => link.terms.pollInterval)
    tracked.runs.startedMillis = state.sinceMillis === null ? undefined : now - state.sinceMillis
    tracked.runs.dueMillis = tracked.runs.startedMillis === undefined
      ? undefined
      : tracked.runs.startedMillis + Duration.toMillis(interval)
    yield* Ref.set(tracked.available, Option.fromNullOr(state.available))
    yield* Ref.set(tracked.sequence, state.sequence)
  }
  yield* link.lease.isHeld.open
})

/** The other did not come to its end: the agent is this process's again, as it was. */
export const takeBack = Effect.fn("AgentHandover.takeBack")(function*(link: AgentLink.AgentLink) {
  if (link.lease.isHeld.isOpen()) return
  const now = yield* Monotonic.millis
  yield* adopt(link, yield* Effect.forEach(link.checks, (tracked) => stateOf(tracked, now)))
})
