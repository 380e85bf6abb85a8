/**
 * A pipeline that writes what a durable consumer of NATS JetStream brings: decode, batch by subject, ack after the write.
 * What the store refuses comes again; what nobody will ever read is termed.
 *
 *   nats-server -js &
 *   NATS_URL=nats://127.0.0.1:4222 node examples/jetstream-pipeline.ts
 *
 * In a project of your own it needs `@nats-io/jetstream` and `@nats-io/transport-node`.
 */
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Schedule, Schema } from "effect"
// In your own project: from "serviceradar-effect/jetstream"
import { JetStreamProducer } from "../src/layers/jetstream/index.ts"
// In your own project: from "serviceradar-effect/pipeline"
import { type Batch, batcher, type Outcomes, Pipeline } from "../src/services/pipeline/index.ts"

class NatsFailed extends Schema.TaggedError<NatsFailed>()("NatsFailed", {
  step: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `NATS, ${this.step}: ${this.reason}`
  }
}

class Undecodable extends Schema.TaggedError<Undecodable>()("Undecodable", { subject: Schema.String }) {
  override get message(): string {
    return `A message on ${this.subject} could not be decoded`
  }
}

class StoreAway extends Schema.TaggedError<StoreAway>()("StoreAway", {}) {
  override get message(): string {
    return "The store is away"
  }
}

const Reading = Schema.Struct({ host: Schema.String, value: Schema.Finite })
type Reading = typeof Reading.Type
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Reading))

const stream = "READINGS"
const durable = "writer"

const asked = <A>(step: string, ask: () => Promise<A>) =>
  Effect.tryPromise({ try: ask, catch: (cause) => new NatsFailed({ step, reason: String(cause) }) })

/** Connects, and makes the stream and its consumer; the stream goes again with the Scope. */
const setUp = Effect.fnUntraced(function*(servers: string) {
  const connection = yield* Effect.acquireRelease(
    asked(`connecting to ${servers}`, () => connect({ servers, timeout: 5_000 })),
    // What is on its way, the last acks too, leaves before the connection closes.
    (open) => Effect.ignore(Effect.timeout(asked("draining", () => open.drain()), "5 seconds"))
  )
  const manager = yield* asked("reaching JetStream", () => jetstreamManager(connection))
  yield* Effect.acquireRelease(
    asked(`adding the stream ${stream}`, () => manager.streams.add({ name: stream, subjects: ["readings.*"] })),
    () => Effect.ignore(asked(`deleting the stream ${stream}`, () => manager.streams.delete(stream)))
  )
  yield* asked(
    `adding the consumer ${durable}`,
    () => manager.consumers.add(stream, { durable_name: durable, ack_policy: AckPolicy.Explicit, max_deliver: 5 })
  )
  return jetstream(connection)
})

/** Poison is termed, so that it does not come again; for the rest the exported acknowledger does. */
const acknowledge = ({
  ok,
  okOptions,
  rejected
}: Outcomes<JetStreamProducer.JsMsg, Undecodable | StoreAway>) => {
  const isPoison = ({ outcome }: (typeof rejected)[number]) =>
    outcome._tag === "Failed" && outcome.error._tag === "Undecodable"
  const term = Effect.sync(() => {
    for (const { message } of rejected.filter(isPoison)) message.term()
  })
  const others = rejected.filter((one) => !isPoison(one))
  return Effect.andThen(
    term,
    JetStreamProducer.acknowledge({ redeliverAfter: "100 millis" })({ ok, okOptions, rejected: others })
  )
}

export const program = Effect.fnUntraced(function*(servers: string) {
  const client = yield* setUp(servers)
  const texts = [
    ...Array.from({ length: 250 }, (_, value) => JSON.stringify({ host: `host-${value % 5}`, value })),
    "not JSON"
  ]
  yield* Effect.forEach(
    texts,
    (text, index) =>
      asked("publishing", () => client.publish(index % 2 === 0 ? "readings.cpu" : "readings.memory", text)),
    { concurrency: 50, discard: true }
  )

  const stored = new Map<string, ReadonlyArray<Reading>>()
  let writes = 0
  const rows = batcher("rows", {
    size: 100,
    timeout: "100 millis",
    handle: (batch: Batch<Reading>) =>
      Effect.suspend(() => {
        writes += 1
        // The first write finds the store away; its messages come again.
        if (writes === 1) return Effect.fail(new StoreAway())
        stored.set(batch.key, [...(stored.get(batch.key) ?? []), ...batch.values])
        return Effect.void
      })
  })

  const pipeline = yield* Pipeline.start({
    name: "writer",
    producer: JetStreamProducer.make({
      consumer: asked(`finding the consumer ${durable}`, () => client.consumers.get(stream, durable))
    }),
    batchers: [rows],
    handle: (message) =>
      decode(message.string()).pipe(
        Effect.map((reading) => rows.to(reading, message.subject)),
        Effect.mapError(() => new Undecodable({ subject: message.subject }))
      ),
    acknowledge
  })

  const { failed, ok } = yield* Effect.timeout(
    Effect.repeat(pipeline.status, { until: (status) => status.ok === 250, schedule: Schedule.spaced("50 millis") }),
    "30 seconds"
  )
  const count = (subject: string) => stored.get(subject)?.length ?? 0
  return { ok, cpu: count("readings.cpu"), memory: count("readings.memory"), cameAgain: failed - 1 }
}, Effect.scoped)

if (import.meta.main) {
  console.log(await Effect.runPromise(program(process.env["NATS_URL"] ?? "nats://127.0.0.1:4222")))
}
