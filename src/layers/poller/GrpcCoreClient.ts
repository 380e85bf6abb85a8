/**
 * Reports to core over gRPC, on one channel for the life of the layer.
 *
 * A core of ours says, when asked and in the headers of each answer, that it takes reports in parts, and hears in those
 * of the request how often to expect one; the existing core says nothing and reads nothing.
 */
import { Duration, Effect, Equal, Exit, Layer, Scope, Semaphore, Stream } from "effect"
import * as ReportHeaders from "../../domain/monitoring/reports/ReportHeaders.ts"
import type { ServiceStatus } from "../../domain/monitoring/reports/ServiceStatus.ts"
import type { SecurityConfig } from "../../domain/security/SecurityConfig.ts"
import { HealthService } from "../../gen/grpc/health/v1/health.ts"
import * as Wire from "../../gen/monitoring/monitoring.ts"
import {
  CoreAway,
  CoreClient,
  CoreError,
  CoreFailed,
  type ReportHeader,
  ReportRejected,
  ReportTooLarge
} from "../../services/poller/CoreClient.ts"
import type { CallOptions } from "../grpc/GrpcCallOptions.ts"
import * as GrpcChannel from "../grpc/GrpcChannel.ts"
import * as GrpcClient from "../grpc/GrpcClient.ts"
import type { GrpcError } from "../grpc/GrpcError.ts"
import * as GrpcMetadata from "../grpc/GrpcMetadata.ts"
import * as GrpcCredentials from "../security/GrpcCredentials.ts"
import * as ConnectionLoss from "./ConnectionLoss.ts"
import * as LargeBytes from "./LargeBytes.ts"
import * as ReportWire from "./ReportWire.ts"
import * as SizeRefusal from "./SizeRefusal.ts"

export interface Options {
  readonly address: string
  readonly security: SecurityConfig
}

/** A core that stands still for half a minute gets a report once, not again for every deadline. */
const unaryDeadline = "45 seconds"
const askDeadline = "5 seconds"
const serving = 1
/** Tens of megabytes over a slow line. */
const streamDeadline = "2 minutes"
const reconnectDelayMax = "1 second"

export const layer = (options: Options) => layerFollowing(Effect.succeed(options))

/** Asks before every call which core it is now: another one, or other certificates, mean another channel. */
export const layerFollowing = (wanted: Effect.Effect<Options>) => Layer.effect(CoreClient, make(wanted))

interface Connection {
  readonly options: Options
  readonly client: GrpcClient.GrpcClient<typeof service>
  readonly health: GrpcClient.GrpcClient<typeof HealthService>
  readonly scope: Scope.Closeable
  losses: number
}

const service = {
  ...Wire.PollerServiceService,
  reportStatus: {
    ...Wire.PollerServiceService.reportStatus,
    requestSerialize: ReportWire.ofRequest,
    requestSent: ReportWire.left
  },
  streamStatus: {
    ...Wire.PollerServiceService.streamStatus,
    requestSerialize: ReportWire.ofChunk,
    // A chunk of a stream is made anew to be sent once more.
    requestSent: (chunk: object) => {
      ReportWire.left(chunk)
      ReportWire.arrived(chunk)
    }
  }
}

const open = Effect.fnUntraced(function*(options: Options) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const { address, security } = options
  const channel = yield* GrpcCredentials.client(security, address).pipe(
    Effect.flatMap((credentials) =>
      GrpcChannel.make({ target: address, credentials, reconnectDelayMax, transport: "http2" })
    ),
    Scope.provide(scope),
    Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
  )
  const connection: Connection = {
    options,
    client: GrpcClient.fromChannel(service, channel),
    health: GrpcClient.fromChannel(HealthService, channel),
    scope,
    losses: 0
  }
  ConnectionLoss.watch(channel, () => {
    connection.losses += 1
  })
  return connection
})

const make = Effect.fnUntraced(function*(wanted: Effect.Effect<Options>) {
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof open>>>()
  let current = yield* open(yield* wanted)
  /** Of connections that there are no more, each change of them included. */
  let lossesBefore = 0

  const connected = Semaphore.makeUnsafe(1).withPermit(Effect.gen(function*() {
    const options = yield* wanted
    if (Equal.equals(options, current.options)) return current
    const next = yield* Effect.mapError(
      open(options),
      ({ message }) => new CoreError({ address: options.address, reason: new CoreAway({ detail: message }) })
    )
    const before = current
    current = next
    lossesBefore += before.losses + 1
    yield* Scope.close(before.scope, Exit.void)
    return next
  })).pipe(Effect.provideContext(context), Effect.uninterruptible)

  const acknowledged = (
    header: ReportHeader,
    call: (
      client: Connection["client"],
      options: CallOptions
    ) => Effect.Effect<Wire.PollerStatusResponse, GrpcError>
  ) =>
    Effect.flatMap(connected, ({ client, options: { address } }) => {
      let takesParts = false
      return call(client, {
        metadata: {
          [ReportHeaders.interval]: `${Math.ceil(Duration.toMillis(header.interval))}`,
          ...(header.reportId === "" ? {} : { [ReportHeaders.reportId]: header.reportId })
        },
        onHeaders: (headers) => {
          takesParts = GrpcMetadata.text(headers, ReportHeaders.parts) === ReportHeaders.partsTaken
        }
      }).pipe(
        Effect.mapError((error) => toCoreError(address, error)),
        Effect.filterOrFail(
          ({ received }) => received,
          () =>
            new CoreError({ address, reason: new CoreFailed({ detail: "core answered without taking the report" }) })
        ),
        Effect.map(() => ({ takesParts }))
      )
    })
  return CoreClient.of({
    losses: Effect.sync(() => lossesBefore + current.losses),
    takesParts: Effect.flatMap(connected, ({ health, options: { address } }) =>
      Effect.mapError(
        health.check({ service: ReportHeaders.partsHealth }, { deadline: askDeadline }),
        (error) => toCoreError(address, error)
      )).pipe(
        Effect.map(({ status }) => status === serving),
        // The existing core knows no such name; whatever else a core that is there answers is no yes.
        Effect.catch((error) => error.reason._tag === "CoreAway" ? Effect.fail(error) : Effect.succeed(false))
      ),
    report: (header, statuses) =>
      acknowledged(header, (client, options) => {
        const head = { ...toHeader(header), agentId: "", kvStoreId: "" }
        return Effect.flatMap(
          ReportWire.prepare(head, statuses, toWire),
          (request) =>
            Effect.tap(
              client.reportStatus(request, { ...options, deadline: unaryDeadline }),
              () => Effect.sync(() => ReportWire.arrived(request))
            )
        )
      }),
    stream: (header, chunks) =>
      acknowledged(header, (client, options) => {
        const messages = Stream.map(
          Stream.fromIterable(chunks, { chunkSize: 1 }),
          ({ index, isBare, isFinal, status, total }) => {
            const service = toWire(status)
            return {
              ...toHeader(header),
              agentId: status.agentId,
              kvStoreId: status.kvStoreId,
              services: [isBare ? { ...service, source: "" } : service],
              isFinal,
              chunkIndex: index,
              totalChunks: total
            }
          }
        )
        return client.streamStatus(messages, { ...options, deadline: streamDeadline })
      })
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
  message: LargeBytes.asBuffer(status.message),
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
    const size = SizeRefusal.of(error)
    if (size !== undefined) return new ReportTooLarge({ detail: `${error._tag}: ${detail}`, bytesMax: size.bytesMax })
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
