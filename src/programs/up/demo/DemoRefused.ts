/** `up --demo` cannot be had this way. */
import { Schema } from "effect"

export class DemoRefused extends Schema.TaggedError<DemoRefused>()("DemoRefused", { detail: Schema.String }) {
  override get message(): string {
    return `--demo is not possible here: ${this.detail}`
  }
}
