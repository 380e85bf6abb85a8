/**
 * Which of two processes polls an agent while one takes over from the other.
 *
 * Who gives an agent up begins no more polls of it, and lets those in flight end for as long as the other can wait; what
 * is in flight then is abandoned without a status, and made anew by the other.
 */
import { Cause, type Duration, Effect, Exit } from "effect"
import * as Monotonic from "../../clock/Monotonic.ts"
import { Gate } from "../polls/Gate.ts"

/** Of one check; changes in place. */
export interface CheckRuns {
  /** When the last run began that ended or may still end in a status, on the monotonic clock. */
  startedMillis: number | undefined
  /** Before this the first run of this process is not due. */
  dueMillis: number | undefined
  /** One more for each time that the connection to the agent was lost. */
  life: number
}

export const neverRun = (): CheckRuns => ({ startedMillis: undefined, dueMillis: undefined, life: 0 })

export interface Lease {
  /** Open while this process may begin polls. */
  readonly isHeld: Gate
  /** Are told when polls in flight are to end without a status. */
  readonly abandoning: Set<() => void>
  /** Open while no poll is in flight. */
  readonly isIdle: Gate
  inFlight: number
}

export const make = (isHeld = true): Lease => ({
  isHeld: new Gate(isHeld),
  abandoning: new Set(),
  isIdle: new Gate(true),
  inFlight: 0
})

/** Runs one poll, unless the agent is somebody else's. */
export const run = <E, R>(
  lease: Lease,
  runs: CheckRuns,
  poll: Effect.Effect<unknown, E, R>
): Effect.Effect<unknown, E, R> =>
  Effect.clockWith((clock) => {
    if (!lease.isHeld.isOpen()) return Effect.void
    runs.startedMillis = Monotonic.millisOf(clock)
    lease.inFlight += 1
    lease.isIdle.closeUnsafe()
    return Effect.onExit(poll, (exit) => {
      if (Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)) runs.startedMillis = undefined
      lease.inFlight -= 1
      if (lease.inFlight === 0) lease.isIdle.openUnsafe()
      return Effect.void
    })
  })

/** Begins no more polls; those in flight have `patience` to end, and are abandoned then. */
export const giveUp = Effect.fn("Lease.giveUp")(function*(lease: Lease, patience: Duration.Duration) {
  yield* lease.isHeld.close
  yield* Effect.timeoutOption(lease.isIdle.await, patience)
  for (const abandon of lease.abandoning) abandon()
  // A status that is being handed to the reporter is not cut off.
  yield* Effect.timeoutOption(lease.isIdle.await, patience)
})
