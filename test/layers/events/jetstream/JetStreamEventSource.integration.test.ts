import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, RetentionPolicy } from "@nats-io/jetstream"
import { Context, Deferred, Duration, Effect, Exit, Fiber, Layer, Schedule, Scope } from "effect"
import type { StreamName } from "../../../../src/domain/events/stream/Streams.ts"
import * as JetStreamEventSource from "../../../../src/layers/events/jetstream/JetStreamEventSource.ts"
import { NatsConnection } from "../../../../src/layers/nats/connection/NatsConnection.ts"
import { type Delivery, EventSource, type Subscription } from "../../../../src/services/events/EventSource.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"

type Options = Partial<JetStreamEventSource.JetStreamEventSourceOptions>

const source = (options: Options = {}) =>
  JetStreamEventSource.layer({ consumer: "writer", createStreams: true, ...options })

const client = Effect.flatMap(NatsConnection, natsClient.ready)

/** The test against a server of its own, over a connection that is kept. */
const withServer = <A, E>(
  test: (server: natsServer.NatsServer) => Effect.Effect<A, E, EventSource | NatsConnection | Scope.Scope>,
  options: Options = {}
) =>
  Effect.gen(function*() {
    const server = yield* natsServer.start()
    const layers = source(options).pipe(Layer.provideMerge(natsClient.layer(server.url)))
    return yield* Effect.andThen(client, test(server)).pipe(Effect.scoped, Effect.provide(layers))
  })

const addStream = Effect.fnUntraced(function*(name: string, ...subjects: ReadonlyArray<string>) {
  const { jsm } = yield* client
  yield* Effect.promise(() => jsm.streams.add({ name, subjects: [...subjects] }))
})

const publish = Effect.fnUntraced(function*(subject: string, count: number, from = 0) {
  const { js } = yield* client
  yield* Effect.promise(() =>
    Promise.all(Array.from({ length: count }, (_, index) => js.publish(subject, `${from + index}`)))
  )
})

const subscribe = (stream: StreamName) => EventSource.use((source) => source.subscribe(stream, { inFlightMax: 1_000 }))

const bytesMax = 1e6
const textOf = (delivery: Delivery): string => new TextDecoder().decode(delivery.message.data)

/** Pulls until so many have come, each acknowledged. */
const drain = Effect.fnUntraced(function*(subscription: Subscription, count: number) {
  const texts: Array<string> = []
  while (texts.length < count) {
    for (const delivery of yield* subscription.pull(100, bytesMax)) {
      texts.push(textOf(delivery))
      delivery.ack()
    }
  }
  return texts
})

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => String(from + index))
const sorted = (texts: ReadonlyArray<string>) => [...texts].sort((a, b) => Number(a) - Number(b))

const lag = (stream: StreamName) => EventSource.use((source) => source.lag(stream))
const nothing = { pending: 0, ackPending: 0, oldestMillis: undefined }

