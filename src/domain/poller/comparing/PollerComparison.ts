/**
 * Two pollers' results held against each other, check by check: how often it was available, how fast its agent answered,
 * and what is in the messages. Memory grows with the checks, not with the samples.
 */
import { Option } from "effect"
import * as EnvelopeContents from "../../monitoring/reports/envelope/EnvelopeContents.ts"
import * as PayloadShape from "./PayloadShape.ts"
import { isMeasured, type Sample, type TimeRange } from "./Sample.ts"

export interface SideSummary {
  readonly samples: number
  readonly available: number
  /** Of available ones that have a time; milliseconds. */
  readonly latencyMillis: { readonly p50: number; readonly p95: number } | null
}

export interface CheckComparison {
  readonly agentId: string
  readonly serviceType: string
  readonly serviceName: string
  readonly left: SideSummary
  readonly right: SideSummary
  readonly payload: ReadonlyArray<PayloadShape.PayloadDifference & { readonly state: "available" | "unavailable" }>
  /** In words; none where the two agree. */
  readonly differences: ReadonlyArray<string>
}

interface Tally {
  samples: number
  available: number
  /** Of the last ones. */
  readonly latencies: Array<number>
  readonly up: PayloadShape.PayloadShape
  readonly down: PayloadShape.PayloadShape
}

interface Compared extends Pick<Sample, "agentId" | "serviceType" | "serviceName"> {
  readonly left: Tally
  readonly right: Tally
}

export type PollerComparison = Map<string, Compared>

const latenciesMax = 10_000
const nanosPerMilli = 1e6

const tally = (): Tally => ({
  samples: 0,
  available: 0,
  latencies: [],
  up: PayloadShape.make(),
  down: PayloadShape.make()
})

export const make = (): PollerComparison => new Map()

/** What both have seen; none where their times do not meet. */
export const overlap = (left: TimeRange, right: TimeRange): Option.Option<TimeRange> =>
  Option.liftPredicate(
    (range: TimeRange) => range.firstMillis <= range.lastMillis
  )({
    firstMillis: Math.max(left.firstMillis, right.firstMillis),
    lastMillis: Math.min(left.lastMillis, right.lastMillis)
  })

export const note = (comparison: PollerComparison, side: "left" | "right", sample: Sample): void => {
  if (!isMeasured(sample)) return
  const { agentId, serviceName, serviceType } = sample
  const key = JSON.stringify([agentId, serviceType, serviceName])
  const compared = comparison.get(key) ?? { agentId, serviceType, serviceName, left: tally(), right: tally() }
  comparison.set(key, compared)
  const of = compared[side]
  if (sample.available) {
    of.available += 1
    if (sample.responseTimeNanos > 0) {
      of.latencies[of.samples % latenciesMax] = sample.responseTimeNanos / nanosPerMilli
    }
  }
  of.samples += 1
  if (Option.isSome(sample.message)) {
    const text = sample.message.value
    // Core keeps what is in the envelope.
    const { data } = Option.getOrElse(EnvelopeContents.open(text), () => ({ data: text }))
    PayloadShape.note(sample.available ? of.up : of.down, data)
  }
}

/** By agent, type and name. */
export const result = (comparison: PollerComparison): ReadonlyArray<CheckComparison> =>
  Array.from(comparison).toSorted(([one], [other]) => one < other ? -1 : 1).map(([, compared]) => conclude(compared))

const conclude = ({ left, right, ...check }: Compared): CheckComparison => {
  const payload = [
    ...PayloadShape.compare(left.up, right.up).map((one) => ({ state: "available" as const, ...one })),
    ...PayloadShape.compare(left.down, right.down).map((one) => ({ state: "unavailable" as const, ...one }))
  ]
  return {
    ...check,
    left: summaryOf(left),
    right: summaryOf(right),
    payload,
    differences: differencesOf(left, right, payload.length)
  }
}

const summaryOf = ({ available, latencies, samples }: Tally): SideSummary => ({
  samples,
  available,
  latencyMillis: latenciesOf(latencies)
})

const latenciesOf = (latencies: ReadonlyArray<number>): SideSummary["latencyMillis"] => {
  // Places of unavailable samples are empty.
  const sorted = latencies.filter((millis) => millis > 0).toSorted((one, other) => one - other)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  const p50 = at(0.5)
  const p95 = at(0.95)
  return p50 === undefined || p95 === undefined ? null : { p50, p95 }
}

const differencesOf = (left: Tally, right: Tally, payload: number): ReadonlyArray<string> => {
  if (left.samples === 0) return ["only on the right"]
  if (right.samples === 0) return ["only on the left"]
  const gap = Math.abs(left.available / left.samples - right.available / right.samples)
  // Pollers ask at different moments: one poll at a turn may have seen what the other did not.
  const isFar = gap > 1 / Math.min(left.samples, right.samples) + Number.EPSILON
  return [
    ...(isFar ? ["availability"] : []),
    ...(payload === 0 ? [] : [`payload (${payload} ${payload === 1 ? "path" : "paths"})`])
  ]
}
