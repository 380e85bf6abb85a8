/**
 * Decodes and stores a batch of one stream's messages, however long the database is away, and says of each what became
 * of it.
 *
 * During an outage the batch stays in hand, undecoded, and nothing is given back: giving back costs deliveries. What
 * gives no rows or what the database refuses is poison; what it could not do in time, though it is there, is tried again
 * later.
 */
import { Clock, Effect, Option, Result } from "effect"
import type { Decode, Decoded, RefusedPart } from "../../domain/events/decode/Decode.ts"
import type { StoreEntry } from "../../domain/events/storing/BatchPlan.ts"
import type { EventMessage } from "../../domain/events/stream/EventMessage.ts"
import * as Pause from "../backoff/Pause.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import type { Delivery } from "../events/EventSource.ts"
import type { EventStoreError } from "../events/EventStore.ts"
import { EventTables } from "../events/EventTables.ts"
import type { Poison, Refusal, Retry } from "../events/Refusal.ts"
import type { BatchWriter, Undelivered, WrittenBatch } from "./BatchWriter.ts"
import { DatabaseHealth } from "./DatabaseHealth.ts"
import { StoreTurns } from "./StoreTurns.ts"
import type { StreamRecord } from "./StreamRecord.ts"

interface DeliveryBatch {
  readonly key: string
  readonly values: ReadonlyArray<Delivery>
}

type Verdict = Result.Result<void, Refusal>

/** Decoded and held at once, of a batch whose messages have many rows each; a message can have more. */
const portionMax = { rows: 50_000, bytes: 64 * 2 ** 20 }

const backoff = { from: "50 millis", to: "5 seconds" } as const

const undecodable = (error: string, place: string): Poison => ({
  _tag: "Poison",
  processor: "decode",
  failure: { reason: "decode", error, place }
})

/** A decoder promises not to throw; one that does is to harm that message alone. */
const attempt = (decode: Decode, message: EventMessage): Result.Result<Decoded, Poison> => {
  const result = Result.try(() => decode(message))
  if (Result.isFailure(result)) return Result.fail(undecodable(`the decoder failed: ${String(result.failure)}`, ""))
  return Result.mapError(result.success, (error) => undecodable(error.message, error.path))
}

const refused = ({ error }: Undelivered<Delivery>): Poison => {
  const { reason } = error
  const place = reason._tag === "RowRejected"
    ? [...Option.toArray(reason.column), ...Option.toArray(reason.constraint)].join(", ")
    : ""
  return { _tag: "Poison", processor: "store", failure: { reason: "rejected", error: error.message, place } }
}

const later = (error: EventStoreError): Retry => ({ _tag: "Retry", processor: "store", error: error.message })

const unknown: Retry = { _tag: "Retry", processor: "store", error: "the store said nothing of it" }

/** Whether the database is away, or the table is not as it must be, so that the messages are to be kept. */
const isOutage = Effect.fnUntraced(function*(record: StreamRecord, retry: ReadonlyArray<Undelivered<Delivery>>) {
  const health = yield* DatabaseHealth
  for (const { error } of retry) {
    if (error.reason._tag === "StoreUnavailable") {
      yield* health.outage(error.reason.detail)
      return true
    }
    // Other streams are none the worse for it, so the breaker stays closed.
    if (error.reason._tag === "TableUnusable") {
      yield* EventTables.use((tables) => tables.disturbed)
      if (record.markUnhealthy("store", error.message)) {
        yield* Effect.logWarning(`${record.stream}: messages wait for their table: ${error.message}`)
      }
      return true
    }
  }
  const timedOut = retry.find(({ error }) => error.reason._tag === "StoreTimeout")
  return timedOut !== undefined && (yield* health.suspect(timedOut.error.reason.detail))
})

interface StreamParts {
  readonly record: StreamRecord
  readonly writer: BatchWriter
  readonly decode: Decode
}