describe("JetStreamEventSource", () => {
  it.live(
    "goes on where another writer stopped, in streams that it wrote, and from the beginning in others",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          yield* addStream("events", "telemetry.>", "logs.>")
          yield* addStream("flows", "netflow.>")
          yield* publish("telemetry.cpu", 5)
          yield* publish("netflow.v9", 3)
          const { js, jsm } = yield* client
          yield* Effect.promise(async () => {
            await jsm.consumers.add("events", { durable_name: "db-event-writer", ack_policy: AckPolicy.Explicit })
            const old = await js.consumers.get("events", "db-event-writer")
            for (let count = 0; count < 3; count++) await (await old.next())?.ackAck()
          })
          yield* publish("telemetry.cpu", 2, 5)

          const telemetry = yield* Effect.flatMap(subscribe("TELEMETRY"), (subscription) => drain(subscription, 4))
          const flows = yield* Effect.flatMap(subscribe("NETFLOW"), (subscription) => drain(subscription, 3))

          assert.deepStrictEqual(sorted(telemetry), numbers(4, 3))
          assert.deepStrictEqual(sorted(flows), numbers(3))
        }), { startAfter: Effect.succeed(["db-event-writer"]), createStreams: false })
  )

  it.live(
    "makes the streams it is asked to make and brings what was published, in order",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const subscription = yield* subscribe("TELEMETRY")
          yield* publish("telemetry.cpu", 250)

          assert.deepStrictEqual(yield* drain(subscription, 250), numbers(250))

          const settled = yield* natsClient.eventually(lag("TELEMETRY"), (lag) => lag.pending + lag.ackPending === 0)
          assert.deepStrictEqual(settled, nothing)
          assert.deepStrictEqual(yield* subscription.pull(10, bytesMax), [])
        })
      ),
    60_000
  )

  it.live(
    "subscribes again when a stream has come that has subjects of it beside those of another",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          // The stream that is made for LOGS has `logs.snmp`, which is none of its messages.
          const before = yield* subscribe("EVENTS")
          const logs = yield* subscribe("LOGS")
          yield* publish("logs.snmp", 3)
          const passedOver = yield* logs.pull(10, bytesMax)
          assert.isTrue(passedOver.length > 0 && passedOver.every(({ isForeign }) => isForeign))

          const error = yield* Effect.flip(before.pull(10, bytesMax))
          assert.strictEqual(error.reason._tag, "SourceReplaced")
          const events = yield* subscribe("EVENTS")
          assert.deepStrictEqual(sorted(yield* drain(events, 3)), numbers(3))
        })
      ),
    60_000
  )

  it.live(
    "finds the subjects of a logical stream among others in one stream of another name",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          yield* addStream("events", "events.>", "logs.>", "otel.>", "telemetry.>")
          yield* publish("logs.syslog.processed", 20)
          yield* publish("events.otel.logs", 20, 20)
          yield* publish("telemetry.cpu", 20)
          const subscription = yield* subscribe("LOGS")

          assert.deepStrictEqual(sorted(yield* drain(subscription, 40)), numbers(40))
          assert.deepStrictEqual(yield* subscription.pull(10, bytesMax), [])
        }), { createStreams: false }),
    60_000
  )

  it.live(
    "says of a message under a wider subject that another stream brings it as well",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          yield* addStream("events", "events.>")
          yield* publish("events.otel.logs", 1)
          yield* publish("events.syslog", 1)
          const subscription = yield* subscribe("EVENTS")

          const deliveries = yield* subscription.pull(2, bytesMax)

          assert.deepStrictEqual(
            deliveries.map(({ isForeign, message }) => [message.subject, isForeign]),
            [["events.otel.logs", true], ["events.syslog", false]]
          )
        }), { createStreams: false }),
    60_000
  )

  it.live(
    "brings the messages of tenants whatever their names, and takes nothing else for theirs",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const { jsm } = yield* client
          yield* addStream("tenants", "acme.>", "globex.logs.syslog", "logs.>")
          yield* addStream("DLQ", "dlq.>")
          yield* addStream("KV_logs", "$KV.logs.>")
          yield* publish("acme.logs.syslog", 2)
          yield* publish("globex.logs.syslog", 2, 2)
          yield* publish("logs.syslog", 2, 4)
          yield* publish("acme.other", 2)

          assert.deepStrictEqual(sorted(yield* drain(yield* subscribe("LOGS"), 6)), numbers(6))

          const counts = yield* Effect.promise(() =>
            Promise.all(["DLQ", "KV_logs"].map(async (name) => (await jsm.streams.info(name)).state.consumer_count))
          )
          assert.deepStrictEqual(counts, [0, 0])
        }), { createStreams: false, tenants: ["*"] }),
    60_000
  )

  it.live(
    "keeps no durable waiting for others when it is asked for one message at a time",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          yield* addStream("events", "events.>", "logs.>")
          const subscription = yield* subscribe("LOGS")
          assert.deepStrictEqual(yield* subscription.pull(1, bytesMax), [])
          yield* publish("logs.syslog", 5)
          yield* publish("events.otel.logs", 5, 5)

          const one = Effect.map(subscription.pull(1, bytesMax), (deliveries) => {
            assert.isTrue(deliveries.length <= 1)
            for (const delivery of deliveries) delivery.ack()
            return deliveries.map(textOf)
          })
          const texts = yield* Effect.replicateEffect(one, 10).pipe(Effect.timeout("2 seconds"))

          assert.deepStrictEqual(sorted(texts.flat()), numbers(10))
        }), { createStreams: false }),
    60_000
  )

  it.live("tells what waits and since when", () =>
    withServer(() =>
      Effect.gen(function*() {
        yield* addStream("events", "logs.>", "events.>")
        yield* publish("events.otel.logs", 1)
        const subscription = yield* subscribe("LOGS")
        yield* drain(subscription, 1)
        yield* publish("events.syslog", 3)
        yield* publish("logs.syslog", 5)

        const [first] = yield* subscription.pull(1, bytesMax)

        const waiting = yield* natsClient.eventually(lag("LOGS"), (lag) => lag.ackPending > 0)
        const storedMillis = Math.floor((first?.message.storedAtMicros ?? 0) / 1000)
        assert.deepStrictEqual(waiting, {
          pending: 5 - waiting.ackPending,
          ackPending: waiting.ackPending,
          oldestMillis: storedMillis
        })
      }), { createStreams: false }), 60_000)

  it.live(
    "shares its durables with writers that start at the same time: each gets some, and no two the same",
    () =>
      withServer((server) =>
        Effect.gen(function*() {
          const count = 6_000
          const received: Array<Array<string>> = [[], [], []]
          const isDone = () => received.flat().length >= count
          const writer = (mine: Array<string>, isSubscribed: Deferred.Deferred<void>) =>
            Effect.gen(function*() {
              yield* client
              const subscription = yield* subscribe("TELEMETRY")
              yield* Deferred.succeed(isSubscribed, undefined)
              while (!isDone()) {
                for (const delivery of yield* subscription.pull(50, bytesMax)) {
                  mine.push(textOf(delivery))
                  delivery.ack()
                }
              }
            }).pipe(Effect.scoped, Effect.provide(source().pipe(Layer.provideMerge(natsClient.layer(server.url)))))

          const writers = yield* Effect.forEach(received, (mine) =>
            Effect.gen(function*() {
              const isSubscribed = yield* Deferred.make<void>()
              return { isSubscribed, fiber: yield* Effect.forkScoped(writer(mine, isSubscribed)) }
            }))
          yield* Effect.forEach(writers, ({ isSubscribed }) => Deferred.await(isSubscribed))
          yield* publish("telemetry.cpu", count)
          yield* Effect.forEach(writers, ({ fiber }) => Fiber.join(fiber)).pipe(Effect.timeout("40 seconds"))

          assert.deepStrictEqual(sorted(received.flat()), numbers(count))
          assert.isTrue(
            received.every((mine) => mine.length > count / 20),
            received.map((mine) => mine.length).join(", ")
          )
        })
      ),
    60_000
  )

  it.live(
    "keeps what comes for a pull that was given up, and gives back at its end what nobody took",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const scope = yield* Scope.make()
          const first = yield* Scope.provide(subscribe("TELEMETRY"), scope)
          const pulling = yield* Effect.forkScoped(first.pull(10, bytesMax), { startImmediately: true })
          yield* Fiber.interrupt(pulling)
          yield* publish("telemetry.cpu", 4)

          const [kept, ...others] = yield* natsClient.eventually(first.pull(1, bytesMax), (some) => some.length > 0)
          assert.deepStrictEqual([kept === undefined ? "" : textOf(kept), others], ["0", []])
          kept?.ack()
          yield* Scope.close(scope, Exit.void)
          const second = yield* subscribe("TELEMETRY")
          const texts = yield* drain(second, 3).pipe(Effect.timeout("10 seconds"))

          assert.deepStrictEqual(sorted(texts), numbers(3, 1))
        })
      ),
    60_000
  )

  it.live(
    "brings a naked message again after its delay, a termed one never, and waits for one that is extended",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const subscription = yield* subscribe("TELEMETRY")
          yield* publish("telemetry.cpu", 3)
          const [naked, termed, extended] = yield* natsClient.eventually(
            subscription.pull(3, bytesMax),
            (some) => some.length > 0
          )
          naked?.nak(Duration.millis(300))
          termed?.term()
          yield* Effect.forkScoped(
            Effect.repeat(Effect.sync(() => extended?.extend()), Schedule.spaced("200 millis"))
          )

          const again = yield* natsClient.eventually(subscription.pull(3, bytesMax), (some) => some.length > 0)
          for (const delivery of again) delivery.ack()
          const third = yield* subscription.pull(3, bytesMax)

          assert.deepStrictEqual(again.map((delivery) => [textOf(delivery), delivery.deliveries]), [["0", 2]])
          assert.deepStrictEqual(third, [])
          assert.strictEqual((yield* lag("TELEMETRY")).ackPending, 1)
        }), { ackWait: Duration.seconds(1) }),
    60_000
  )

  it.live(
    "asks for no more bytes than there is room for, but for one message at least",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const { js } = yield* client
          const subscription = yield* subscribe("TELEMETRY")
          const body = new Uint8Array(100_000)
          yield* Effect.promise(() => Promise.all([1, 2, 3, 4, 5].map(() => js.publish("telemetry.cpu", body))))

          const some = yield* natsClient.eventually(subscription.pull(5, 250_000), (some) => some.length > 0)
          const one = yield* natsClient.eventually(subscription.pull(5, 10), (some) => some.length > 0)

          assert.deepStrictEqual([some.length, one.length], [2, 1])
        })
      ),
    60_000
  )

  it.live(
    "takes a changed filter without going back to what was acknowledged",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const { jsm } = yield* client
          yield* addStream("events", "telemetry.>", "other.>")
          yield* publish("telemetry.cpu", 5)
          yield* drain(yield* subscribe("TELEMETRY"), 5)
          yield* natsClient.eventually(lag("TELEMETRY"), (lag) => lag.ackPending === 0)
          yield* Effect.promise(() => jsm.streams.update("events", { subjects: ["telemetry.>"] }))
          yield* publish("telemetry.cpu", 2, 5)

          const texts = yield* drain(yield* subscribe("TELEMETRY"), 2)

          assert.deepStrictEqual(texts, ["5", "6"])
          const { config } = yield* Effect.promise(() => jsm.consumers.info("events", "writer-telemetry"))
          assert.isTrue(config.filter_subject === undefined || config.filter_subject === "")
          const names = yield* Effect.promise(async () => (await jsm.streams.info("events")).state.consumer_count)
          assert.strictEqual(names, 1)
        }), { createStreams: false }),
    60_000
  )

  it.live(
    "puts its own filter in the place of others, several ones too where the server knows them",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const { jsm, version } = yield* client
          const filter = version.minor >= 10
            ? { filter_subjects: ["telemetry.cpu", "telemetry.disk"] }
            : { filter_subject: "telemetry.cpu" }
          const durable_name = "writer-telemetry"
          yield* addStream("events", "telemetry.>", "other.>")
          yield* Effect.promise(() =>
            jsm.consumers.add("events", { durable_name, ack_policy: AckPolicy.Explicit, ...filter })
          )

          const subscription = yield* subscribe("TELEMETRY")

          yield* publish("telemetry.memory", 2)
          assert.deepStrictEqual(yield* drain(subscription, 2), numbers(2))
          const { config } = yield* Effect.promise(() => jsm.consumers.info("events", durable_name))
          assert.deepStrictEqual([config.filter_subject, config.filter_subjects], ["telemetry.>", undefined])
        }), { createStreams: false }),
    60_000
  )

  it.live(
    "begins to filter without going back to what was acknowledged when its stream gets other subjects too",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const { jsm } = yield* client
          yield* addStream("events", "telemetry.>")
          yield* publish("telemetry.cpu", 5)
          yield* Effect.scoped(Effect.flatMap(subscribe("TELEMETRY"), (subscription) => drain(subscription, 5)))
          yield* natsClient.eventually(lag("TELEMETRY"), (lag) => lag.ackPending === 0)
          yield* Effect.promise(() => jsm.streams.update("events", { subjects: ["telemetry.>", "other.>"] }))
          yield* publish("other.thing", 1)
          yield* publish("telemetry.cpu", 2, 5)

          const subscription = yield* subscribe("TELEMETRY")

          assert.deepStrictEqual(yield* drain(subscription, 2), ["5", "6"])
          assert.deepStrictEqual(yield* subscription.pull(10, bytesMax), [])
        }), { createStreams: false }),
    60_000
  )

  it.live(
    "keeps its consumer where an old server would lose messages by making it anew",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const { jsm, version } = yield* client
          const subjects = ["telemetry.>", "other.>"]
          yield* Effect.promise(async () => {
            await jsm.streams.add({ name: "events", subjects, retention: RetentionPolicy.Interest })
            const durable = { durable_name: "writer-telemetry", ack_policy: AckPolicy.Explicit }
            await jsm.consumers.add("events", { ...durable, filter_subject: "telemetry.cpu" })
          })
          yield* publish("telemetry.cpu", 2)

          if (version.minor < 10) {
            const refused = yield* Effect.flip(subscribe("TELEMETRY"))
            assert.match(refused.message, /cannot get filter telemetry\.> from a server before 2\.10/)
            assert.strictEqual((yield* Effect.promise(() => jsm.streams.info("events"))).state.messages, 2)
          } else {
            assert.deepStrictEqual(yield* drain(yield* subscribe("TELEMETRY"), 2), numbers(2))
          }
        }), { createStreams: false }),
    60_000
  )

  it.live(
    "fails its pulls when the consumer is deleted, and the next subscription makes it anew",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const { jsm } = yield* client
          const subscription = yield* subscribe("TELEMETRY")
          const pulling = yield* Effect.forkScoped(Effect.flip(Effect.forever(subscription.pull(10, bytesMax))))
          // Or the request may be the later one: servers since 2.10 keep no order between the two.
          const waiting = Effect.promise(async () =>
            (await jsm.consumers.info("TELEMETRY", "writer-telemetry")).num_waiting
          )
          yield* natsClient.eventually(waiting, (count) => count > 0)
          yield* Effect.promise(() => jsm.consumers.delete("TELEMETRY", "writer-telemetry"))

          assert.match((yield* Fiber.join(pulling)).message, /^Stream TELEMETRY: .*consumer (deleted|not found)/)
          assert.strictEqual((yield* Effect.flip(subscription.pull(10, bytesMax))).reason._tag, "SourceUnavailable")
          yield* publish("telemetry.cpu", 2)

          assert.deepStrictEqual(yield* drain(yield* subscribe("TELEMETRY"), 2), ["0", "1"])
        })
      ),
    60_000
  )

  it.live(
    "fails an unanswered pull with what is missing when the consumer was deleted between two pulls",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const { jsm } = yield* client
          const subscription = yield* subscribe("TELEMETRY")
          yield* Effect.promise(() => jsm.consumers.delete("TELEMETRY", "writer-telemetry"))

          const error = yield* Effect.flip(subscription.pull(10, bytesMax))

          assert.match(error.message, /consumer not found/)
        })
      ),
    60_000
  )

  it.live(
    "says that the stream is missing, and does without naming a reason to wait",
    () =>
      withServer(() =>
        Effect.gen(function*() {
          const missing = yield* Effect.flip(subscribe("TELEMETRY"))

          assert.deepStrictEqual(
            [missing.reason._tag, missing.message],
            ["SourceMissing", "Stream TELEMETRY: no JetStream stream has its subjects"]
          )
        }), { createStreams: false }),
    60_000
  )

  it.live("leaves a push consumer of its name alone and says so", () =>
    withServer(() =>
      Effect.gen(function*() {
        const { jsm } = yield* client
        yield* addStream("TELEMETRY", "telemetry.>")
        yield* Effect.promise(() =>
          jsm.consumers.add("TELEMETRY", {
            durable_name: "writer-telemetry",
            deliver_subject: "push.to.me",
            ack_policy: AckPolicy.Explicit
          })
        )

        const error = yield* Effect.flip(subscribe("TELEMETRY"))

        assert.match(error.message, /exists as a push consumer/)
        assert.strictEqual(error.reason._tag, "SourceMissing")
      }), { createStreams: false }), 60_000)

  it.live(
    "says so when another connection has taken the place of its own, and goes on over that",
    () =>
      Effect.gen(function*() {
        const server = yield* natsServer.start()
        const connections = yield* Effect.forEach([1, 2], () => Layer.build(Layer.fresh(natsClient.layer(server.url))))
        const [first, second] = connections.map((context) => Context.get(context, NatsConnection))
        if (first === undefined || second === undefined) return assert.fail("there are two connections")
        const before = yield* natsClient.ready(first)
        yield* natsClient.ready(second)
        let current = first
        const connection = { ...first, client: Effect.suspend(() => current.client) }
        yield* Effect.gen(function*() {
          const subscription = yield* subscribe("TELEMETRY")
          yield* publish("telemetry.cpu", 2)
          yield* drain(subscription, 2)

          current = second
          yield* Effect.promise(() => before.nc.drain())

          const error = yield* Effect.flip(Effect.forever(subscription.pull(10, bytesMax)))
          assert.strictEqual(error.reason._tag, "SourceReplaced")
          yield* publish("telemetry.cpu", 2, 2)
          assert.deepStrictEqual(yield* drain(yield* subscribe("TELEMETRY"), 2), ["2", "3"])
        }).pipe(Effect.scoped, Effect.provide(source()), Effect.provideService(NatsConnection, connection))
      }),
    60_000
  )

  it.live(
    "fails at once when the server is killed, and brings everything after it is back",
    () =>
      withServer((server) =>
        Effect.gen(function*() {
          const subscription = yield* subscribe("TELEMETRY")
          yield* publish("telemetry.cpu", 100)
          yield* drain(subscription, 50)
          const pulling = yield* Effect.forkScoped(Effect.flip(Effect.forever(subscription.pull(1, bytesMax))))

          yield* server.kill("SIGKILL")
          const error = yield* Fiber.join(pulling).pipe(Effect.timeout("2 seconds"))
          assert.strictEqual(error.reason._tag, "SourceUnavailable")
          assert.strictEqual((yield* Effect.flip(subscribe("TELEMETRY"))).reason._tag, "SourceUnavailable")
          yield* server.restart

          const again = yield* subscribe("TELEMETRY").pipe(Effect.retry(Schedule.spaced("20 millis")))
          const texts = new Set<string>()
          while (!numbers(50, 50).every((text) => texts.has(text))) {
            for (const text of yield* drain(again, 1)) texts.add(text)
          }
        }), { ackWait: Duration.seconds(2) }),
    60_000
  )
})
