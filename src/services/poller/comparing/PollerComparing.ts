/** Compares what two pollers measured in the time that both have seen. */
import { Effect, Option, Schema, Stream } from "effect"
import * as PollerComparison from "../../../domain/poller/comparing/PollerComparison.ts"
import type { TimeRange } from "../../../domain/poller/comparing/Sample.ts"
import type { SampleSource, SampleSourceError } from "./SampleSource.ts"

/** There is nothing on one side, or the two have never measured at the same time. */
export class NothingInCommon extends Schema.TaggedError<NothingInCommon>()("NothingInCommon", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

export interface Compared {
  readonly range: TimeRange
  readonly checks: ReadonlyArray<PollerComparison.CheckComparison>
}

export interface Sides {
  readonly left: SampleSource
  readonly right: SampleSource
}

const iso = (millis: number): string => new Date(millis).toISOString()

const rangeOf = Effect.fnUntraced(function*(source: SampleSource, within: TimeRange) {
  const found = Option.flatMap(yield* source.range, (range) => PollerComparison.overlap(range, within))
  if (Option.isSome(found)) return found.value
  return yield* new NothingInCommon({ detail: `${source.name} has no status in that time` })
})

export const compare = Effect.fn("PollerComparing.compare")(function*(
  { left, right }: Sides,
  within: TimeRange
): Effect.fn.Return<Compared, SampleSourceError | NothingInCommon> {
  const leftRange = yield* rangeOf(left, within)
  const rightRange = yield* rangeOf(right, within)
  const range = PollerComparison.overlap(leftRange, rightRange)
  if (Option.isNone(range)) {
    return yield* new NothingInCommon({
      detail: `the two were never measured at the same time: ${left.name} from ${iso(leftRange.firstMillis)} to ${
        iso(leftRange.lastMillis)
      }, ${right.name} from ${iso(rightRange.firstMillis)} to ${iso(rightRange.lastMillis)}`
    })
  }
  const comparison = PollerComparison.make()
  const note = (side: "left" | "right") =>
    Stream.runForEach(
      (side === "left" ? left : right).samples(range.value),
      (sample) => Effect.sync(() => PollerComparison.note(comparison, side, sample))
    )
  yield* note("left")
  yield* note("right")
  return { range: range.value, checks: PollerComparison.result(comparison) }
})
