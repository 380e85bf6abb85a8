import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Metric } from "effect"
import * as JetStreamEventPublisher from "../../../../src/layers/events/jetstream/JetStreamEventPublisher.ts"
import { NatsConnection } from "../../../../src/layers/nats/connection/NatsConnection.ts"
import { EventPublisher } from "../../../../src/services/events/EventPublisher.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"

const idle = (url: string, options: JetStreamEventPublisher.JetStreamEventPublisherOptions = {}) =>
  JetStreamEventPublisher.layer(options).pipe(Layer.provideMerge(natsClient.layer(url)))

const kept = Layer.effectDiscard(Effect.flatMap(EventPublisher, ({ keep }) => Effect.forkScoped(keep)))

const layers = (url: string, options: JetStreamEventPublisher.JetStreamEventPublisherOptions = {}) =>
  Layer.provideMerge(kept, idle(url, options))

const client = Effect.flatMap(NatsConnection, natsClient.ready)

const stream = Effect.gen(function*() {
  const { jsm } = yield* client
  yield* Effect.promise(() => jsm.streams.add({ name: "events", subjects: ["events.>"] }))
})

const stored = Effect.gen(function*() {
  const { jsm } = yield* Effect.flatMap(NatsConnection, (connection) => connection.client)
  return yield* Effect.tryPromise(async () => (await jsm.streams.info("events")).state.messages)
}).pipe(Effect.orElseSucceed(() => 0))

const event = (index: number) => ({ subject: "events.test", data: new TextEncoder().encode(`${index}`) })

const numbers = (count: number, from: number) => Array.from({ length: count }, (_, index) => from + index)

const counted = (outcome: string) =>
  Effect.map(
    Metric.snapshot,
    (metrics) =>
      metrics.flatMap((metric) =>
        metric.id === "event_publisher_messages_total" && metric.attributes?.["outcome"] === outcome &&
          metric.type === "Counter"
          ? [Number(metric.state.count)]
          : []
      )[0] ?? 0
  )

describe("JetStreamEventPublisher", () => {
  it.live(
    "publishes what is offered, also what came while the server was away, each once",
    () =>
      Effect.gen(function*() {
        const server = yield* natsServer.start()
        yield* Effect.gen(function*() {
          yield* stream
          const publisher = yield* EventPublisher
          for (let at = 0; at < 1_000; at++) publisher.offer(event(at))
          yield* server.kill("SIGKILL")
          for (let at = 1_000; at < 2_000; at++) publisher.offer(event(at))

          yield* server.restart

          assert.strictEqual(yield* natsClient.eventually(stored, (count) => count >= 2_000), 2_000)
        }).pipe(Effect.scoped, Effect.provide(layers(server.url)))
      }),
    60_000
  )

  it.live("loses nothing when the publishing is ended and begun again at any time", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      yield* Effect.gen(function*() {
        yield* stream
        const publisher = yield* EventPublisher
        for (let at = 0; at < 2_000; at++) publisher.offer(event(at))

        for (let life = 0; life < 20; life++) yield* Effect.timeoutOption(publisher.keep, `${life} millis`)
        yield* Effect.forkScoped(publisher.keep)

        assert.strictEqual(yield* natsClient.eventually(stored, (count) => count >= 2_000), 2_000)
      }).pipe(Effect.scoped, Effect.provide(idle(server.url)))
    }), 60_000)

  it.live("drops the oldest and counts them when there is no room", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      yield* Effect.gen(function*() {
        yield* stream
        yield* server.kill("SIGKILL")
        // Until that is noticed, some may leave the queue in vain.
        const connection = yield* NatsConnection
        yield* natsClient.eventually(Effect.exit(connection.client), Exit.isFailure)
        const publisher = yield* EventPublisher
        const before = yield* counted("dropped")
        for (let at = 0; at < 30; at++) publisher.offer(event(at))
        assert.strictEqual((yield* counted("dropped")) - before, 20)

        yield* server.restart

        yield* natsClient.eventually(stored, (count) => count >= 10)
        const { jsm } = yield* client
        const texts = yield* Effect.promise(() =>
          Promise.all(numbers(10, 1).map(async (seq) => (await jsm.streams.getMessage("events", { seq }))?.string()))
        )
        // What the server refuses while it starts comes later than what it takes.
        assert.deepStrictEqual(texts.toSorted(), numbers(10, 20).map(String))
      }).pipe(Effect.scoped, Effect.provide(layers(server.url, { messagesMax: 10 })))
    }), 60_000)

  it.live(
    "goes on with others while one finds no stream or is too large, and publishes it once there is a stream",
    () =>
      Effect.gen(function*() {
        const server = yield* natsServer.start()
        yield* Effect.gen(function*() {
          yield* client
          const publisher = yield* EventPublisher
          const refused = yield* counted("refused")
          publisher.offer(event(1))
          publisher.offer({ subject: "events.test", data: new Uint8Array(2 ** 21) })
          yield* natsClient.eventually(counted("refused"), (count) => count === refused + 1)

          yield* stream
          publisher.offer(event(2))

          assert.strictEqual(yield* natsClient.eventually(stored, (count) => count >= 2), 2)
        }).pipe(Effect.scoped, Effect.provide(layers(server.url)))
      }),
    60_000
  )
})
