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
}

export interface ReportCycle {
  readonly options: CycleOptions
  /** Measured since the last report. */
  readonly measured: Set<string>
  /** Not measured so far. */
  readonly unknown: Set<string>
  /** The newest cycle that has its report. */
  done: number
}

export const make = (options: CycleOptions): ReportCycle => ({
  options: { ...options, waitMillis: Math.min(options.waitMillis, options.intervalMillis / 2) },
  measured: new Set(),
  unknown: new Set(options.expected),
  done: -1
})

export const note = (cycle: ReportCycle, key: string): void => {
  cycle.measured.add(key)
  cycle.unknown.delete(key)
}

/** Whether there is nothing left to wait for. */
export const isAllMeasured = ({ measured, options: { expected } }: ReportCycle): boolean =>
  expected.size > 0 && measured.size >= expected.size && [...expected].every((key) => measured.has(key))

/** Cycles since the start, as a fraction: whole at the latest moment for the report of a cycle. */
const cyclesAt = ({ options }: ReportCycle, nowMillis: number): number =>
  (nowMillis - options.startMillis - options.waitMillis) / options.intervalMillis

/** Until the latest moment for the report of the current cycle, or of the next one when it has its report. */
export const untilNext = (cycle: ReportCycle, nowMillis: number): Duration.Duration => {
  const next = Math.max(Math.floor(cyclesAt(cycle, nowMillis)) + 1, cycle.done + 1)
  return Duration.millis(Math.max(1, Math.ceil((next - cyclesAt(cycle, nowMillis)) * cycle.options.intervalMillis)))
}

export const mayReport = (cycle: ReportCycle, nowMillis: number): boolean =>
  cycle.unknown.size === 0 || nowMillis - cycle.options.startMillis >= cycle.options.intervalMillis

/** A report is made, at the latest moment for it or before; what is early and not complete is not that of the cycle. */
export const reported = (cycle: ReportCycle, nowMillis: number, isLatest: boolean): void => {
  // Timers may fire a little early or late.
  if (isLatest) cycle.done = Math.max(cycle.done, Math.round(cyclesAt(cycle, nowMillis)))
  else if (isAllMeasured(cycle)) cycle.done = Math.max(cycle.done, Math.ceil(cyclesAt(cycle, nowMillis)))
  cycle.measured.clear()
}
