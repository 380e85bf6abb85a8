/** A call of a plugin that did not come to an answer of its contract's shape. */
import { Schema } from "effect"

export class PluginFault extends Schema.TaggedError<PluginFault>()("PluginFault", {
  plugin: Schema.String,
  /** Which export was called. */
  call: Schema.String,
  reason: Schema.Literals(["threw", "timed out", "wrong shape", "ended"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `plugin ${this.plugin}: ${this.call}: ${this.reason}: ${this.detail}`
  }
}
