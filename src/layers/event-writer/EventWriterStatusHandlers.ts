/**
 * `AgentService` of the event writer, with the names that the Go writer answers with: the status is the same report as by
 * HTTP, and results are told not to be there by an answer, as whoever polls takes a failure for an outage.
 *
 * Whatever service is asked for, the answer is about this writer.
 */
import { Clock, Effect, Schema, Stream } from "effect"
import { WriterReport } from "../../domain/events/reporting/WriterReport.ts"
import { AgentServiceService, type ResultsRequest } from "../../gen/monitoring/monitoring.ts"
import * as Monotonic from "../../services/clock/Monotonic.ts"
import { Unimplemented } from "../grpc/GrpcError.ts"
import * as GrpcServer from "../grpc/GrpcServer.ts"
import * as GrpcAuthorization from "../security/GrpcAuthorization.ts"

const encode = Schema.encodeEffect(Schema.fromJsonString(WriterReport))

const nanosPerMilli = 1_000_000n

const agentId = "db-event-writer-monitor"

const noResults = Buffer.from(JSON.stringify({ error: "GetResults not supported by db-event-writer service" }))

const noStream = new Unimplemented({ detail: "the event writer has no results" })

export const make = <R>(report: Effect.Effect<WriterReport, never, R>) =>
  GrpcServer.service(AgentServiceService, {
    getStatus: Effect.fn("EventWriterStatus")(function*() {
      const startMillis = yield* Monotonic.millis
      const now = yield* report
      const message = yield* Effect.orDie(encode(now))
      const tookMillis = Math.max(0, (yield* Monotonic.millis) - startMillis)
      return {
        available: now.status === "operational",
        message: Buffer.from(message),
        serviceName: "db-event-writer",
        serviceType: "service-instance",
        responseTime: BigInt(Math.round(tookMillis)) * nanosPerMilli,
        agentId,
        pollerId: ""
      }
    }),
    getResults: Effect.fn("EventWriterResults")(function*(request: ResultsRequest) {
      const now = yield* Clock.currentTimeMillis
      return {
        available: false,
        data: noResults,
        serviceName: request.serviceName,
        serviceType: request.serviceType,
        responseTime: 0n,
        agentId,
        pollerId: request.pollerId,
        timestamp: BigInt(Math.floor(now / 1000)),
        currentSequence: "",
        hasNewData: false,
        sweepCompletion: undefined
      }
    }),
    streamResults: () => Stream.fail(noStream)
  })

/** What a caller needs. */
export const requirements = GrpcAuthorization.requirements(AgentServiceService, {
  getStatus: "read",
  getResults: "read",
  streamResults: "read"
})
