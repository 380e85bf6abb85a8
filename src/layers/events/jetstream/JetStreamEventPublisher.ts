/**
 * Publishes what programs tell of themselves, in the background and with acknowledgements.
 *
 * While the server is away, messages wait; the oldest make room for new ones. A message that the server takes twice, for
 * an acknowledgement was lost, is stored once within the stream's window of duplicates.
 *
 * Messages on their way when the publishing ends, for whatever reason, wait again for the one that follows.
 */
import { nuid } from "@nats-io/transport-node"
import { Effect, Latch, Layer, Metric } from "effect"
import * as Monotonic from "../../../services/clock/Monotonic.ts"
import { EventPublisher } from "../../../services/events/EventPublisher.ts"
import type { NatsClient } from "../../nats/connection/NatsClient.ts"
import { NatsConnection } from "../../nats/connection/NatsConnection.ts"
import * as JetStreamRequest from "./JetStreamRequest.ts"
import { OutgoingQueue, type OutgoingQueueOptions, type Waiting } from "./OutgoingQueue.ts"

/** Default 10,000 messages and 16 MiB. */
export type JetStreamEventPublisherOptions = Partial<OutgoingQueueOptions>

const published = Metric.counter("event_publisher_messages_total", {
  description: "Messages of the program itself by what became of them: published, dropped (no room), refused",
  incremental: true
})

const inFlightMax = 256
const ackMillis = 5_000
/** Between two attempts for a message that the server did not take, as when no stream has its subject yet. */
const retryAfter = "2 seconds"
const attemptsMax = 60
const lookAgainAfter = "200 millis"
const tellEveryMillis = 60_000

const make = Effect.fnUntraced(function*({ bytesMax = 2 ** 24, messagesMax = 10_000 }: JetStreamEventPublisherOptions) {
  const connection = yield* NatsConnection
  const context = yield* Effect.context<never>()
  const queue = new OutgoingQueue({ messagesMax, bytesMax })
  const later = new OutgoingQueue({ messagesMax, bytesMax })
  const hasWork = yield* Latch.make()
  let toldAt = Number.NEGATIVE_INFINITY

  const count = (outcome: "published" | "dropped" | "refused", count: number) => {
    if (count > 0) Metric.withAttributes(published, { outcome }).updateUnsafe(count, context)
  }

  const sendLater = (waiting: Waiting) => count("dropped", later.add(waiting))

  const tell = Effect.fnUntraced(function*(line: string) {
    const now = yield* Monotonic.millis
    if (now - toldAt < tellEveryMillis) return
    toldAt = now
    yield* Effect.logWarning(line)
  })

  const publish = ({ js }: NatsClient, { event, id }: Waiting) =>
    JetStreamRequest.attempt(
      `Subject ${event.subject}`,
      () => js.publish(event.subject, event.data, { msgID: id, timeout: ackMillis })
    )

  const send = (client: NatsClient) => (waiting: Waiting) =>
    publish(client, waiting).pipe(
      Effect.matchEffect({
        onSuccess: () => Effect.sync(() => count("published", 1)),
        onFailure: (error) => {
          waiting.attempts += 1
          if (!error.isLasting && waiting.attempts < attemptsMax) return Effect.sync(() => sendLater(waiting))
          count("refused", 1)
          return tell(`A message of this program cannot be published. ${error.detail}`)
        }
      })
    )

  const sendBatch = (client: NatsClient) =>
    Effect.acquireUseRelease(
      Effect.sync(() => new Set(queue.take(inFlightMax))),
      (unsettled) =>
        Effect.forEach(
          [...unsettled],
          (waiting) => Effect.tap(send(client)(waiting), () => Effect.sync(() => unsettled.delete(waiting))),
          { concurrency: "unbounded", discard: true }
        ),
      (unsettled) => Effect.sync(() => unsettled.forEach(sendLater))
    )

  const sendAll = Effect.gen(function*() {
    yield* hasWork.await
    const client = yield* connection.client
    yield* sendBatch(client)
    if (queue.size === 0) hasWork.closeUnsafe()
  }).pipe(Effect.catchTag("NatsUnavailable", () => Effect.sleep(lookAgainAfter)))

  const sendAgain = Effect.gen(function*() {
    yield* Effect.sleep(retryAfter)
    for (const waiting of later.take(messagesMax)) {
      count("dropped", queue.add(waiting))
      hasWork.openUnsafe()
    }
  })

  return EventPublisher.of({
    offer: (event) => {
      count("dropped", queue.add({ event, id: nuid.next(), attempts: 0 }))
      hasWork.openUnsafe()
    },
    keep: Effect.raceFirst(Effect.forever(sendAll), Effect.forever(sendAgain))
  })
})

export const layer = (options: JetStreamEventPublisherOptions = {}) => Layer.effect(EventPublisher, make(options))
