/**
 * When a poller whose reports each show everything is to report: once per cycle.
 *
 * A cycle's report is due when every check has been measured since the last one, at the latest `waitMillis` after the
 * cycle began: a check that hangs delays nobody. The first waits until each check has a state, for one cycle at most; a
 * report without some of them would look as if those had gone, and as if they came back with the next.
 */
import { Duration } from "effect"

export interface CycleOptions {
  readonly startMillis: number
  readonly intervalMillis: number
  readonly waitMillis: number
  /** The checks that are measured in every cycle. */
  readonly expected: ReadonlySet<string>
  /** All checks that are to have a state; those of every cycle unless told. */
  readonly checks?: ReadonlySet<string>
}

export interface ReportCycle {
  readonly options: CycleOptions
  /** Those of every cycle that were measured since the last report. */
  readonly measured: Set<string>
  /** Not measured so far, and since when they are to be. */
  readonly unknown: Map<string, number>
  /** The newest cycle that has its report. */
  done: number
}

export const make = (options: CycleOptions): ReportCycle => ({
  options: { ...options, waitMillis: Math.min(options.waitMillis, options.intervalMillis / 2) },
  measured: new Set(),
  unknown: new Map([...options.checks ?? options.expected].map((key) => [key, options.startMillis])),
  done: -1
})

/** The same checks as far as there still are, with others beside them, or another interval. */
export const revise = (cycle: ReportCycle, options: CycleOptions, nowMillis: number): ReportCycle => {
  const next = make(options)
  const before = cycle.options.checks ?? cycle.options.expected
  for (const key of next.unknown.keys()) {
    const since = cycle.unknown.get(key)
    if (since !== undefined) next.unknown.set(key, since)
    else if (before.has(key)) next.unknown.delete(key)
    else next.unknown.set(key, nowMillis)
  }
  for (const key of cycle.measured) if (options.expected.has(key)) next.measured.add(key)
  if (options.startMillis === cycle.options.startMillis) next.done = cycle.done
  return next
}

export const note = (cycle: ReportCycle, key: string): void => {
  if (cycle.options.expected.has(key)) cycle.measured.add(key)
  cycle.unknown.delete(key)
}

/** Whether there is nothing left to wait for. Asked for each status, so it counts and does not look. */
export const isAllMeasured = ({ measured, options: { expected } }: ReportCycle): boolean =>
  expected.size > 0 && measured.size === expected.size

/** Cycles since the start, as a fraction: whole at the latest moment for the report of a cycle. */
const cyclesAt = ({ options }: ReportCycle, nowMillis: number): number =>
  (nowMillis - options.startMillis - options.waitMillis) / options.intervalMillis

/** Whether the report of the current cycle can be made, and was not. */
export const isComplete = (cycle: ReportCycle, nowMillis: number): boolean =>
  isAllMeasured(cycle) && Math.ceil(cyclesAt(cycle, nowMillis)) > cycle.done

/** Until the latest moment for the report of the current cycle, or of the next one when it has its report. */
export const untilNext = (cycle: ReportCycle, nowMillis: number): Duration.Duration => {
  const next = Math.max(Math.floor(cyclesAt(cycle, nowMillis)) + 1, cycle.done + 1)
  return Duration.millis(Math.max(1, Math.ceil((next - cyclesAt(cycle, nowMillis)) * cycle.options.intervalMillis)))
}

/** Checks that came later hold up no report: one without them says nothing of them yet. */
export const mayReport = (cycle: ReportCycle, nowMillis: number): boolean =>
  cycle.unknown.size === 0 || nowMillis - cycle.options.startMillis >= cycle.options.intervalMillis

/** Those that have had a whole cycle to answer and did not. */
export const unanswered = ({ options: { intervalMillis }, unknown }: ReportCycle, nowMillis: number) =>
  [...unknown].flatMap(([key, since]) => nowMillis - since >= intervalMillis ? [key] : [])

/** A report is made, at the latest moment for it or before; what is early and not complete is not that of the cycle. */
export const reported = (cycle: ReportCycle, nowMillis: number, isLatest: boolean): void => {
  // Timers may fire a little early or late.
  if (isLatest) cycle.done = Math.max(cycle.done, Math.round(cyclesAt(cycle, nowMillis)))
  else if (isAllMeasured(cycle)) cycle.done = Math.max(cycle.done, Math.ceil(cyclesAt(cycle, nowMillis)))
  cycle.measured.clear()
}
