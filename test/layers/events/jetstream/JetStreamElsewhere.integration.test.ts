/** JetStream as others run it: small, rebuilt, limited, with durables of their making. Each case names its file. */
import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, type ConsumerConfig } from "@nats-io/jetstream"
import { headers } from "@nats-io/transport-node"
import { Duration, Effect, Exit, Layer, Logger, type Scope } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { type StreamName, streamNames } from "../../../../src/domain/events/stream/Streams.ts"
import * as JetStreamDeadLetters from "../../../../src/layers/events/dead-letters/JetStreamDeadLetters.ts"
import * as JetStreamEventSource from "../../../../src/layers/events/jetstream/JetStreamEventSource.ts"
import { NatsConnection } from "../../../../src/layers/nats/connection/NatsConnection.ts"
import { DeadLetters } from "../../../../src/services/events/DeadLetters.ts"
import { type Delivery, EventSource } from "../../../../src/services/events/EventSource.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

type Options = Partial<JetStreamEventSource.JetStreamEventSourceOptions>
type Services = EventSource | DeadLetters | NatsConnection | Scope.Scope

interface Setup {
  readonly source?: Options
  readonly server?: natsServer.NatsServerOptions
  readonly connection?: Parameters<typeof natsClient.layer>[1]
}

const client = Effect.flatMap(NatsConnection, natsClient.ready)

const withServer = <A, E>(
  test: (server: natsServer.NatsServer) => Effect.Effect<A, E, Services>,
  { connection, server: options, source }: Setup = {}
) =>
  Effect.gen(function*() {
    const server = yield* natsServer.start(options)
    const layers = Layer.mergeAll(
      JetStreamEventSource.layer({ consumer: "writer", ...source }),
      JetStreamDeadLetters.layer()
    ).pipe(Layer.provideMerge(natsClient.layer(server.url, connection)))
    return yield* Effect.andThen(client, test(server)).pipe(Effect.scoped, Effect.provide(layers))
  }).pipe(Effect.scoped)

const subscribe = (stream: StreamName) => EventSource.use((source) => source.subscribe(stream, { inFlightMax: 1_000 }))

const addStream = (config: object = {}) =>
  Effect.flatMap(
    client,
    ({ jsm }) => Effect.promise(() => jsm.streams.add({ name: "EVENTS", subjects: ["events.>"], ...config }))
  )

const addDurable = (config: Partial<ConsumerConfig>) =>
  Effect.flatMap(
    client,
    ({ jsm }) =>
      Effect.promise(() =>
        jsm.consumers.add("EVENTS", { durable_name: "writer-events", ack_policy: AckPolicy.Explicit, ...config })
      )
  )

const publish = (count: number, subject = "events.x") =>
  Effect.flatMap(client, ({ js }) =>
    Effect.promise(async () => {
      for (let at = 0; at < count; at++) await js.publish(subject, `{"message":"${at}"}`)
    }))

/** Until so many have come; each is handed to `take`. */
const pull = (count: number, take: (delivery: Delivery) => void = (delivery) => delivery.ack()) =>
  Effect.gen(function*() {
    const subscription = yield* subscribe("EVENTS")
    const all: Array<Delivery> = []
    while (all.length < count) {
      for (const delivery of yield* subscription.pull(200, 1e6)) {
        all.push(delivery)
        take(delivery)
      }
    }
    return all
  }).pipe(Effect.timeout("15 seconds"))

const problemOf = (stream: StreamName) => Effect.map(Effect.flip(subscribe(stream)), (error) => error.reason.detail)

