import { assert, describe, it } from "@effect/vitest"
import { headers } from "@nats-io/transport-node"
import { Effect, Layer, Stream } from "effect"
import type { EventMessage } from "../../../../src/domain/events/stream/EventMessage.ts"
import * as JetStreamDeadLetters from "../../../../src/layers/events/dead-letters/JetStreamDeadLetters.ts"
import * as JetStreamEventSource from "../../../../src/layers/events/jetstream/JetStreamEventSource.ts"
import { NatsConnection } from "../../../../src/layers/nats/connection/NatsConnection.ts"
import { type DeadLetterFilter, DeadLetters } from "../../../../src/services/events/DeadLetters.ts"
import { EventSource } from "../../../../src/services/events/EventSource.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"

const client = Effect.flatMap(NatsConnection, natsClient.ready)

const layers = (url: string, options: { readonly bytesMax?: number } = {}) =>
  Layer.mergeAll(
    JetStreamDeadLetters.layer(options),
    JetStreamEventSource.layer({ consumer: "writer", createStreams: true })
  ).pipe(Layer.provideMerge(natsClient.layer(url)))

const message = (sequence: number, text = `text ${sequence}`): EventMessage => ({
  subject: "logs.syslog.processed",
  data: new TextEncoder().encode(text),
  headers: new Map(),
  stream: "events",
  sequence,
  storedAtMicros: 1_700_000_000_000_000 + sequence
})

const failure = { reason: "rejected", error: "invalid \u0000 input\r\nfor ümlaut", place: "severity" } as const

const letter = (sequence: number) => ({ stream: "LOGS", message: message(sequence), deliveries: 2, failure }) as const

const listed = (filter: DeadLetterFilter = {}) =>
  Effect.flatMap(DeadLetters, (letters) => Stream.runCollect(letters.list(filter)))

