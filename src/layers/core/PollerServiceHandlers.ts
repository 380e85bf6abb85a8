/**
 * `monitoring.PollerService` on core: reports in, `received` out.
 *
 * `received` is said only after the commit. What a poller should keep and send again (no database, too much at once)
 * is answered with a code that existing pollers retry; a report that can never be taken, with one that they drop. Every
 * answer begins by saying that reports may come in parts, also one that ends in an error.
 */
import { type Duration, Effect, Stream } from "effect"
import * as ChunkReassembly from "../../domain/monitoring/reports/ChunkReassembly.ts"
import type { ReceivedChunk, ReceivedReport, ReceivedStatus } from "../../domain/monitoring/reports/ReceivedReport.ts"
import * as ReportHeaders from "../../domain/monitoring/reports/ReportHeaders.ts"
import {
  PollerServiceService,
  type PollerStatusChunk,
  type PollerStatusRequest,
  type ServiceStatus
} from "../../gen/monitoring/monitoring.ts"
import { ReportIngest, type ReportIngestError } from "../../services/core/ReportIngest.ts"
import {
  DeadlineExceeded,
  type GrpcError,
  Internal,
  InvalidArgument,
  ResourceExhausted,
  Unavailable
} from "../grpc/GrpcError.ts"
import * as GrpcMetadata from "../grpc/GrpcMetadata.ts"
import * as GrpcServer from "../grpc/GrpcServer.ts"
import type { ServerCall } from "../grpc/index.ts"

const fromStatus = (status: ServiceStatus): ReceivedStatus => ({
  serviceName: status.serviceName,
  serviceType: status.serviceType,
  available: status.available,
  message: status.message,
  responseTimeNanos: status.responseTime,
  agentId: status.agentId,
  partition: status.partition,
  source: status.source,
  kvStoreId: status.kvStoreId
})

const fromRequest = (request: Omit<PollerStatusRequest, "kvStoreId">): ReceivedReport => ({
  pollerId: request.pollerId,
  agentId: request.agentId,
  partition: request.partition,
  sourceIp: request.sourceIp,
  timestampSeconds: request.timestamp,
  services: request.services.map(fromStatus)
})

const fromChunk = (chunk: PollerStatusChunk): ReceivedChunk => ({ ...fromRequest(chunk), isFinal: chunk.isFinal })

const toStatus = (error: ReportIngestError): GrpcError => {
  const detail = error.message
  switch (error.reason._tag) {
    case "InvalidPollerId":
      return new InvalidArgument({ detail })
    case "Overloaded":
      return new ResourceExhausted({ detail })
    case "StoreUnavailable":
      return new Unavailable({ detail })
    case "StoreRefused":
      return new Internal({ detail })
  }
}

const ingest = (report: ReceivedReport) =>
  Effect.flatMap(ReportIngest, (reports) => reports.ingest(report)).pipe(
    Effect.mapError(toStatus),
    Effect.as({ received: true })
  )

const tooSlow = new DeadlineExceeded({ detail: "the next part of the report did not come in time" })

/** What has arrived is kept in memory, so a poller that stops in the middle is not waited for. */
const reassemble = (chunks: Stream.Stream<PollerStatusChunk>, chunkWait: Duration.Input) =>
  chunks.pipe(
    Stream.timeoutOrElse({ duration: chunkWait, orElse: () => Stream.fail(tooSlow) }),
    Stream.runFoldEffect(() => ChunkReassembly.make(), (state, chunk) =>
      Effect.fromResult(ChunkReassembly.add(state, fromChunk(chunk))).pipe(
        // A poller that cannot send it smaller must drop it rather than try for ever.
        Effect.mapError((error): GrpcError =>
          new InvalidArgument({ detail: error.message })
        )
      )),
    Effect.map(ChunkReassembly.finish)
  )

const chunkWaitDefault = "30 seconds"

/** What goes beside the messages: what core takes, and when the poller will report again. */
const exchangeHeaders = (call: ServerCall) =>
  Effect.as(
    call.sendHeaders({ [ReportHeaders.parts]: ReportHeaders.partsTaken }),
    ReportHeaders.parseIntervalMillis(GrpcMetadata.text(call.metadata, ReportHeaders.interval))
  )

const withInterval = (report: ReceivedReport, intervalMillis: number | undefined): ReceivedReport =>
  intervalMillis === undefined ? report : { ...report, intervalMillis }

export const make = (chunkWait: Duration.Input = chunkWaitDefault) =>
  GrpcServer.service(PollerServiceService, {
    reportStatus: (request: PollerStatusRequest, call: ServerCall) =>
      Effect.flatMap(exchangeHeaders(call), (interval) => ingest(withInterval(fromRequest(request), interval))),
    streamStatus: (chunks: Stream.Stream<PollerStatusChunk>, call: ServerCall) =>
      Effect.flatMap(
        exchangeHeaders(call),
        (interval) => Effect.flatMap(reassemble(chunks, chunkWait), (report) => ingest(withInterval(report, interval)))
      )
  })
