import { describe } from "@effect/vitest"
import { Context, Duration, Effect, Layer } from "effect"
import * as JetStreamEventSource from "../../../src/layers/events/jetstream/JetStreamEventSource.ts"
import { NatsConnection } from "../../../src/layers/nats/connection/NatsConnection.ts"
import { DatabaseHealth } from "../../../src/services/event-writer/DatabaseHealth.ts"
import { HeldDeliveries } from "../../../src/services/event-writer/HeldDeliveries.ts"
import { StreamRecord } from "../../../src/services/event-writer/StreamRecord.ts"
import * as StreamSource from "../../../src/services/event-writer/StreamSource.ts"
import { type Delivery, EventSource } from "../../../src/services/events/EventSource.ts"
import type { Producer } from "../../../src/services/pipeline/index.ts"
import type { Source } from "../../../src/services/pipeline/testing/ProducerContract.ts"
import * as natsClient from "../../support/natsClient.ts"
import * as natsServer from "../../support/natsServer.ts"
import { passesContract } from "../pipeline/testing/contract.ts"

const inFlightMax = 100

/** The event writer's producer on a server of its own, with a database that is always there. */
const source = Effect.gen(function*() {
  const server = yield* natsServer.start()
  const context = yield* Layer.build(
    Layer.mergeAll(
      JetStreamEventSource.layer({ consumer: "writer", createStreams: true, ackWait: Duration.seconds(1) }),
      DatabaseHealth.layer(Effect.void)
    ).pipe(Layer.provideMerge(natsClient.layer(server.url)))
  )
  yield* Effect.forkScoped(Context.get(context, DatabaseHealth).keep)
  const { js } = yield* natsClient.ready(Context.get(context, NatsConnection))
  // Makes the stream, so that messages can be sent before anybody takes them.
  yield* Effect.scoped(Context.get(context, EventSource).subscribe("TELEMETRY", { inFlightMax }))

  const held = new HeldDeliveries(1_000_000)
  const record = new StreamRecord("TELEMETRY", 0, () => Effect.void)
  const { connect } = StreamSource.make({ stream: "TELEMETRY", inFlightMax, held, record })
  const producer: Producer.Producer<Delivery, never, never> = {
    connect: Effect.map(Effect.provide(connect, context), (pull) => (demand) => Effect.provide(pull(demand), context))
  }
  return {
    producer,
    send: (text) => Effect.promise(() => js.publish("telemetry.test", text)),
    textOf: ({ message }) => new TextDecoder().decode(message.data),
    acknowledge: ({ ok, rejected }) =>
      Effect.sync(() => {
        for (const delivery of [...ok, ...rejected.map(({ message }) => message)]) held.release(delivery)
        for (const delivery of ok) delivery.ack()
        for (const { message } of rejected) message.nak(Duration.millis(10))
      }),
    isRedelivering: true
  } satisfies Source<Delivery, never>
}).pipe(Effect.orDie)

describe("The event writer's producer", () => {
  passesContract(source)
})
