import { assert, describe, it } from "@effect/vitest"
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Effect, Logger } from "effect"
import * as JetStreamProducer from "../../../src/layers/jetstream/JetStreamProducer.ts"
import { Pipeline } from "../../../src/services/pipeline/index.ts"
import type { Source } from "../../../src/services/pipeline/testing/ProducerContract.ts"
import { passesContract } from "../../services/pipeline/testing/contract.ts"
import * as NatsServer from "../../support/natsServer.ts"

const stream = "WORK"
const durable = "writer"

const broker = Effect.gen(function*() {
  const server = yield* NatsServer.start()
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: server.url })),
    (one) => Effect.promise(() => one.close())
  )
  const manager = yield* Effect.promise(() => jetstreamManager(connection))
  const addConsumer = Effect.promise(() =>
    manager.consumers.add(stream, { durable_name: durable, ack_policy: AckPolicy.Explicit, ack_wait: 1_000_000_000 })
  )
  yield* Effect.promise(() => manager.streams.add({ name: stream, subjects: ["work"] }))
  yield* addConsumer
  const client = jetstream(connection)
  const producer = JetStreamProducer.make({
    consumer: Effect.tryPromise({ try: () => client.consumers.get(stream, durable), catch: String }),
    ahead: 20
  })
  const send = (text: string) => Effect.promise(async () => void await client.publish("work", text))
  return { manager, addConsumer, producer, send }
}).pipe(Effect.orDie)

const source = Effect.map(broker, ({ producer, send }): Source<JetStreamProducer.JsMsg, unknown> => ({
  producer,
  send,
  textOf: (message) => message.string(),
  acknowledge: JetStreamProducer.acknowledge(),
  isRedelivering: true
}))

const waitFor = (isTrue: () => boolean) =>
  Effect.timeout(Effect.repeat(Effect.sleep("10 millis"), { until: isTrue }), "20 seconds")

describe("JetStreamProducer", () => {
  passesContract(source)

  it.live("brings a rejected message again, and leaves none unacknowledged", () =>
    Effect.gen(function*() {
      const { manager, producer, send } = yield* broker
      const deliveries: Array<number> = []
      yield* Pipeline.start({
        name: "p",
        producer,
        handle: (message) =>
          Effect.suspend(() => {
            deliveries.push(message.info.deliveryCount)
            return message.info.deliveryCount < 3 ? Effect.fail("not yet") : Effect.void
          }),
        acknowledge: JetStreamProducer.acknowledge({ redeliverAfter: "10 millis" })
      })

      yield* send("once")
      yield* waitFor(() => deliveries.length === 3)
      yield* Effect.timeout(
        Effect.repeat(Effect.promise(() => manager.consumers.info(stream, durable)), {
          until: (info) => info.num_ack_pending === 0 && info.ack_floor.stream_seq === 1
        }),
        "10 seconds"
      )

      assert.deepStrictEqual(deliveries, [1, 2, 3])
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))))

  it.live("connects anew when its consumer was deleted and made again", () =>
    Effect.gen(function*() {
      const { addConsumer, manager, producer, send } = yield* broker
      const seen: Array<string> = []
      const pipeline = yield* Pipeline.start({
        name: "p",
        producer,
        handle: (message) => Effect.sync(() => void seen.push(message.string())),
        acknowledge: JetStreamProducer.acknowledge()
      })
      yield* send("before")
      yield* waitFor(() => seen.includes("before"))

      yield* Effect.promise(() => manager.consumers.delete(stream, durable))
      yield* Effect.timeout(
        Effect.repeat(pipeline.status, { until: ({ producerFailures }) => producerFailures > 0 }),
        "20 seconds"
      )
      yield* addConsumer
      yield* send("after")

      yield* waitFor(() => seen.includes("after"))
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))))
})
