/**
 * `monitoring.PollerService` on core: reports in, `received` out.
 *
 * `received` is said only after the commit. What a poller should keep and send again (no database, too much at once)
 * is answered with a code that existing pollers retry; a report that can never be taken, with one that they drop. Every
 * answer begins by saying that reports may come in parts, also one that ends in an error.
 *
 * Messages arrive as bytes and are read here, see ReportDecoding: gRPC would make objects of all of it at once, before
 * anybody could say that they are too many.
 */
import { type Duration, Effect, Option, type Scope, Stream } from "effect"
import * as ChunkReassembly from "../../domain/monitoring/reports/ChunkReassembly.ts"
import type { ReceivedChunk, ReceivedReport, ReceivedStatus } from "../../domain/monitoring/reports/ReceivedReport.ts"
import * as ReportHeaders from "../../domain/monitoring/reports/ReportHeaders.ts"
import * as CertificateIdentity from "../../domain/security/CertificateIdentity.ts"
import {
  PollerServiceService,
  PollerStatusChunk,
  PollerStatusRequest,
  type ServiceStatus
} from "../../gen/monitoring/monitoring.ts"
import { ReportIngest, type ReportIngestError } from "../../services/core/ReportIngest.ts"
import type { ByteLimits } from "../grpc/ByteBudget.ts"
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
import * as GrpcAuthorization from "../security/GrpcAuthorization.ts"
import * as PeerCertificate from "../security/PeerCertificate.ts"
import * as ReportDecoding from "./ReportDecoding.ts"
import * as ReportMemory from "./ReportMemory.ts"

/** One for all: the empty buffers of very many empty statuses are most of their memory. */
const nothing = new Uint8Array()

const fromStatus = (status: ServiceStatus): ReceivedStatus => ({
  serviceName: status.serviceName,
  serviceType: status.serviceType,
  available: status.available,
  message: status.message.length === 0 ? nothing : status.message,
  responseTimeNanos: status.responseTime,
  agentId: status.agentId,
  partition: status.partition,
  source: status.source,
  kvStoreId: status.kvStoreId
})

type Head = Omit<PollerStatusRequest, "kvStoreId" | "services">

const reportOf = (head: Head, services: ReadonlyArray<ReceivedStatus>): ReceivedReport => ({
  pollerId: head.pollerId,
  agentId: head.agentId,
  partition: head.partition,
  sourceIp: head.sourceIp,
  timestampSeconds: head.timestamp,
  services
})

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

const { statusesMax } = ChunkReassembly.defaultLimits

/** Reads a message; what can never be a report is for a poller to drop, rather than try for ever. */
interface Reading {
  readonly read: <H>(bytes: Uint8Array, decodeHead: (head: Uint8Array) => H) => Effect.Effect<
    { readonly head: H; readonly services: ReadonlyArray<ReceivedStatus> },
    GrpcError,
    Scope.Scope
  >
}

const readingFor = (
  decode: ReturnType<typeof ReportDecoding.make>,
  memory: ReportMemory.ReportMemory,
  peer: string
): Reading => ({
  read: (bytes, decodeHead) =>
    Effect.gen(function*() {
      yield* memory.hold(peer, bytes.length)
      const { head, services } = yield* decode(bytes, { decodeHead, convert: fromStatus, statusesMax }).pipe(
        Effect.mapError(({ message }): GrpcError => new InvalidArgument({ detail: message }))
      )
      yield* memory.hold(peer, services.length * ReportMemory.statusBytes)
      return { head, services }
    })
})

/** What has arrived is kept in memory, so a poller that stops in the middle is not waited for. */
const reassemble = (chunks: Stream.Stream<Uint8Array>, chunkWait: Duration.Input, { read }: Reading) =>
  chunks.pipe(
    Stream.timeoutOrElse({ duration: chunkWait, orElse: () => Stream.fail(tooSlow) }),
    Stream.runFoldEffect(() => ChunkReassembly.make(), (state, bytes) =>
      Effect.gen(function*() {
        if (state.isComplete) return state
        const { head, services } = yield* read(bytes, (some) => PollerStatusChunk.decode(some))
        const chunk: ReceivedChunk = { ...reportOf(head, services), isFinal: head.isFinal }
        return yield* Effect.fromResult(ChunkReassembly.add(state, chunk)).pipe(
          Effect.mapError(({ message }): GrpcError => new InvalidArgument({ detail: message }))
        )
      })),
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

/** With whose certificate it came, if with any. */
const ofPeer = (report: ReceivedReport, { peerCertificate }: ServerCall): ReceivedReport =>
  Option.match(peerCertificate, {
    onNone: () => report,
    onSome: (certificate) => ({
      ...report,
      peer: CertificateIdentity.nameOf(PeerCertificate.identityOf(certificate))
    })
  })

const asBytes = (bytes: Buffer): Uint8Array => bytes

const service = {
  reportStatus: { ...PollerServiceService.reportStatus, requestDeserialize: asBytes },
  streamStatus: { ...PollerServiceService.streamStatus, requestDeserialize: asBytes }
}

export interface HandlerOptions {
  /** How long the next part of a report may take. Default 30 s. */
  readonly chunkWait?: Duration.Input
  readonly memory?: ByteLimits
}

export const make = ({ chunkWait = chunkWaitDefault, memory: limits }: HandlerOptions = {}) => {
  const memory = ReportMemory.make(limits)
  const decode = ReportDecoding.make()
  return GrpcServer.service(service, {
    reportStatus: (bytes: Uint8Array, call: ServerCall) =>
      Effect.gen(function*() {
        const interval = yield* exchangeHeaders(call)
        const { read } = readingFor(decode, memory, call.peer)
        const { head, services } = yield* read(bytes, (some) => PollerStatusRequest.decode(some))
        return yield* ingest(ofPeer(withInterval(reportOf(head, services), interval), call))
      }),
    streamStatus: (chunks: Stream.Stream<Uint8Array>, call: ServerCall) =>
      Effect.gen(function*() {
        const interval = yield* exchangeHeaders(call)
        const report = yield* reassemble(chunks, chunkWait, readingFor(decode, memory, call.peer))
        return yield* ingest(ofPeer(withInterval(report, interval), call))
      })
  })
}

/** What a caller needs. */
export const requirements = GrpcAuthorization.requirements(PollerServiceService, {
  reportStatus: "write",
  streamStatus: "write"
})
