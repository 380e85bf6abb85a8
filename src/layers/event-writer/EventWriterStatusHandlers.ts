/**
 * `AgentService` of the event writer, of which there is only `GetStatus`: the same report as by HTTP.
 *
 * Whatever service is asked for, the answer is about this writer, as the Go writer does it.
 */
import { Clock, Effect, Schema, Stream } from "effect"
import { WriterReport } from "../../domain/events/reporting/WriterReport.ts"
import { AgentServiceService, type StatusRequest } from "../../gen/monitoring/monitoring.ts"
import { Unimplemented } from "../grpc/GrpcError.ts"
import * as GrpcServer from "../grpc/GrpcServer.ts"

const encode = Schema.encodeEffect(Schema.fromJsonString(WriterReport))

const nanosPerMilli = 1_000_000n

const noResults = new Unimplemented({ detail: "the event writer has no results" })

export const make = <R>(report: Effect.Effect<WriterReport, never, R>) =>
  GrpcServer.service(AgentServiceService, {
    getStatus: Effect.fn("EventWriterStatus")(function*(request: StatusRequest) {
      const startMillis = yield* Clock.currentTimeMillis
      const now = yield* report
      const message = yield* Effect.orDie(encode(now))
      const tookMillis = Math.max(0, (yield* Clock.currentTimeMillis) - startMillis)
      return {
        available: now.status === "operational",
        message: Buffer.from(message),
        serviceName: request.serviceName === "" ? "db-event-writer" : request.serviceName,
        serviceType: request.serviceType === "" ? "db-event-writer" : request.serviceType,
        responseTime: BigInt(Math.round(tookMillis)) * nanosPerMilli,
        agentId: request.agentId,
        pollerId: request.pollerId
      }
    }),
    getResults: () => Effect.fail(noResults),
    streamResults: () => Stream.fail(noResults)
  })
