/** Where configuration comes from that lies over the file of a program. */
import { Context, type Effect, type Option, Schema, type Stream } from "effect"

export class OverlayUnavailable extends Schema.TaggedError<OverlayUnavailable>()("OverlayUnavailable", {
  address: Schema.String,
  key: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `key ${this.key} of the key-value store at ${this.address}: ${this.detail}`
  }
}

export class ConfigOverlay extends Context.Service<ConfigOverlay, {
  /** None for a key that is not there. */
  readonly read: (key: string) => Effect.Effect<Option.Option<string>, OverlayUnavailable>
  /** The value of now, then each that takes its place. */
  readonly values: (key: string) => Stream.Stream<Option.Option<string>, OverlayUnavailable>
}>()("serviceradar/services/command/ConfigOverlay") {}
