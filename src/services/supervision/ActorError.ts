/** The errors of sending a message to an actor. */
import * as Schema from "effect/Schema"

/** It does not run, or ended before it answered; a message that it had not begun is lost with it. */
export class ActorDown extends Schema.TaggedError<ActorDown>()("ActorDown", {
  actor: Schema.String,
  /** How it ended; `noproc` when it did not run. */
  reason: Schema.String
}) {
  override get message(): string {
    return `${this.actor} is down: ${this.reason}`
  }
}

/** It did not answer in time. It may still do what it was asked for. */
export class CallTimedOut extends Schema.TaggedError<CallTimedOut>()("CallTimedOut", {
  actor: Schema.String,
  call: Schema.String,
  limitMillis: Schema.Finite
}) {
  override get message(): string {
    return `${this.actor} did not answer ${this.call} within ${this.limitMillis} ms`
  }
}

/** Its mailbox had no place: the message was turned away, or gave way to a newer one. */
export class MailboxFull extends Schema.TaggedError<MailboxFull>()("MailboxFull", {
  actor: Schema.String,
  capacity: Schema.Finite
}) {
  override get message(): string {
    return `${this.actor} has ${this.capacity} messages waiting, which is all it takes`
  }
}
