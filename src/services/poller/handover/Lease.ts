/**
 * Which of two processes polls an agent while one takes over from the other.
 *
 * Who gives an agent up begins no more polls of it, and lets those in flight end for as long as the other can wait; what
 * is in flight then is abandoned without a status, and made anew by the other.
 */
import { Cause, Duration, Effect, Exit, Latch } from "effect"
import * as Monotonic from "../../clock/Monotonic.ts"

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
  readonly isHeld: Latch.Latch
  /** Released when polls in flight are to end without a status. */
  readonly abandoned: Latch.Latch
  /** Open while no poll is in flight. */
  readonly isIdle: Latch.Latch
  inFlight: number
}

export const make = (isHeld = true): Lease => ({
  isHeld: Latch.makeUnsafe(isHeld),
  abandoned: Latch.makeUnsafe(),
  isIdle: Latch.makeUnsafe(true),
  inFlight: 0
})

/** Runs one poll, unless the agent is somebody else's; `ended` is asked for what is to be done after it, however it ended. */
export const run = <E, R>(
  lease: Lease,
  runs: CheckRuns,
  poll: Effect.Effect<unknown, E, R>,
  ended: () => Effect.Effect<void> = () => Effect.void
): Effect.Effect<unknown, E, R> =>
  Effect.clockWith((clock) => {
    if (!lease.isHeld.isOpen()) return ended()
    runs.startedMillis = Monotonic.millisOf(clock)
    lease.inFlight += 1
    lease.isIdle.closeUnsafe()
    return Effect.onExit(poll, (exit) => {
      if (Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)) runs.startedMillis = undefined
      lease.inFlight -= 1
      if (lease.inFlight === 0) lease.isIdle.openUnsafe()
      return ended()
    })
  })

/** Runs `polling` for as long as the agent is this process's, and from its beginning when it is so again. */
export const whileHeld = <E, R>(
  lease: Lease,
  polling: Effect.Effect<unknown, E, R>
): Effect.Effect<never, E, R> =>
  Effect.forever(Effect.andThen(lease.isHeld.await, Effect.raceFirst(polling, lease.abandoned.await)))

/** Waits until the first run is due that another process has left to this one. */
export const untilDue = (runs: CheckRuns): Effect.Effect<void> =>
  Effect.flatMap(Monotonic.millis, (now) => {
    const { dueMillis } = runs
    runs.dueMillis = undefined
    return dueMillis === undefined || dueMillis <= now ? Effect.void : Effect.sleep(Duration.millis(dueMillis - now))
  })

/** Begins no more polls; those in flight have `patience` to end, and are abandoned then. */
export const giveUp = Effect.fn("Lease.giveUp")(function*(lease: Lease, patience: Duration.Duration) {
  yield* lease.isHeld.close
  yield* Effect.timeoutOption(lease.isIdle.await, patience)
  yield* lease.abandoned.release
  // A status that is being handed to the reporter is not cut off.
  yield* Effect.timeoutOption(lease.isIdle.await, patience)
})
