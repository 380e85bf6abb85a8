/**
 * How many restarts a supervisor tolerates within a period before it gives up.
 *
 * OTP cuts the clock to whole seconds, so its window is between `period` and `period` + 1 s. Here the clock is cut to
 * whole milliseconds and the window is `period`, both edges included: a restart exactly `period` ago still counts.
 */
import * as Duration from "effect/Duration"

export interface RestartIntensity {
  /** Restarts tolerated within `period`; 0 gives up on the first. */
  readonly maxRestarts: number
  readonly period: Duration.Duration
}

/** What a user writes: `{ maxRestarts: 3, period: "5 seconds" }`. */
export interface RestartIntensityInput {
  readonly maxRestarts: number
  readonly period: Duration.Input
}

/** Three restarts in five seconds. */
export const defaultIntensity: RestartIntensityInput = { maxRestarts: 3, period: "5 seconds" }

/** Monotonic stamps of the restarts that still count, oldest first. Never longer than `maxRestarts` + 1. */
export type RestartWindow = ReadonlyArray<number>

/** The stamps that still count at `nowMillis`. */
export const within = (window: RestartWindow, intensity: RestartIntensity, nowMillis: number): RestartWindow => {
  const oldest = nowMillis - Duration.toMillis(intensity.period)
  return window.filter((atMillis) => atMillis >= oldest)
}

/** Adds a restart at `nowMillis` and forgets those that no longer count. */
export const record = (window: RestartWindow, intensity: RestartIntensity, nowMillis: number): RestartWindow => [
  ...within(window, intensity, nowMillis),
  nowMillis
]

/** Whether the restart recorded last was one too many. */
export const isExceeded = (window: RestartWindow, intensity: RestartIntensity): boolean =>
  window.length > intensity.maxRestarts
