/** `GET /api/event-writer`: each stream's counts, rates, latency and lag, as `WriterReport` describes them. */
import { Effect, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { WriterReport } from "../../domain/events/reporting/WriterReport.ts"
import type { Route } from "../http/Management.ts"

const encode = Schema.encodeEffect(WriterReport)

export const eventWriterRoute = <R>(report: Effect.Effect<WriterReport, never, R>): Route<R> => ({
  path: "/api/event-writer",
  summary: "What the event writer has done, stream by stream",
  answers: WriterReport,
  handle: Effect.fn("EventWriterRoute")(function*(query) {
    const [parameter] = query.keys()
    if (parameter !== undefined) {
      const errors = [{ parameter, value: query.get(parameter), expectation: "no parameters" }]
      return HttpServerResponse.jsonUnsafe({ errors }, { status: 400 })
    }
    return HttpServerResponse.jsonUnsafe(yield* Effect.orDie(Effect.flatMap(report, encode)))
  })
})
