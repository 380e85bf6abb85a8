/**
 * Takes the reporter's place in a shadow: what would have gone to core is written as lines, and core hears nothing.
 *
 * A status is settled when it is written, so that results go on with the next sequence as if core had taken them.
 */
import { Effect, Layer, Metric } from "effect"
import * as ShadowRecord from "../../../domain/poller/rollout/ShadowRecord.ts"
import { CoreReporter, type Report } from "../CoreReporter.ts"
import * as PollerMetrics from "../PollerMetrics.ts"
import { ShadowSink } from "./ShadowSink.ts"

/** Lines wait so long for others, so that the disk is asked a few times a second. */
const writeEvery = "200 millis"
/** What waits beyond it is written at once. */
const waitingCharactersMax = 2 ** 20

export const layer = Layer.effect(
  CoreReporter,
  Effect.gen(function*() {
    const sink = yield* ShadowSink
    let waiting: Array<Report> = []
    let lines = ""

    const flush = Effect.suspend(() => {
      const reports = waiting
      const text = lines
      waiting = []
      lines = ""
      return reports.length === 0 ? Effect.void : Effect.andThen(
        sink.write(text),
        Effect.forEach(reports, ({ settled }) => settled?.(true) ?? Effect.void, { discard: true })
      )
    }).pipe(Effect.uninterruptible)

    return CoreReporter.of({
      report: (report) =>
        Effect.suspend(() => {
          waiting.push(report)
          lines += ShadowRecord.encode(report.status, report.measuredAtMillis)
          return Effect.andThen(
            Metric.update(PollerMetrics.shadowStatuses, 1),
            lines.length > waitingCharactersMax ? flush : Effect.void
          )
        }).pipe(Effect.uninterruptible),
      // Each line says by itself whose it is.
      reconfigure: () => Effect.void,
      run: Effect.forever(Effect.andThen(Effect.sleep(writeEvery), flush)).pipe(Effect.ensuring(flush)),
      pending: Effect.sync(() => waiting.length),
      trouble: sink.trouble
    })
  })
)