describe("JetStream as it is run elsewhere", () => {
  it.live(
    "makes every stream and the dead letters with smaller shares where there is little room (03-jetstream-small-disk-some-streams-never-made.ts)",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const exits = yield* Effect.forEach(streamNames, (name) => Effect.exit(Effect.scoped(subscribe(name))), {
            concurrency: "unbounded"
          })
          const message = {
            subject: "events.x",
            data: Buffer.from("poison"),
            stream: "EVENTS",
            sequence: 5,
            storedAtMicros: 1e15,
            headers: new Map<string, string>()
          }
          yield* DeadLetters.use((letters) =>
            letters.add({
              stream: "EVENTS",
              message,
              deliveries: 1,
              failure: { reason: "decode", error: "e", place: "" }
            })
          )

          assert.deepStrictEqual(exits.map((exit) => Exit.isSuccess(exit)), streamNames.map(() => true))
          const { jsm } = yield* client
          const sizes = yield* Effect.promise(() =>
            Promise.all([...streamNames, "DLQ"].map(async (name) => (await jsm.streams.info(name)).config.max_bytes))
          )
          assert.isAtLeast(Math.min(...sizes), 2 ** 28)
          assert.isAtMost(sizes.reduce((sum, size) => sum + size, 0), 4 * 2 ** 30)
        }), {
        server: { jetStream: ", max_file_store: 4GB" },
        source: { createStreams: true, streamLimits: { bytesMax: 2 ** 30, ageMax: Duration.days(4) } }
      }),
    60_000
  )

  it.live(
    "goes on where a stream has lost its messages and the durable has not (04-jetstream-ack-floor-ahead-of-stream.ts)",
    () => {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      return Effect.gen(function*() {
        const directory = yield* temporaryFolder
        yield* withServer((server) =>
          Effect.gen(function*() {
            yield* addStream()
            yield* publish(50)
            yield* Effect.scoped(pull(50))
            yield* natsClient.eventually(
              EventSource.use((source) => source.lag("EVENTS")),
              ({ ackPending, pending }) => ackPending + pending === 0
            )
            yield* server.kill("SIGTERM")
          }), { server: { directory } })
        const blocks = path.join(directory, "jetstream/$G/streams/EVENTS/msgs")
        yield* Effect.promise(async () => {
          for (const file of await fs.readdir(blocks)) await fs.rm(path.join(blocks, file))
        })

        const subjects = yield* withServer(() =>
          Effect.gen(function*() {
            yield* publish(10)
            return (yield* pull(10)).length
          }), { server: { directory } })

        assert.strictEqual(subjects, 10)
        assert.isTrue(lines.some((line) => line.includes("it has lost messages")), lines.join("\n"))
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([logger])))
    },
    60_000
  )

  it.live(
    "asks for as many messages without acknowledgement as the server permits (06-jetstream-max-ack-pending-limit.ts)",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          yield* addStream()
          yield* publish(1)

          const got = yield* Effect.scoped(pull(1))
          const again = yield* Effect.exit(Effect.scoped(subscribe("EVENTS")))

          assert.lengthOf(got, 1)
          assert.isTrue(Exit.isSuccess(again))
          const { jsm } = yield* client
          const { config } = yield* Effect.promise(() => jsm.consumers.info("EVENTS", "writer-events"))
          assert.strictEqual(config.max_ack_pending, 1_000)
        }), { server: { jetStream: ", limits: { max_ack_pending: 1000 }" } }),
    30_000
  )

  it.live.each<readonly [string, Partial<ConsumerConfig>, string]>([
    ["headers only (07-jetstream-durable-headers-only.ts)", { headers_only: true }, "with headers only"],
    ["no acknowledgement", { ack_policy: AckPolicy.None }, "with ack policy none"]
  ])("refuses a durable with %s, and says why", ([, config, expected]) =>
    withServer(() =>
      Effect.gen(function*() {
        yield* addStream()
        yield* publish(1)
        yield* addDurable(config)

        assert.include(yield* problemOf("EVENTS"), expected)
      })
    ), 30_000)

  it.live(
    "lets the time to acknowledge count, not a backoff of somebody else (08-jetstream-durable-backoff.ts)",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          yield* addStream()
          yield* publish(3)
          yield* addDurable({ max_deliver: 5, backoff: [1e8, 2e8, 3e8] })
          const subscription = yield* subscribe("EVENTS")
          const { jsm } = yield* client

          const got: Array<Delivery> = []
          while (got.length < 3) got.push(...yield* subscription.pull(200, 1e6))
          // Longer than all of the backoff together.
          const more = yield* subscription.pull(200, 1e6)

          assert.deepStrictEqual([got.length, more.length], [3, 0])
          const { config } = yield* Effect.promise(() => jsm.consumers.info("EVENTS", "writer-events"))
          assert.deepStrictEqual([config.ack_wait, config.max_deliver, config.backoff ?? []], [30e9, -1, []])
        })
      ),
    30_000
  )

  it.live(
    "takes delete markers for what they are, and acknowledges them (10-jetstream-delete-markers.ts)",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          yield* addStream()
          yield* publish(1)
          const got = yield* pull(1)
          const { js } = yield* client
          // What servers since 2.11 put in the place of a message that expired.
          const marks = headers()
          marks.set("Nats-Marker-Reason", "MaxAge")
          yield* Effect.promise(() => js.publish("events.x", "", { headers: marks }))
          yield* publish(1)

          const more = yield* pull(1)

          assert.deepStrictEqual([...got, ...more].map(({ message }) => message.data.length > 0), [true, true])
          yield* natsClient.eventually(
            EventSource.use((source) => source.lag("EVENTS")),
            ({ ackPending, pending }) => ackPending + pending === 0
          )
        })
      ),
    30_000
  )

  it.live(
    "stops where it may not acknowledge, and says so once (11-nats-ack-not-permitted-floods-log.ts)",
    () => {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const users =
        "users [{ user: a, password: p }, { user: u, password: p, permissions { publish: [\"$JS.API.>\"] } }]"
      return Effect.gen(function*() {
        const server = yield* natsServer.start({ config: `accounts { A { jetstream: enabled, ${users} } }` })
        const address = (user: string) => server.url.replace("//", `//${user}:p@`)
        yield* Effect.andThen(addStream(), publish(20)).pipe(Effect.provide(natsClient.layer(address("a"))))
        const layers = JetStreamEventSource.layer({ consumer: "writer" }).pipe(
          Layer.provideMerge(natsClient.layer(address("u")))
        )
        const problems = yield* Effect.gen(function*() {
          yield* client
          const subscription = yield* subscribe("EVENTS")
          const error = yield* subscription.pull(200, 1e6).pipe(
            Effect.tap((deliveries) => Effect.sync(() => deliveries.forEach((delivery) => delivery.ack()))),
            Effect.forever,
            Effect.flip,
            Effect.timeout("10 seconds")
          )
          return [error.reason.detail, yield* problemOf("EVENTS")]
        }).pipe(Effect.scoped, Effect.provide(layers))

        for (const problem of problems) assert.include(problem, "does not permit a publish to $JS.ACK.>")
        assert.lengthOf(lines.filter((line) => line.includes("$JS.ACK")), 1, lines.join("\n"))
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([logger])))
    },
    30_000
  )

  it.live.each<readonly [string, Partial<ConsumerConfig>]>([
    ["max_bytes", { max_bytes: 4_096 }],
    ["max_expires", { max_expires: 3e8 }],
    ["max_batch", { max_batch: 2 }]
  ])("keeps within a durable's %s", ([, config]) =>
    withServer(() =>
      Effect.gen(function*() {
        yield* addStream()
        yield* addDurable(config)
        yield* publish(20)

        assert.lengthOf(yield* pull(20), 20)
      })
    ), 30_000)

  it.live(
    "reads what a stream takes from another one, though its subjects are others",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const { jsm } = yield* client
          yield* Effect.promise(async () => {
            await jsm.streams.add({ name: "origin", subjects: ["events.a"] })
            await jsm.streams.add({
              name: "copy",
              subjects: ["events.own.>"],
              sources: [{ name: "origin" }]
            })
          })
          yield* publish(3, "events.a")

          const got = yield* pull(3)

          assert.deepStrictEqual(got.map(({ message }) => message.subject), ["events.a", "events.a", "events.a"])
        }), { source: { jetStream: "copy" } }),
    30_000
  )

  it.live(
    "makes a missing stream of a listing file as the Go writer does, and consumes nothing else of it",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const subscription = yield* subscribe("LOGS")
          const { jsm } = yield* client
          const { config } = yield* Effect.promise(() => jsm.streams.info("events"))
          yield* Effect.promise(() => jsm.streams.update("events", { subjects: ["events.>", "falco.>"] }))
          yield* publish(2, "events.otel.logs")
          yield* publish(2, "events.otel.logs.processed")
          yield* publish(2, "falco.alerts")

          const got: Array<Delivery> = []
          while (got.length < 2) got.push(...yield* subscription.pull(50, 1e6))
          for (const delivery of got) delivery.ack()
          const more = yield* subscription.pull(50, 1e6)

          assert.deepStrictEqual([...config.subjects], ["events.syslog.processed", "events.otel.logs"])
          assert.deepStrictEqual([config.max_bytes, config.max_age], [-1, 0])
          assert.deepStrictEqual(got.map(({ message }) => message.subject), ["events.otel.logs", "events.otel.logs"])
          assert.lengthOf(more, 0)
        }), {
        source: {
          jetStream: "events",
          createListed: true,
          streams: ["EVENTS", "LOGS"],
          listed: ["events.syslog.processed", "events.otel.logs"]
        }
      }),
    30_000
  )
})
