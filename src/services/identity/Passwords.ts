/** Makes and checks what is kept of passwords: work of a tenth of a second, of which only a little is done at once. */
import { Context, type Effect, type Redacted, Schema } from "effect"

/** More sign-ins wait already than can be answered soon; or one took too long. */
export class PasswordsBusy extends Schema.TaggedError<PasswordsBusy>()("PasswordsBusy", { detail: Schema.String }) {
  override get message(): string {
    return `passwords cannot be checked now: ${this.detail}`
  }
}

export class Passwords extends Context.Service<Passwords, {
  /** As it is kept, see `Password`. */
  readonly hash: (password: Redacted.Redacted) => Effect.Effect<string, PasswordsBusy>
  /** False as well for what is in no form that is known. */
  readonly matches: (password: Redacted.Redacted, kept: string) => Effect.Effect<boolean, PasswordsBusy>
  /** What nobody's password is: as costly to check as somebody's. */
  readonly nobodys: string
}>()("serviceradar/services/identity/Passwords") {}
