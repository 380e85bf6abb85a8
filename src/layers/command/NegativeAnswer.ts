/**
 * The command did what was asked and the answer is no: exit code 1, with nothing more to say than what was printed.
 *
 * Errors, by contrast, end with 2.
 */
import { Runtime, Schema } from "effect"

export class NegativeAnswer extends Schema.TaggedError<NegativeAnswer>()("NegativeAnswer", {
  answer: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 1
  override readonly [Runtime.errorReported] = false
  override get message(): string {
    return this.answer
  }
}
