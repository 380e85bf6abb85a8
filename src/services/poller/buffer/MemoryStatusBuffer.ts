/** Statuses in memory: gone with the process. */
import { Clock, Duration, Effect, Layer, Metric, Option, Random } from "effect"
import * as ReportBatch from "../../../domain/monitoring/reports/ReportBatch.ts"
import * as ReportBuffer from "../../../domain/monitoring/reports/ReportBuffer.ts"
import * as PollerMetrics from "../PollerMetrics.ts"
import { type Batch, type Cut, giveUp, StatusBuffer, type WaitingStatus } from "./StatusBuffer.ts"

export interface Options extends Partial<ReportBuffer.Limits> {
  /** 24 h unless told. */
  readonly ageMax?: Duration.Input
}

export const memoryDefault: ReportBuffer.Limits = { entriesMax: 10_000, bytesMax: 64 * 1_048_576 }
export const ageMaxDefault = Duration.hours(24)

export const layer = (options: Options = {}) => Layer.effect(StatusBuffer, make(options))

const make = Effect.fnUntraced(function*(options: Options) {
  const buffer = ReportBuffer.make<WaitingStatus>({ ...memoryDefault, ...options })
  const ageMaxMillis = Duration.toMillis(options.ageMax ?? ageMaxDefault)
  const origin = yield* newOrigin
  let batches = 0
  let id = ""
  const noteSize = Effect.suspend(() =>
    Effect.andThen(
      Metric.update(PollerMetrics.reportBufferSize, ReportBuffer.size(buffer)),
      Metric.update(memoryBytes, buffer.waitingBytes)
    )
  )

  const offer = (one: WaitingStatus) =>
    Effect.suspend(() => giveUp(ReportBuffer.offer(buffer, entryOf(one)), "full")).pipe(
      Effect.andThen(noteSize),
      Effect.uninterruptible
    )

  const take = (cut: Cut) =>
    Effect.gen(function*() {
      const before = (yield* Clock.currentTimeMillis) - ageMaxMillis
      yield* giveUp(ReportBuffer.dropWhile(buffer, ({ measuredAtMillis }) => measuredAtMillis < before), "expired")
      if (buffer.inFlight.length === 0) id = `${origin}.${batches += 1}`
      const statuses = cutFrom(buffer, cut, (one) => one).map(({ value }) => value)
      yield* noteSize
      return statuses.length === 0 ? Option.none<Batch>() : Option.some({ id, statuses })
    }).pipe(Effect.uninterruptible)

  return StatusBuffer.of({
    offer,
    isReady: Effect.void,
    take,
    settle: Effect.andThen(Effect.sync(() => ReportBuffer.settle(buffer)), noteSize),
    size: Effect.sync(() => ReportBuffer.size(buffer)),
    folder: Effect.succeedNone,
    trouble: Effect.succeedNone,
    run: Effect.never
  })
})

export const memoryBytes = Metric.withAttributes(PollerMetrics.reportBufferBytes, { place: "memory" })

/** What the ids of batches that are in no folder begin with: no two processes share one. */
export const newOrigin = Effect.map(
  Effect.all([Random.nextIntBetween(0, 2 ** 32 - 1), Random.nextIntBetween(0, 2 ** 32 - 1)]),
  (halves) => halves.map((half) => half.toString(16).padStart(8, "0")).join("")
)

export const entryOf = (one: WaitingStatus): ReportBuffer.Entry<WaitingStatus> => ({
  value: one,
  bytes: ReportBatch.estimatedBytes(one.status),
  measuredAtMillis: one.measuredAtMillis
})

export const cutFrom = <A>(
  buffer: ReportBuffer.ReportBuffer<A>,
  cut: Cut,
  statusOf: (value: A) => WaitingStatus
): ReadonlyArray<ReportBuffer.Entry<A>> =>
  cut._tag === "Parts"
    ? ReportBuffer.take(buffer, cut.limits)
    : ReportBuffer.takeDistinct(
      buffer,
      (value) => statusOf(value).key,
      cut.limits,
      // Each of them brings something else.
      (value) => statusOf(value).status.source === "results"
    )
