/**
 * A step in preparing or running a server process of ours that did not work.
 *
 * Says nothing about which server: whoever prepares one wraps it into an error that names it.
 */
import { Schema } from "effect"

/** `detail` holds the reason of the operating system or of the tool. */
export class SetupFailed extends Schema.TaggedError<SetupFailed>()("SetupFailed", {
  step: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.step}: ${this.detail}`
  }
}

/** For `Effect.mapError`: an error of the operating system as a failed step. */
export const failedAt = (step: string) => (error: { readonly message: string }): SetupFailed =>
  new SetupFailed({ step, detail: error.message })
