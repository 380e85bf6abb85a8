/**
 * Reports to core over gRPC, on one channel for the life of the layer.
 */
import { Effect, Layer, Stream } from "effect"
import type { ServiceStatus } from "../../domain/monitoring/reports/ServiceStatus.ts"
import type { SecurityConfig } from "../../domain/security/SecurityConfig.ts"
import * as Wire from "../../gen/monitoring/monitoring.ts"
import {
  CoreAway,
  CoreClient,
  CoreError,
  CoreFailed,
  type ReportHeader,
  ReportRejected
} from "../../services/poller/CoreClient.ts"
import * as GrpcClient from "../grpc/GrpcClient.ts"
import type { GrpcError } from "../grpc/GrpcError.ts"
import * as GrpcCredentials from "../security/GrpcCredentials.ts"

export interface Options {
  readonly address: string
  readonly security: SecurityConfig
}

const unaryDeadline = "15 seconds"
/** Tens of megabytes over a slow line. */
const streamDeadline = "2 minutes"
const reconnectDelayMax = "1 second"

export const layer = (options: Options) => Layer.effect(CoreClient, make(options))

const make = Effect.fnUntraced(function*({ address, security }: Options) {
  const credentials = yield* GrpcCredentials.client(security)
  const client = yield* GrpcClient.make(Wire.PollerServiceService, { target: address, credentials, reconnectDelayMax })
  const acknowledged = (reply: Effect.Effect<Wire.PollerStatusResponse, GrpcError>) =>
    Effect.mapError(reply, (error) => toCoreError(address, error)).pipe(
      Effect.filterOrFail(
        ({ received }) => received,
        () => new CoreError({ address, reason: new CoreFailed({ detail: "core answered without taking the report" }) })
      ),
      Effect.asVoid
    )
  return CoreClient.of({
    report: (header, statuses) =>
      acknowledged(client.reportStatus({
        ...toHeader(header),
        agentId: "",
        kvStoreId: "",
        services: statuses.map(toWire)
      }, { deadline: unaryDeadline })),
    stream: (header, chunks) => {
      const messages = Stream.map(
        Stream.fromIterable(chunks, { chunkSize: 1 }),
        ({ index, isFinal, status, total }) => ({
          ...toHeader(header),
          agentId: status.agentId,
          kvStoreId: status.kvStoreId,
          services: [toWire(status)],
          isFinal,
          chunkIndex: index,
          totalChunks: total
        })
      )
      return acknowledged(client.streamStatus(messages, { deadline: streamDeadline }))
    }
  })
})

const toHeader = ({ partition, pollerId, sourceIp, timestampSeconds }: ReportHeader) => ({
  pollerId,
  partition,
  sourceIp,
  timestamp: timestampSeconds
})

const toWire = (status: ServiceStatus): Wire.ServiceStatus => ({
  serviceName: status.serviceName,
  serviceType: status.serviceType,
  available: status.available,
  // The bytes themselves, not a copy.
  message: Buffer.from(status.message.buffer, status.message.byteOffset, status.message.byteLength),
  responseTime: status.responseTimeNanos,
  agentId: status.agentId,
  pollerId: status.pollerId,
  partition: status.partition,
  source: status.source,
  kvStoreId: status.kvStoreId
})

const toCoreError = (address: string, error: GrpcError): CoreError => {
  const { detail } = error
  const reason = () => {
    switch (error._tag) {
      case "Unavailable":
      case "DeadlineExceeded":
      case "ResourceExhausted":
      case "Cancelled":
      case "Unauthenticated":
      case "PermissionDenied":
        return new CoreAway({ detail: `${error._tag}: ${detail}` })
      case "InvalidArgument":
      case "OutOfRange":
        return new ReportRejected({ detail: `${error._tag}: ${detail}` })
      // Also Unimplemented: a proxy in front of core answers so while core is away.
      default:
        return new CoreFailed({ detail: `${error._tag}: ${detail}` })
    }
  }
  return new CoreError({ address, reason: reason() })
}
