/**
 * How many messages may pass now: at most `allowed` in each window of `intervalMillis`. A window begins with the first
 * question after the last one ended, and what was not used in it is lost, so a quiet time earns no burst.
 */

export interface RateLimit {
  readonly allowed: number
  readonly intervalMillis: number
}

export interface RateWindow {
  readonly startMillis: number
  readonly used: number
}

/** No window yet. */
export const fresh: RateWindow = { startMillis: Number.NEGATIVE_INFINITY, used: 0 }

/** The window that `nowMillis` is in. A clock that jumps back begins a new one rather than waiting for the old. */
export const at = (window: RateWindow, limit: RateLimit, nowMillis: number): RateWindow =>
  nowMillis >= window.startMillis && nowMillis < window.startMillis + limit.intervalMillis
    ? window
    : { startMillis: nowMillis, used: 0 }

export const remaining = (window: RateWindow, limit: RateLimit): number => Math.max(0, limit.allowed - window.used)

export const use = (window: RateWindow, count: number): RateWindow => ({ ...window, used: window.used + count })

/** How long until the next window. */
export const waitMillis = (window: RateWindow, limit: RateLimit, nowMillis: number): number =>
  Math.max(0, window.startMillis + limit.intervalMillis - nowMillis)
