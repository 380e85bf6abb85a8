/**
 * Why a message gives no rows: where in its payload, and what was expected there.
 *
 * Mapping functions answer with a light `Problem`; the processor makes it a `DecodeError`, which knows the message.
 */
import { Result, Schema } from "effect"

export interface Problem {
  readonly path: ReadonlyArray<string | number>
  readonly reason: string
}

export const fail = (path: ReadonlyArray<string | number>, reason: string): Result.Result<never, Problem> =>
  Result.fail({ path, reason })

/** `items[2].name`; `$` for the payload itself. */
const formatPath = (path: ReadonlyArray<string | number>): string =>
  path.reduce<string>((text, step) => text + (typeof step === "number" ? `[${step}]` : `.${step}`), "$")

export class DecodeError extends Schema.TaggedError<DecodeError>()("DecodeError", {
  subject: Schema.String,
  /** The logical stream, or empty when the subject belongs to none. */
  stream: Schema.String,
  sequence: Schema.Int,
  path: Schema.String,
  reason: Schema.String
}) {
  static readonly of = (
    message: { readonly subject: string; readonly sequence: number },
    stream: string,
    problem: Problem
  ): DecodeError =>
    new DecodeError({
      subject: message.subject,
      stream,
      sequence: message.sequence,
      path: formatPath(problem.path),
      reason: problem.reason
    })

  override get message(): string {
    return `Message ${this.sequence} on ${this.subject} cannot be stored: ${this.reason} at ${this.path}`
  }
}
