/** What a breaker is made of, its defaults, and the check that refuses nonsense by the field's name. */
import { Duration, Schedule, Schema } from "effect"
import type * as Circuit from "../../domain/breaker/Circuit.ts"
import { millisOf } from "../clock/DurationInput.ts"

/** Opens a circuit by the calls of the last `period`, however they follow one another. */
export interface RateWindow {
  readonly period: Duration.Input
  /** Fewer calls than this within the period say nothing. Default 10. */
  readonly callsMin?: number
  /** Share of failed calls, above 0 and at most 1, whatever their class. */
  readonly failureRate?: number
  /** Share of calls that take at least `slowCall`, whether they succeed or not. */
  readonly slowCallRate?: number
  /** Needed with `slowCallRate`. A probe that is slow counts as failed. */
  readonly slowCall?: Duration.Input
}

export class InvalidBreakerOptions extends Schema.TaggedError<InvalidBreakerOptions>()("InvalidBreakerOptions", {
  field: Schema.String,
  value: Schema.String,
  expectation: Schema.String
}) {
  override get message(): string {
    return `Circuit breaker: ${this.field} is ${this.value}, expected ${this.expectation}`
  }
}

export interface CircuitBreakerOptions<Class extends string> {
  /**
   * For each class, how many failures since the last success open the circuit. `Infinity` for a class that only the
   * window's `failureRate` counts.
   */
  readonly thresholds: Readonly<Record<Class, number>>
  /** A `Schedule` lengthens the openings of a dependency that flaps; cap it. */
  readonly openDuration: Duration.Input | Schedule.Schedule<unknown, number>
  /** Calls that try a dependency after its open time; all have to succeed. Default 1. */
  readonly probes?: number
  /** How long a half-open round may take: after it other calls may probe. Default 1 minute. */
  readonly halfOpenMax?: Duration.Input
  /** Default none. */
  readonly window?: RateWindow
  /** Circuits kept; one more forgets one without failures, else the oldest that nobody forced. Default 10,000. */
  readonly keysMax?: number
  /** Events that a subscriber may be behind before it loses the oldest. Default 1,024. */
  readonly eventsMax?: number
}

const callsMinDefault = 10
const halfOpenMaxDefault = Duration.minutes(1)

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1
const isShare = (value: number): boolean => Number.isFinite(value) && value > 0 && value <= 1

type Options = CircuitBreakerOptions<string>

/** Every field that is wrong, in order. */
export const problems = (options: Options): ReadonlyArray<InvalidBreakerOptions> => {
  const found: Array<InvalidBreakerOptions> = []
  const expect = (isFine: boolean, field: string, value: unknown, expectation: string) => {
    if (!isFine) found.push(new InvalidBreakerOptions({ field, value: String(value), expectation }))
  }
  const classes = Object.entries(options.thresholds ?? {})
  const isRated = options.window?.failureRate !== undefined
  expect(
    classes.length > 0 || options.window?.slowCallRate !== undefined,
    "thresholds",
    "empty",
    "a failure class, or a window with a slowCallRate"
  )
  for (const [name, threshold] of classes) {
    const isFine = isCount(threshold) || (isRated && threshold === Number.POSITIVE_INFINITY)
    expect(isFine, `thresholds.${name}`, threshold, isRated ? `${count}, or Infinity` : count)
  }
  const { openDuration } = options
  if (!Schedule.isSchedule(openDuration)) {
    expect(millisOf(openDuration) > 0, "openDuration", String(openDuration), "a duration above 0, or a Schedule")
  }
  expect(isCount(options.probes ?? 1), "probes", options.probes, count)
  expect(isCount(options.keysMax ?? 1), "keysMax", options.keysMax, count)
  expect(isCount(options.eventsMax ?? 1), "eventsMax", options.eventsMax, count)
  expect(millisOf(options.halfOpenMax ?? halfOpenMaxDefault) > 0, "halfOpenMax", options.halfOpenMax, aboveZero)
  if (options.window !== undefined) checkWindow(options.window, expect)
  return found
}

const count = "a whole number of at least 1"
const share = "above 0 and at most 1"
const aboveZero = "a duration above 0"

const checkWindow = (
  window: RateWindow,
  expect: (isFine: boolean, field: string, value: unknown, expectation: string) => void
): void => {
  const { callsMin, failureRate, slowCall, slowCallRate } = window
  const periodMillis = millisOf(window.period)
  expect(periodMillis > 0 && Number.isFinite(periodMillis), "window.period", window.period, aboveZero)
  expect(isCount(callsMin ?? 1), "window.callsMin", callsMin, count)
  expect(failureRate !== undefined || slowCallRate !== undefined, "window", "without a rate", "one of its rates")
  expect(failureRate === undefined || isShare(failureRate), "window.failureRate", failureRate, share)
  expect(slowCallRate === undefined || isShare(slowCallRate), "window.slowCallRate", slowCallRate, share)
  expect(
    (slowCall === undefined) === (slowCallRate === undefined),
    "window.slowCall",
    slowCall,
    "one with slowCallRate"
  )
  expect(slowCall === undefined || millisOf(slowCall) > 0, "window.slowCall", slowCall, aboveZero)
}

export const policyOf = (options: Options): Circuit.CircuitPolicy => {
  const { window } = options
  return {
    thresholds: options.thresholds ?? {},
    probes: options.probes ?? 1,
    halfOpenMaxMillis: millisOf(options.halfOpenMax ?? halfOpenMaxDefault),
    window: window === undefined ? undefined : {
      periodMillis: millisOf(window.period),
      callsMin: window.callsMin ?? callsMinDefault,
      failureRate: window.failureRate,
      slow: window.slowCall === undefined || window.slowCallRate === undefined
        ? undefined
        : { rate: window.slowCallRate, fromMillis: millisOf(window.slowCall) }
    }
  }
}
