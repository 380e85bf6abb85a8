/** What an agent answered, as a status; a large answer is read elsewhere, so that no other agent waits for it. */
import { Context, Effect, Schema } from "effect"
import * as Wrapping from "../../../domain/monitoring/reports/envelope/Wrapping.ts"
import * as PolledStatus from "../../../domain/monitoring/reports/PolledStatus.ts"
import type { ServiceStatus } from "../../../domain/monitoring/reports/ServiceStatus.ts"

/** Whoever was to read the answer took too long or ended. */
export class UnreadReply extends Schema.TaggedError<UnreadReply>()("UnreadReply", {
  bytes: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `an answer of ${this.bytes} bytes could not be read: ${this.detail}`
  }
}

/** May take the message away from whoever gave it. Reads in place unless another layer is given. */
export const LargeReplies = Context.Reference<{
  readonly wrap: (wrapping: Wrapping.Wrapping, message: Uint8Array) => Effect.Effect<Uint8Array, UnreadReply>
}>("serviceradar/services/poller/polls/LargeReplies", {
  defaultValue: () => ({ wrap: (wrapping, message) => Effect.sync(() => Wrapping.wrap(wrapping, message)) })
})

/** Some 0.3 ms of reading: more than it costs to hand it over. */
const bytesMin = 65_536

export const isLarge = ({ message }: Pick<PolledStatus.Reply, "message">): boolean => message.length >= bytesMin

/** An answer that could not be read says nothing good of its check. */
export const statusOf = (subject: PolledStatus.PollSubject, reply: PolledStatus.Reply): Effect.Effect<ServiceStatus> =>
  isLarge(reply)
    ? Effect.flatMap(
      LargeReplies,
      ({ wrap }) =>
        Effect.match(wrap(PolledStatus.wrappingOf(subject, reply), reply.message), {
          onSuccess: (message) => PolledStatus.fromWrapped(subject, reply, message),
          onFailure: ({ message }) => PolledStatus.fromFailure(subject, message)
        })
    )
    : Effect.sync(() => PolledStatus.fromReply(subject, reply))
