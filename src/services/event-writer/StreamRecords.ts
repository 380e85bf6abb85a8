/** The records of all streams that are written, for their pipelines and for whoever asks how they are. */
import { Context, Effect, Layer, PubSub, Stream } from "effect"
import type { WriterEvent } from "../../domain/events/reporting/WriterEvent.ts"
import { type StreamName, streamNames } from "../../domain/events/stream/Streams.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import { StreamStatuses } from "../events/StreamStatus.ts"
import { StreamRecord } from "./StreamRecord.ts"

/** Events that a slow listener may be behind; the oldest go. */
const eventsMax = 1024

export class StreamRecords extends Context.Service<StreamRecords, {
  /** The same record for every life of the stream's pipeline. */
  readonly of: (stream: StreamName) => Effect.Effect<StreamRecord>
  readonly all: Effect.Effect<ReadonlyArray<StreamRecord>>
  readonly events: Stream.Stream<WriterEvent>
}>()("serviceradar/services/event-writer/StreamRecords") {
  static readonly layer = Layer.effect(
    StreamRecords,
    Effect.gen(function*() {
      const events = yield* Effect.acquireRelease(PubSub.sliding<WriterEvent>(eventsMax), PubSub.shutdown)
      const records = new Map<StreamName, StreamRecord>()
      return StreamRecords.of({
        of: (stream) =>
          Effect.map(Monotonic.millis, (now) => {
            const known = records.get(stream)
            if (known !== undefined) return known
            const made = new StreamRecord(stream, now, (event) => PubSub.publish(events, event))
            records.set(stream, made)
            return made
          }),
        all: Effect.sync(() => streamNames.flatMap((name) => records.get(name) ?? [])),
        events: Stream.fromPubSub(events)
      })
    })
  )

  static readonly layerStatuses = Layer.effect(
    StreamStatuses,
    Effect.map(StreamRecords, (records) =>
      StreamStatuses.of({
        all: Effect.gen(function*() {
          const now = yield* Monotonic.millis
          return (yield* records.all).map((record) => record.status(now))
        })
      }))
  )
}
