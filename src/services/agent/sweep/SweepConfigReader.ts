/** The store that an agent is told through what to sweep: its key as it changes, and the objects that keys name. */
import { Context, type Effect, type Option, Schema, type Stream } from "effect"

/** The store is away, or has not what is asked for. */
export class SweepConfigUnavailable extends Schema.TaggedError<SweepConfigUnavailable>()("SweepConfigUnavailable", {
  key: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.key}: ${this.detail}`
  }
}

export interface Content {
  readonly bytes: Uint8Array
  /** Of these bytes, lower-case hexadecimal. */
  readonly sha256: string
}

export class SweepConfigReader extends Context.Service<SweepConfigReader, {
  /** What is at the key, then each change; none where it was deleted. Fails when the store goes away. */
  readonly values: (key: string) => Stream.Stream<Option.Option<Content>, SweepConfigUnavailable>
  readonly object: (key: string) => Effect.Effect<Content, SweepConfigUnavailable>
}>()("serviceradar-effect/services/agent/sweep/SweepConfigReader") {}
