import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Scope } from "effect"
import * as JetStreamEventSource from "../../../src/layers/nats/JetStreamEventSource.ts"
import { NatsConnection } from "../../../src/layers/nats/NatsConnection.ts"
import { EventSource, type Subscription } from "../../../src/services/event-writer/EventSource.ts"
import * as natsClient from "../../support/natsClient.ts"
import * as natsServer from "../../support/natsServer.ts"

type Options = Partial<JetStreamEventSource.JetStreamEventSourceOptions>

const source = (url: string, options: Options = {}) =>
  JetStreamEventSource.layer({ consumer: "writer", createStreams: true, ...options }).pipe(
    Layer.provideMerge(natsClient.layer(url))
  )

const client = Effect.flatMap(NatsConnection, natsClient.ready)

const publish = Effect.fnUntraced(function*(subject: string, count: number, from = 0) {
  const { js } = yield* client
  yield* Effect.promise(() =>
    Promise.all(Array.from({ length: count }, (_, index) => js.publish(subject, `${from + index}`)))
  )
})

/** Pulls until so many have come, each acknowledged. */
const drain = Effect.fnUntraced(function*(subscription: Subscription, count: number) {
  const texts: Array<string> = []
  while (texts.length < count) {
    for (const delivery of yield* subscription.pull(100, 1e6)) {
      texts.push(new TextDecoder().decode(delivery.message.data))
      delivery.ack()
    }
  }
  return texts
})

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index))

describe("JetStreamEventSource", () => {
  it.live(
    "makes the streams it is asked to make and brings what was published, in order",
    () =>
      Effect.gen(function*() {
        const server = yield* natsServer.start()
        yield* Effect.gen(function*() {
          yield* client
          const events = yield* EventSource
          const subscription = yield* events.subscribe("TELEMETRY", { inFlightMax: 1_000 })
          yield* publish("telemetry.cpu", 250)

          const texts = yield* drain(subscription, 250)

          assert.deepStrictEqual(texts, numbers(250))
          const lag = yield* natsClient.eventually(
            events.lag("TELEMETRY"),
            (lag) => lag.pending + lag.ackPending === 0
          )
          assert.deepStrictEqual(lag, { pending: 0, ackPending: 0, oldestMillis: undefined })
          assert.deepStrictEqual(yield* subscription.pull(10, 1e6), [])
        }).pipe(Effect.scoped, Effect.provide(source(server.url)))
      }),
    60_000
  )

  it.live("finds the subjects of all logical streams in one stream of another name", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      yield* Effect.gen(function*() {
        const { jsm } = yield* client
        yield* Effect.promise(() =>
          jsm.streams.add({ name: "events", subjects: ["events.>", "logs.>", "otel.>", "telemetry.>"] })
        )
        const events = yield* EventSource
        yield* publish("logs.syslog.processed", 20)
        yield* publish("events.otel.logs", 20, 20)
        yield* publish("telemetry.cpu", 20)
        const scope = yield* Scope.Scope
        const subscription = yield* events.subscribe("LOGS", { inFlightMax: 1_000 }).pipe(Scope.provide(scope))

        const texts = yield* drain(subscription, 40)

        assert.deepStrictEqual(texts.sort((a, b) => Number(a) - Number(b)), numbers(40))
        assert.deepStrictEqual(yield* subscription.pull(10, 1e6), [])
      }).pipe(Effect.scoped, Effect.provide(source(server.url, { createStreams: undefined })))
    }), 60_000)
})
