/** Sends mail to people. */
import { Context, Effect, Layer, type Redacted, Schema } from "effect"

export interface Message {
  readonly to: string
  readonly subject: string
  /** Holds what signs somebody in. */
  readonly text: Redacted.Redacted
}

export class MailError extends Schema.TaggedError<MailError>()("MailError", {
  /** Whether the server may take it later. */
  mayPass: Schema.Boolean,
  detail: Schema.String
}) {
  override get message(): string {
    return `the mail was not taken: ${this.detail}`
  }
}

export class Mail extends Context.Service<Mail, {
  /** False where no server is configured. */
  readonly isThere: boolean
  /** Until a server has taken it. */
  readonly send: (message: Message) => Effect.Effect<void, MailError>
}>()("serviceradar/services/identity/Mail") {
  static readonly layerNone: Layer.Layer<Mail> = Layer.succeed(Mail, {
    isThere: false,
    send: () => Effect.fail(new MailError({ mayPass: false, detail: "no server is configured" }))
  })
}
