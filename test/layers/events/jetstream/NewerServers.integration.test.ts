/**
 * What servers since 2.10 and 2.11 can do with streams and durables. `NATS_SERVER_NEWER_BIN` names one; without it, or
 * with one that is too old, a test says what it leaves out. What must hold on every server stands in the fake's answers.
 */
import { assert, describe, it } from "@effect/vitest"
import { connect } from "@nats-io/transport-node"
import { Duration, Effect, Layer, Option, type Scope } from "effect"
import type { PlannedConsumer } from "../../../../src/domain/events/stream/ConsumerPlan.ts"
import * as DurableConsumers from "../../../../src/layers/events/jetstream/DurableConsumers.ts"
import * as JetStreamEventSource from "../../../../src/layers/events/jetstream/JetStreamEventSource.ts"
import * as JetStreamLag from "../../../../src/layers/events/jetstream/JetStreamLag.ts"
import { NatsConnection } from "../../../../src/layers/nats/connection/NatsConnection.ts"
import { type Delivery, EventSource } from "../../../../src/services/events/EventSource.ts"
import * as natsClient from "../../../support/natsClient.ts"
import * as natsServer from "../../../support/natsServer.ts"

const program = process.env["NATS_SERVER_NEWER_BIN"] ?? ""
const client = Effect.flatMap(NatsConnection, natsClient.ready)

/** The test against a server that is as new as it needs. */
const onServer = <A, E>(
  minor: number,
  what: string,
  test: Effect.Effect<A, E, EventSource | NatsConnection | Scope.Scope>,
  options: Partial<JetStreamEventSource.JetStreamEventSourceOptions> = {}
) =>
  Effect.gen(function*() {
    if (program === "") return yield* Effect.logInfo(`left out, because no newer nats-server is named: ${what}`)
    const server = yield* natsServer.start({ program })
    const layers = JetStreamEventSource.layer({ consumer: "writer", ...options }).pipe(
      Layer.provideMerge(natsClient.layer(server.url))
    )
    return yield* Effect.gen(function*() {
      const { version } = yield* client
      if (version.minor >= minor) return yield* Effect.asVoid(test)
      return yield* Effect.logInfo(`left out, because the nats-server is older than 2.${minor}: ${what}`)
    }).pipe(Effect.scoped, Effect.provide(layers))
  }).pipe(Effect.scoped)

const subscribe = EventSource.use((source) => source.subscribe("EVENTS", { inFlightMax: 1_000 }))

const pull = (count: number) =>
  Effect.gen(function*() {
    const subscription = yield* subscribe
    const all: Array<Delivery> = []
    while (all.length < count) {
      for (const delivery of yield* subscription.pull(200, 1e6)) {
        all.push(delivery)
        delivery.ack()
      }
    }
    return all.map(({ message }) => `${message.subject} ${new TextDecoder().decode(message.data)}`)
  }).pipe(Effect.timeout("15 seconds"))

const publish = (subject: string, ...bodies: ReadonlyArray<string>) =>
  Effect.flatMap(client, ({ js }) =>
    Effect.promise(async () => {
      for (const body of bodies) await js.publish(subject, body)
    }))

const addDurable = (config: Readonly<Record<string, unknown>>) =>
  Effect.flatMap(client, ({ jsm, nc }) =>
    Effect.promise(async () => {
      await jsm.streams.add({ name: "EVENTS", subjects: ["events.>"] })
      const request = {
        stream_name: "EVENTS",
        config: { durable_name: "writer-events", ack_policy: "explicit", ...config }
      }
      // Not by the client, which has no values for all that a server knows.
      const subject = "$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.writer-events"
      const answer = await nc.request(subject, JSON.stringify(request))
      assert.notInclude(answer.string(), "\"error\"")
    }))

