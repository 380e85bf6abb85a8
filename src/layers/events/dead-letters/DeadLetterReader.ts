/**
 * Goes through the dead letters without their payloads, by a consumer of its own that the server forgets afterwards.
 */
import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream"
import { Duration, Effect, Option, Stream } from "effect"
import type { NatsClient } from "../../nats/connection/NatsClient.ts"
import type { JetStreamDelivery } from "../jetstream/JetStreamMessage.ts"
import * as JetStreamRequest from "../jetstream/JetStreamRequest.ts"
import * as Pulls from "../jetstream/Pulls.ts"
import * as DeadLetterMessage from "./DeadLetterMessage.ts"

const pageSize = 256
const bytesMax = 8 * 2 ** 20
/** Between two pages a person may think. */
const forgottenAfter = Duration.minutes(5)

/** In the scope there is a consumer that has seen nothing yet. */
const consumer = (client: NatsClient, stream: string, filter: string) =>
  Effect.acquireRelease(
    JetStreamRequest.attempt(`Stream ${stream}`, () =>
      client.jsm.consumers.add(stream, {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.All,
        filter_subject: filter,
        headers_only: true,
        mem_storage: true,
        inactive_threshold: Duration.toMillis(forgottenAfter) * 1e6
      })),
    ({ name }) => Effect.ignore(JetStreamRequest.attempt("", () => client.jsm.consumers.delete(stream, name)))
  )

export const count = (client: NatsClient, stream: string, filter: string) =>
  consumer(client, stream, filter).pipe(Effect.map((info) => info.num_pending), Effect.scoped)

const summaries = (deliveries: ReadonlyArray<JetStreamDelivery>): ReadonlyArray<DeadLetterMessage.DecodedLetter> =>
  deliveries.flatMap(({ message }) => Option.toArray(DeadLetterMessage.summaryOf(message.headerValues)))

/** Oldest first. What is added meanwhile may be missing. */
export const list = (client: NatsClient, stream: string, filter: string) =>
  Stream.unwrap(Effect.gen(function*() {
    const info = yield* consumer(client, stream, filter)
    const pull = yield* Pulls.make({
      nc: client.nc,
      durables: [{
        subject: `${client.apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${info.name}`,
        batchMax: Number.POSITIVE_INFINITY,
        bytesMax: Number.POSITIVE_INFINITY,
        expiresMillisMax: Number.POSITIVE_INFINITY
      }],
      isForeign: () => false,
      ackWait: forgottenAfter
    })
    return Stream.paginate(info.num_pending, (left) => {
      if (left <= 0) return Effect.succeed([[], Option.none<number>()] as const)
      return Effect.map(pull(Math.min(left, pageSize), bytesMax), (deliveries) => {
        // Some may have been removed since the consumer counted them.
        const next = deliveries.length === 0 ? Option.none<number>() : Option.some(left - deliveries.length)
        return [summaries(deliveries), next] as const
      })
    })
  }))