/** The handler of a stream's batches. */
export const make = (stream: StreamParts) => {
  const { decode, record, writer } = stream

  /**
   * The first messages, mostly all, as far as they can be decoded; of the others among them the verdict is made. One
   * whose content is empty counts as decoded.
   */
  const decodePortion = (
    deliveries: ReadonlyArray<Delivery>,
    verdicts: Map<Delivery, Verdict>,
    parts: Map<Delivery, ReadonlyArray<RefusedPart>>
  ) => {
    const entries: Array<StoreEntry<Delivery>> = []
    let rows = 0
    let bytes = 0
    let taken = 0
    for (const delivery of deliveries) {
      if (rows >= portionMax.rows || bytes >= portionMax.bytes) break
      taken += 1
      const result = attempt(decode, delivery.message)
      if (Result.isFailure(result)) {
        verdicts.set(delivery, Result.fail(result.failure))
        continue
      }
      const { content, refused, weight } = result.success
      if (refused.length > 0) parts.set(delivery, refused)
      entries.push({ message: delivery, content, bytes: weight })
      rows += content.rows.length
      bytes += weight
    }
    return { entries, rest: deliveries.slice(taken) }
  }

  const note = (
    written: WrittenBatch<Delivery>,
    verdicts: Map<Delivery, Verdict>,
    parts: ReadonlyMap<Delivery, ReadonlyArray<RefusedPart>>
  ) => {
    for (const delivery of written.stored) {
      const refused = parts.get(delivery)
      verdicts.set(delivery, refused === undefined ? Result.void : Result.fail({ _tag: "Partial", parts: refused }))
    }
    for (const undelivered of written.poison) verdicts.set(undelivered.message, Result.fail(refused(undelivered)))
    record.rowsInserted += written.inserted
    record.rowsRepeated += written.repeated
  }

  const stored = Effect.fnUntraced(function*(
    batch: DeliveryBatch,
    written: WrittenBatch<Delivery>,
    startMillis: number
  ) {
    const wallMillis = yield* Clock.currentTimeMillis
    const now = yield* Monotonic.millis
    let slowest = 0
    for (const { message } of written.stored) {
      const latency = Math.max(0, wallMillis - message.storedAtMicros / 1000)
      record.latencies.add(latency, now)
      slowest = Math.max(slowest, latency)
    }
    const { inserted, repeated } = written
    yield* record.metrics.batch({ inserted, repeated, seconds: (now - startMillis) / 1000, latency: slowest / 1000 })
    yield* record.tell({
      _tag: "batch_processed",
      stream: record.stream,
      processor: "store",
      batchKey: batch.key,
      count: written.stored.length,
      batchSize: batch.values.length,
      durationMillis: now - startMillis
    })
  })

  return Effect.fn("EventWriter.store")(function*(batch: DeliveryBatch) {
    const health = yield* DatabaseHealth
    const turns = yield* StoreTurns
    const startMillis = yield* Monotonic.millis
    const verdicts = new Map<Delivery, Verdict>()
    const parts = new Map<Delivery, ReadonlyArray<RefusedPart>>()
    let pending = batch.values
    const pause = Pause.make(backoff)
    while (pending.length > 0) {
      yield* health.awaitUp
      const { written, rest } = yield* turns.take(Effect.suspend(() => {
        const { entries, rest } = decodePortion(pending, verdicts, parts)
        return Effect.map(writer.write(entries), (written) => ({ written, rest }))
      }))
      note(written, verdicts, parts)
      if (written.stored.length > 0) {
        record.markHealthy("store")
        yield* health.works
        yield* stored(batch, written, startMillis)
      }
      pending = rest
      if (written.retry.length === 0) continue
      if (!(yield* isOutage(record, written.retry))) {
        for (const { message, error } of written.retry) verdicts.set(message, Result.fail(later(error)))
        continue
      }
      pending = [...written.retry.map(({ message }) => message), ...rest]
      // A database that answers probes and refuses writes would otherwise be asked in a tight loop.
      yield* pause.wait
    }
    return batch.values.map((delivery): Verdict => verdicts.get(delivery) ?? Result.fail(unknown))
  })
}
