import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Schedule } from "effect"
import * as JetStreamEventSource from "../../../../src/layers/events/jetstream/JetStreamEventSource.ts"
import { NatsConnection } from "../../../../src/layers/nats/connection/NatsConnection.ts"
import { EventSource } from "../../../../src/services/events/EventSource.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"

const rounds = 5
const perRound = 2_000

/** As a pipeline does it: subscribes again whenever the source fails. */
const consume = (seen: Set<string>) =>
  Effect.gen(function*() {
    const source = yield* EventSource
    const subscription = yield* source.subscribe("TELEMETRY", { inFlightMax: 1_000 })
    while (true) {
      for (const delivery of yield* subscription.pull(200, 1e6)) {
        seen.add(new TextDecoder().decode(delivery.message.data))
        delivery.ack()
      }
    }
  }).pipe(Effect.scoped, Effect.retry(Schedule.spaced("20 millis")))

/** Each number until the server says that it is stored. */
const publish = (from: number) =>
  Effect.forEach(
    Array.from({ length: perRound }, (_, index) => String(from + index)),
    (text) =>
      Effect.gen(function*() {
        const { js } = yield* Effect.flatMap(NatsConnection, (connection) => connection.client)
        yield* Effect.tryPromise(() => js.publish("telemetry.cpu", text, { msgID: text, timeout: 1_000 }))
      }).pipe(Effect.retry(Schedule.spaced("20 millis"))),
    { concurrency: 100, discard: true }
  )

describe("A server that is killed", () => {
  it.live("costs two consumers no message, however often", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      const consumer = (seen: Set<string>) =>
        consume(seen).pipe(
          Effect.provide(
            JetStreamEventSource.layer({ consumer: "writer", createStreams: true, ackWait: Duration.seconds(2) }).pipe(
              Layer.provideMerge(natsClient.layer(server.url))
            )
          )
        )
      const seen = [new Set<string>(), new Set<string>()] as const
      yield* Effect.forEach(seen, (mine) => Effect.forkScoped(consumer(mine)))
      yield* Effect.gen(function*() {
        for (let round = 0; round < rounds; round++) {
          const publishing = yield* Effect.forkScoped(publish(round * perRound))
          const before = seen[0].size + seen[1].size
          yield* natsClient.eventually(Effect.sync(() => seen[0].size + seen[1].size), (count) => count > before + 200)
          yield* server.kill("SIGKILL")
          yield* server.restart
          yield* Fiber.join(publishing)
        }
      }).pipe(Effect.scoped, Effect.provide(natsClient.layer(server.url)))

      const all = yield* natsClient.eventually(
        Effect.sync(() => new Set([...seen[0], ...seen[1]]).size),
        (count) => count === rounds * perRound
      )
      assert.strictEqual(all, rounds * perRound)
    }), 120_000)
})
