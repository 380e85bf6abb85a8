/**
 * Looks at each stream's lag every four seconds: for the metrics, for the status, and to notice a standstill, which makes
 * the writer not ready.
 */
import { Clock, Duration, Effect, Option, Schedule, Schema } from "effect"
import * as Monotonic from "../clock/Monotonic.ts"
import { EventSource } from "../events/EventSource.ts"
import type { StreamRecord } from "./StreamRecord.ts"
import { StreamRecords } from "./StreamRecords.ts"

export class StreamsStalled extends Schema.TaggedError<StreamsStalled>()("StreamsStalled", {
  streams: Schema.Array(
    Schema.Struct({ stream: Schema.String, waiting: Schema.Finite, forMillis: Schema.Finite, problem: Schema.String })
  )
}) {
  override get message(): string {
    return this.streams
      .map(({ forMillis, problem, stream, waiting }) =>
        `${stream}: ${waiting} messages wait and none has been settled for ${
          Duration.format(Duration.seconds(Math.round(forMillis / 1_000)))
        }${problem === "" ? "" : ` (${problem})`}`
      )
      .join("; ")
  }
}

const interval = Schedule.jittered(Schedule.spaced("4 seconds"))
const lagLimit = Duration.seconds(2)

export const stalledAfterDefault = Duration.seconds(30)

const look = Effect.fnUntraced(function*(record: StreamRecord, stalledAfter: Duration.Duration) {
  const source = yield* EventSource
  const lag = Option.getOrUndefined(yield* Effect.option(Effect.timeout(source.lag(record.stream), lagLimit)))
  const now = yield* Monotonic.millis
  record.sample(lag, now)
  if (lag === undefined) return
  yield* record.metrics.lag(
    lag,
    yield* Clock.currentTimeMillis,
    record.standingMillis(now) >= Duration.toMillis(stalledAfter)
  )
})

/** For a supervisor. */
export const keep = (stalledAfter: Duration.Duration = stalledAfterDefault) =>
  StreamRecords.use((records) => records.all).pipe(
    Effect.flatMap((all) =>
      Effect.forEach(all, (record) => look(record, stalledAfter), { concurrency: 4, discard: true })
    ),
    Effect.repeat(interval),
    Effect.andThen(Effect.never)
  )

/** For readiness: fails while a stream stands still. */
export const flowing = Effect.fnUntraced(function*(stalledAfter: Duration.Duration = stalledAfterDefault) {
  const records = yield* StreamRecords.use(({ all }) => all)
  const now = yield* Monotonic.millis
  const streams = records.flatMap((record) => {
    const forMillis = record.standingMillis(now)
    const { stream, trouble, waiting } = record
    return forMillis < Duration.toMillis(stalledAfter) ? [] : [{ stream, waiting, forMillis, problem: trouble }]
  })
  if (streams.length > 0) return yield* new StreamsStalled({ streams })
})
