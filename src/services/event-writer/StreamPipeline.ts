/**
 * The way of one logical stream into the database.
 *
 *   fetch (while the database is there) → batch by size or age → decode → store → ack
 *
 * At least once from the stream, idempotent in the store: exactly once in effect. A delivery is acknowledged only after
 * its rows are committed, extended while it waits, and bounded in number and bytes.
 */
import { Duration, Effect } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import type { StreamSettings } from "../../domain/events/settings/EventWriterSettings.ts"
import { EventDecoder } from "../events/EventDecoder.ts"
import { type Delivery, EventSource } from "../events/EventSource.ts"
import type { Route } from "../pipeline/Batch.ts"
import { batcher } from "../pipeline/Batcher.ts"
import * as Pipeline from "../pipeline/Pipeline.ts"
import * as Supervisor from "../supervision/Supervisor.ts"
import * as BatchWriter from "./BatchWriter.ts"
import { DatabaseHealth } from "./DatabaseHealth.ts"
import { HeldDeliveries } from "./HeldDeliveries.ts"
import { JointDrain } from "./JointDrain.ts"
import { StreamRecords } from "./StreamRecords.ts"
import * as StreamSettlement from "./StreamSettlement.ts"
import * as StreamSource from "./StreamSource.ts"
import * as StreamStore from "./StreamStore.ts"

/** A batch is closed early at this many payload bytes. */
const batchBytesMax = 8 * 2 ** 20
/** After so many deliveries a message is stored alone, so that it can harm no other. */
const isolatedAfter = 5
/** Messages routed between two looks at the other fibers. */
const routedAtOnce = 256

/** How many messages the pipeline may hold; the source's limit has to be above it. */
export const inFlightMax = ({ batchSize, concurrency }: StreamSettings): number =>
  batchSize * (concurrency + 1) + 2 * routedAtOnce

/** Longer than a statement may take; what is cut off then comes again. */
const drainLimit = Duration.seconds(8)
const settleLimit = Duration.seconds(10)
const restartBackoff = Backoff.capped({ from: "200 millis", to: "10 seconds" })

const start = Effect.fnUntraced(function*(settings: StreamSettings, joint: JointDrain) {
  const { stream } = settings
  const { decode } = yield* EventDecoder
  const source = yield* EventSource
  const health = yield* DatabaseHealth
  const record = yield* StreamRecords.use((records) => records.of(stream))
  const writer = yield* BatchWriter.make()
  const held = new HeldDeliveries(settings.bytesMax)
  const limit = inFlightMax(settings)

  const storeBatch = StreamStore.make({ record, writer, decode })
  const store = batcher("store", {
    size: settings.batchSize,
    timeout: settings.batchTimeout,
    concurrency: settings.concurrency,
    bytesMax: batchBytesMax,
    bytesOf: (delivery: Delivery) => delivery.message.data.length,
    handle: (batch) => joint.within(storeBatch(batch))
  })

  const handle = (delivery: Delivery): Effect.Effect<Route<"store"> | void> => {
    if (delivery.isForeign) return Effect.void
    const key = delivery.deliveries > isolatedAfter ? String(delivery.message.sequence) : ""
    return Effect.succeed(store.to(delivery, key))
  }

  const isUp = Effect.map(health.state, (state) => state.isUp)
  const pipeline = yield* Pipeline.start({
    name: stream,
    producer: StreamSource.make({ stream, inFlightMax: limit, held, record }),
    processors: { concurrency: 1, demandMax: routedAtOnce },
    batchers: [store],
    handle,
    acknowledge: StreamSettlement.make({ record, held, deliveriesMax: settings.deliveriesMax }),
    acknowledgeTimeout: settleLimit,
    inFlightMax: limit,
    shutdown: drainLimit,
    // A source that is not asked brings nothing, which is no reason to connect it anew.
    pending: Effect.flatMap(isUp, (up) => up ? Effect.map(source.lag(stream), (lag) => lag.pending) : Effect.succeed(0))
  })
  yield* joint.join(pipeline.drain)
  return pipeline
})

/** The pipeline as a child of a supervisor. */
export const child = (settings: StreamSettings, joint: JointDrain = new JointDrain()) =>
  Supervisor.child({
    id: settings.stream,
    shutdown: Pipeline.shutdownMax({ name: settings.stream, shutdown: drainLimit, acknowledgeTimeout: settleLimit }),
    backoff: { schedule: restartBackoff },
    start: Effect.map(start(settings, joint), (pipeline) => pipeline.await)
  })
