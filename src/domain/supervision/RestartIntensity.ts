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

/**
 * The restarts that still count, by their monotonic milliseconds, oldest first.
 *
 * Successive windows share one list of stamps and differ in what part of it they see, so that a supervisor that
 * tolerates a million restarts pays for each of them no more than one that tolerates three.
 */
export interface RestartWindow {
  readonly stamps: Array<number>
  readonly from: number
  readonly to: number
}

export const emptyWindow: RestartWindow = { stamps: [], from: 0, to: 0 }

/** How many restarts count at `nowMillis`. */
export const countWithin = (window: RestartWindow, intensity: RestartIntensity, nowMillis: number): number =>
  window.to - firstWithin(window, intensity, nowMillis)

/** Adds a restart at `nowMillis` and forgets those that no longer count. */
export const record = (window: RestartWindow, intensity: RestartIntensity, nowMillis: number): RestartWindow => {
  const from = firstWithin(window, intensity, nowMillis)
  // Shared as long as nobody else has written past this window's end, and compacted when most of it is forgotten.
  const isShared = window !== emptyWindow && window.stamps.length === window.to && from <= window.to / 2
  const stamps = isShared ? window.stamps : window.stamps.slice(from, window.to)
  stamps.push(nowMillis)
  return { stamps, from: isShared ? from : 0, to: stamps.length }
}

/** Whether the restart recorded last was one too many. */
export const isExceeded = (window: RestartWindow, intensity: RestartIntensity): boolean =>
  size(window) > intensity.maxRestarts

export const size = ({ from, to }: RestartWindow): number => to - from

/** Position of the oldest stamp that still counts. */
const firstWithin = ({ from, stamps, to }: RestartWindow, intensity: RestartIntensity, nowMillis: number): number => {
  const oldest = nowMillis - Duration.toMillis(intensity.period)
  let first = from
  while (first < to && !((stamps[first] ?? 0) >= oldest)) first += 1
  return first
}
