/**
 * How long a supervisor waits for a child that it stops.
 *
 * A fiber cannot be killed: a child that does not end within its limit is left behind and reported. `brutal` is a limit
 * of zero: what the child cannot finish without waiting for anything is not waited for.
 */
import * as Duration from "effect/Duration"

export type ShutdownInput = "brutal" | "infinity" | Duration.Input

/** Milliseconds; `Infinity` waits for as long as it takes. */
export const limitMillis = (shutdown: ShutdownInput): number => {
  if (shutdown === "brutal") return 0
  if (shutdown === "infinity") return Number.POSITIVE_INFINITY
  return Duration.toMillis(Duration.fromInputUnsafe(shutdown))
}

export const defaultShutdown: ShutdownInput = "5 seconds"

/**
 * How many turns of the scheduler a child with a limit of zero has to end in. One is not enough for a child that waits for
 * nothing: a fiber gives way after 2,048 steps, wherever it is.
 */
export const brutalTurns = 32
