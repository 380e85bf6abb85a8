/** The arguments make no sense. Help and the reason have been printed by the time this is raised. */
import { Runtime, Schema } from "effect"

export class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { detail: Schema.String }) {
  override readonly [Runtime.errorExitCode] = 2
  override readonly [Runtime.errorReported] = false
  override get message(): string {
    return this.detail
  }
}
