/** What one poller measured, from wherever it is kept. */
import { type Effect, type Option, Schema, type Stream } from "effect"
import type { Sample, TimeRange } from "../../../domain/poller/comparing/Sample.ts"

export class SampleSourceError extends Schema.TaggedError<SampleSourceError>()("SampleSourceError", {
  source: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.source}: ${this.detail}`
  }
}

export interface SampleSource {
  /** For people. */
  readonly name: string
  /** From the first status to the last; none without any. */
  readonly range: Effect.Effect<Option.Option<TimeRange>, SampleSourceError>
  readonly samples: (range: TimeRange) => Stream.Stream<Sample, SampleSourceError>
}