describe("A newer JetStream", () => {
  it.live("has streams that begin beyond 2^53, of which nothing is passed over", () =>
    onServer(
      10,
      "first_seq",
      Effect.gen(function*() {
        const { nc } = yield* client
        const config = `{"name":"EVENTS","subjects":["events.>"],"storage":"file","first_seq":9007199254740993}`
        yield* Effect.promise(() => nc.request("$JS.API.STREAM.CREATE.EVENTS", config))
        yield* publish("events.a", "1", "2", "3")

        const first = yield* Effect.scoped(pull(3))
        yield* publish("events.a", "4")
        const again = yield* Effect.scoped(pull(1))

        assert.deepStrictEqual(first, ["events.a 1", "events.a 2", "events.a 3"])
        assert.deepStrictEqual(again, ["events.a 4"])
        yield* natsClient.eventually(
          EventSource.use((source) => source.lag("EVENTS")),
          ({ ackPending, pending }) => ackPending + pending === 0
        )
      })
    ))

  it.live("has streams that take others' messages under other subjects, which are read as they are there", () =>
    onServer(
      10,
      "subject transforms",
      Effect.gen(function*() {
        const { jsm } = yield* client
        yield* Effect.promise(async () => {
          await jsm.streams.add({ name: "origin", subjects: ["raw.>"] })
          await jsm.streams.add({
            name: "EVENTS",
            subjects: ["own.events.>"],
            sources: [{ name: "origin", subject_transforms: [{ src: "raw.>", dest: "events.raw.>" }] }]
          })
        })
        yield* publish("raw.x", "1", "2")

        assert.deepStrictEqual(yield* pull(2), ["events.raw.x 1", "events.raw.x 2"])
      }),
      { jetStream: "EVENTS" }
    ))

  it.live("has durables with several filters, which get ours", () =>
    onServer(
      10,
      "several filters",
      Effect.gen(function*() {
        yield* addDurable({ filter_subjects: ["events.a", "events.b"] })
        yield* publish("events.a", "1")
        yield* publish("events.c", "2")

        assert.sameMembers([...yield* pull(2)], ["events.a 1", "events.c 2"])
      })
    ))

  it.live.each<readonly [string, Readonly<Record<string, unknown>>, RegExp]>([
    ["paused", { pause_until: "2100-01-01T00:00:00Z" }, /writer-events.* is paused until 2100-01-01T00:00:00Z/],
    [
      "of a priority group",
      { priority_groups: ["a"], priority_policy: "overflow" },
      /writer-events.* exists with priority groups \(a\): delete it/
    ]
  ])("has durables that are %s, which are refused in words", ([name, config, expected]) =>
    onServer(
      11,
      name,
      Effect.gen(function*() {
        yield* addDurable(config)

        const error = yield* Effect.flip(subscribe)

        assert.match(error.reason.detail, expected)
      })
    ))
})

/** Answers as a server does that is beyond 2^53, on the API of another domain, and remembers what it was asked. */
const fake = (url: string, answers: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const asked: Array<string> = []
    const connection = yield* Effect.acquireRelease(
      Effect.promise(() => connect({ servers: url })),
      (one) => Effect.promise(() => one.close())
    )
    connection.subscribe("$JS.fake.API.>", {
      callback: (_, message) => {
        const verb = message.subject.replace("$JS.fake.API.", "")
        asked.push(`${verb} ${message.string()}`)
        message.respond(answers[verb] ?? `{"error":{"code":404,"err_code":10014,"description":"consumer not found"}}`)
      }
    })
    yield* Effect.promise(() => connection.flush())
    return asked
  })

const planned: PlannedConsumer = { jetStream: "events", durable: "writer-events", filter: "events.>" }
const settings = { ackWait: Duration.seconds(30), maxAckPending: 1_000 }

const infoOf = (name: string, sequence: string) =>
  `{"type":"io.nats.jetstream.api.v1.consumer_info_response","stream_name":"events","name":"${name}",` +
  `"created":"2026-11-28T20:40:00Z","config":{"durable_name":"${name}","ack_policy":"explicit","ack_wait":1000000000,` +
  `"max_deliver":3,"max_ack_pending":10,"deliver_policy":"by_start_sequence","opt_start_seq":9007199254740993,` +
  `"filter_subject":"events.>","replay_policy":"instant"},"delivered":{"consumer_seq":1,"stream_seq":${sequence}},` +
  `"ack_floor":{"consumer_seq":1,"stream_seq":${sequence}},"num_ack_pending":0,"num_redelivered":0,"num_waiting":0,` +
  `"num_pending":5}`