describe("JetStreamDeadLetters", () => {
  it.live("keeps a message once, lists it with its reason and gives it back whole", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      yield* Effect.gen(function*() {
        yield* client
        const letters = yield* DeadLetters
        assert.deepStrictEqual(yield* listed(), [])
        assert.deepStrictEqual(yield* letters.counts, new Map())

        yield* letters.add(letter(7))
        yield* letters.add(letter(7))
        yield* letters.add({ ...letter(8), stream: "" })

        const summaries = yield* listed()
        assert.deepStrictEqual(summaries.map(({ id, stream }) => [id, stream]), [
          ["LOGS.events.7.1700000000000007", "LOGS"],
          ["none.events.8.1700000000000008", ""]
        ])
        assert.deepStrictEqual(yield* listed({ stream: "LOGS" }), summaries.slice(0, 1))
        assert.deepStrictEqual(yield* listed({ error: "nothing of the kind" }), [])
        const { data, deliveries, failure: kept } = yield* letters.get("LOGS.events.7.1700000000000007")
        assert.deepStrictEqual([new TextDecoder().decode(data), deliveries, kept], ["text 7", 2, failure])
        assert.deepStrictEqual(yield* letters.counts, new Map([["LOGS", 1], ["", 1]]))

        const part = { element: 3, data: new TextEncoder().encode("one element") }
        yield* letters.add({ ...letter(7), part })
        const own = yield* letters.get("LOGS.events.7.1700000000000007.3")
        assert.deepStrictEqual([new TextDecoder().decode(own.data), own.element], ["one element", 3])
        yield* letters.drop("LOGS.events.7.1700000000000007.3")
        assert.deepStrictEqual((yield* listed()).map(({ id }) => id), summaries.map(({ id }) => id))
      }).pipe(Effect.scoped, Effect.provide(layers(server.url)))
    }), 60_000)

  it.live("replays a message with all values of its headers, once, and removes it", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      yield* Effect.gen(function*() {
        const { js, jsm } = yield* client
        const letters = yield* DeadLetters
        const source = yield* EventSource
        const subscription = yield* source.subscribe("LOGS", { inFlightMax: 100 })
        const original = headers()
        original.append("X-Tenant", "a")
        original.append("X-Tenant", "b")
        original.append("Nats-Msg-Id", "original")
        yield* Effect.promise(() => js.publish("logs.syslog", "poison", { headers: original }))
        const [delivery] = yield* subscription.pull(1, 1e6)
        if (delivery === undefined) return assert.fail("nothing came")
        yield* letters.add({ stream: "LOGS", message: delivery.message, deliveries: 1, failure })
        delivery.term()
        const [summary] = yield* listed()
        const id = summary?.id ?? ""
        assert.deepStrictEqual((yield* letters.get(id)).headers, [
          ["X-Tenant", "a"],
          ["X-Tenant", "b"],
          ["Nats-Msg-Id", "original"]
        ])

        // Two persons at once.
        yield* Effect.all([letters.replay(id), letters.replay(id).pipe(Effect.ignore)], { concurrency: "unbounded" })

        const [again] = yield* subscription.pull(1, 1e6)
        assert.strictEqual(again?.message.headers.get("x-tenant"), "a")
        assert.deepStrictEqual(yield* listed(), [])
        const error = yield* Effect.flip(letters.replay(id))
        assert.isTrue(error.isMissing)
        const { state } = yield* Effect.promise(() => jsm.streams.info("LOGS"))
        assert.strictEqual(state.messages, 2)
      }).pipe(Effect.scoped, Effect.provide(layers(server.url)))
    }), 60_000)

  it.live(
    "keeps messages that are as large as the server takes, and with very long headers",
    () =>
      Effect.gen(function*() {
        const server = yield* natsServer.start()
        yield* Effect.gen(function*() {
          const { nc } = yield* client
          const letters = yield* DeadLetters
          const large = "x".repeat(nc.info?.max_payload ?? 0)
          const many = new Map(Array.from({ length: 2_000 }, (_, at) => [`header-${at}`, `"${at}" ü`.repeat(5)]))

          yield* letters.add({ ...letter(1), message: message(1, large) })
          yield* letters.add({ ...letter(2), message: { ...message(2, large), headers: many } })

          const first = yield* letters.get("LOGS.events.1.1700000000000001")
          const second = yield* letters.get("LOGS.events.2.1700000000000002")
          assert.isTrue(new TextDecoder().decode(first.data) === large)
          assert.isTrue(new TextDecoder().decode(second.data) === large)
          assert.deepStrictEqual(second.headers, [...many])
          yield* letters.drop(first.id)
          yield* letters.drop(second.id)
          assert.deepStrictEqual(yield* letters.counts, new Map())
        }).pipe(Effect.scoped, Effect.provide(layers(server.url)))
      }),
    60_000
  )

  it.live("refuses new letters when it is full, and keeps the old ones", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      yield* Effect.gen(function*() {
        yield* client
        const letters = yield* DeadLetters
        yield* letters.add({ ...letter(1), message: message(1, "x".repeat(6_000)) })

        const error = yield* Effect.flip(letters.add({ ...letter(2), message: message(2, "x".repeat(6_000)) }))

        assert.match(error.message, /maximum bytes exceeded/)
        assert.strictEqual((yield* listed()).length, 1)
      }).pipe(Effect.scoped, Effect.provide(layers(server.url, { bytesMax: 8_192 })))
    }), 60_000)

  it.live("lists more than one page, and tells what is missing or no id at all", () =>
    Effect.gen(function*() {
      const server = yield* natsServer.start()
      yield* Effect.gen(function*() {
        yield* client
        const letters = yield* DeadLetters
        const sequences = Array.from({ length: 700 }, (_, at) => at + 1)
        yield* Effect.forEach(sequences, (sequence) => letters.add(letter(sequence)), { concurrency: 32 })

        const summaries = yield* listed()

        assert.deepStrictEqual(summaries.map(({ sequence }) => sequence).sort((a, b) => a - b), sequences)
        for (const id of ["LOGS.events.9999.1", "*.>", "", "LOGS.events.1.1.2"]) {
          assert.isTrue((yield* Effect.flip(letters.get(id))).isMissing)
          assert.isTrue((yield* Effect.flip(letters.drop(id))).isMissing)
        }
      }).pipe(Effect.scoped, Effect.provide(layers(server.url)))
    }), 60_000)
})