const streamInfo = `{"type":"io.nats.jetstream.api.v1.stream_info_response","config":{"name":"events",` +
  `"subjects":["events.>"],"retention":"limits"},"created":"2026-11-28T20:40:00Z",` +
  `"state":{"messages":5,"bytes":1,"first_seq":1,"last_seq":18446744073709551615,"consumer_count":1}}`

const withFake = <A, E>(
  answers: Readonly<Record<string, string>>,
  test: (asked: ReadonlyArray<string>) => Effect.Effect<A, E, NatsConnection>
) =>
  Effect.gen(function*() {
    const { url } = yield* natsServer.start()
    const asked = yield* fake(url, answers)
    return yield* test(asked).pipe(Effect.provide(natsClient.layer(url, { domain: "fake" })))
  }).pipe(Effect.scoped)

const created = (asked: ReadonlyArray<string>): string =>
  asked.find((one) => one.startsWith("CONSUMER.DURABLE.CREATE")) ?? ""

describe("Sequences beyond 2^53", () => {
  it.live("are sent back as they came when a durable is changed, and asked for one further for its lag", () =>
    withFake(
      {
        "STREAM.INFO.events": streamInfo,
        "CONSUMER.INFO.events.writer-events": infoOf("writer-events", "9007199254740994"),
        "CONSUMER.DURABLE.CREATE.events.writer-events": "{}",
        "STREAM.MSG.GET.events": `{"message":{"time":"2026-11-28T20:40:00Z","seq":9007199254740995}}`
      },
      (asked) =>
        Effect.gen(function*() {
          const one = yield* client
          yield* DurableConsumers.ensure(one, planned, settings)
          const lag = yield* JetStreamLag.measure(one, [planned])

          assert.include(created(asked), `"opt_start_seq":9007199254740993,`)
          assert.include(created(asked), `"action":"update"`)
          assert.include(asked, `STREAM.MSG.GET.events {"seq":9007199254740995,"next_by_subj":"events.>"}`)
          assert.strictEqual(lag.oldestMillis, Date.parse("2026-11-28T20:40:00Z"))
        })
    ))

  it.live("begin a new durable right behind another one, and pass nothing over", () =>
    withFake(
      {
        "STREAM.INFO.events": streamInfo,
        "CONSUMER.INFO.events.go-writer": infoOf("go-writer", "9007199254740994"),
        "CONSUMER.DURABLE.CREATE.events.writer-events": "{}"
      },
      (asked) =>
        Effect.gen(function*() {
          const one = yield* client
          // The fake has no such consumer afterwards either, which is of no matter here.
          yield* Effect.option(DurableConsumers.ensure(one, planned, { ...settings, startAfter: ["go-writer"] }))

          assert.include(created(asked), `"opt_start_seq":9007199254740995,`)
        })
    ))

  it.live("tell a durable that is one ahead of its stream", () =>
    withFake(
      {
        "STREAM.INFO.events": streamInfo.replace("18446744073709551615", "9007199254740992"),
        "CONSUMER.INFO.events.writer-events": infoOf("writer-events", "9007199254740993"),
        "CONSUMER.DELETE.events.writer-events": `{"success":true}`,
        "CONSUMER.DURABLE.CREATE.events.writer-events": "{}"
      },
      (asked) =>
        Effect.gen(function*() {
          const found = yield* Effect.option(DurableConsumers.ensure(yield* client, planned, settings))

          assert.isTrue(Option.isSome(found))
          assert.isTrue(asked.some((one) => one.startsWith("CONSUMER.DELETE.events.writer-events")), asked.join("\n"))
          assert.include(created(asked), `"deliver_policy":"all"`)
        })
    ))
})
