/** What the event writer serves: its status by gRPC, its readiness, metrics and streams by HTTP. */
import { Effect } from "effect"
import type { ListenAddress } from "../../domain/config/ListenAddress.ts"
import type { EventWriterSettings } from "../../domain/events/settings/EventWriterSettings.ts"
import { eventWriterRoute } from "../../layers/event-writer/EventWriterRoute.ts"
import * as EventWriterStatusHandlers from "../../layers/event-writer/EventWriterStatusHandlers.ts"
import * as GrpcServer from "../../layers/grpc/GrpcServer.ts"
import { type Check, Management } from "../../layers/http/Management.ts"
import * as ManagementServer from "../../layers/http/ManagementServer.ts"
import { reflectionDescriptors } from "../../layers/monitoring/ReflectionDescriptors.ts"
import { NatsConnection } from "../../layers/nats/connection/NatsConnection.ts"
import * as GrpcAuthorization from "../../layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../layers/security/GrpcCredentials.ts"
import { DatabaseHealth } from "../../services/event-writer/DatabaseHealth.ts"
import * as LagWatch from "../../services/event-writer/LagWatch.ts"
import { StreamRecords } from "../../services/event-writer/StreamRecords.ts"
import * as WriterReports from "../../services/event-writer/WriterReports.ts"
import { EventTables } from "../../services/events/EventTables.ts"
import type { StreamStatuses } from "../../services/events/StreamStatus.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"

type Services = NatsConnection | DatabaseHealth | EventTables | StreamRecords | StreamStatuses

const nats = NatsConnection.use((connection) => connection.check)

const report = WriterReports.now(nats)

const database = Effect.gen(function*() {
  const state = yield* DatabaseHealth.use((health) => health.state)
  if (!state.isUp) return yield* Effect.fail({ message: state.reason })
})

/**
 * Every stream has been subscribed to, or it is known why not. One that is written by default may have nobody who
 * publishes to it; all of them may not.
 */
const subscriptions = Effect.fnUntraced(function*({ requested, streams }: EventWriterSettings) {
  const records = yield* StreamRecords.use(({ all }) => all)
  const opened = records.filter(({ isOpening }) => !isOpening)
  if (opened.length < streams.length) {
    const opening = streams.filter(({ stream }) => opened.every((record) => record.stream !== stream))
    return yield* Effect.fail({ message: `${opening.map(({ stream }) => stream).join(", ")}: not subscribed yet` })
  }
  const troubled = records.filter(({ trouble }) => trouble !== "")
  const isFine = troubled.length < records.length && !troubled.some(({ stream }) => requested.has(stream))
  if (troubled.length === 0 || isFine) return
  return yield* Effect.fail({ message: troubled.map(({ stream, trouble }) => `${stream}: ${trouble}`).join("; ") })
})

/** What was fetched can be stored, or set aside. */
const storing = Effect.gen(function*() {
  const records = yield* StreamRecords.use(({ all }) => all)
  const unhealthy = records.filter(({ unhealthyReason }) => unhealthyReason !== "")
  if (unhealthy.length === 0) return
  return yield* Effect.fail({
    message: unhealthy.map(({ unhealthyReason, stream }) => `${stream}: ${unhealthyReason}`).join("; ")
  })
})

const checks = (settings: EventWriterSettings): ReadonlyArray<Check<Services>> => [
  { name: "event database", ready: database },
  { name: "event tables", ready: EventTables.use((tables) => tables.ready) },
  { name: "nats", ready: nats },
  { name: "event streams", ready: subscriptions(settings) },
  { name: "event storing", ready: storing },
  { name: "event lag", ready: LagWatch.flowing() }
]

/** What the writer shows over HTTP; with `whenPossible`, checks of a writer that may have nothing to work with. */
export const shown = <R = never>(
  settings: EventWriterSettings,
  whenPossible: (ready: Check<Services>["ready"]) => Check<Services | R>["ready"] = (ready) => ready
) =>
  Management.part({
    checks: checks(settings).map(({ name, ready }) => ({ name, ready: whenPossible(ready) })),
    routes: [eventWriterRoute(report)]
  })

export const http = ({ grpcSecurity: security }: EventWriterSettings, address: ListenAddress) =>
  ManagementServer.child("event-writer", { ...address, security })

const isTaken = ({ reason }: GrpcServer.BindError): boolean => reason.startsWith("EADDRINUSE")

const portsMax = 20

/** The address that was asked for; where somebody listens there, as the Go writer beside us does, one behind it. */
const listen = (
  { host, port }: ListenAddress,
  serve: (address: ListenAddress) => ReturnType<typeof serveStatus>,
  left = portsMax
): ReturnType<typeof serveStatus> =>
  Effect.catchIf(serve({ host, port }), (error) => isTaken(error) && port !== 0 && left > 0, (error) => {
    const next = port < 65_535 ? port + 1 : 0
    return Effect.logWarning(`${error.message}. Trying port ${next} instead`).pipe(
      Effect.andThen(listen({ host, port: next }, serve, left - 1))
    )
  })

interface ServerSecurity {
  readonly credentials: Effect.Success<ReturnType<typeof GrpcCredentials.server>>
  readonly interceptors: Effect.Success<ReturnType<typeof GrpcAuthorization.interceptors>>
}

const serveStatus = (address: ListenAddress, { credentials, interceptors }: ServerSecurity) =>
  GrpcServer.make({
    ...address,
    credentials,
    interceptors,
    services: [EventWriterStatusHandlers.make(report)],
    descriptors: reflectionDescriptors,
    // The names by which the Go writer is asked.
    health: { AgentService: "SERVING", "db-event-writer": "SERVING" }
  })

export const grpc = (settings: EventWriterSettings, address: ListenAddress) =>
  Supervisor.child({
    id: "GrpcServer",
    shutdown: "7 seconds",
    start: Effect.gen(function*() {
      const credentials = yield* GrpcCredentials.server(settings.grpcSecurity, address.host)
      const interceptors = yield* GrpcAuthorization.interceptors(settings.grpcSecurity, address.host, [
        EventWriterStatusHandlers.requirements
      ])
      const server = yield* listen(address, (one) => serveStatus(one, { credentials, interceptors }))
      yield* Effect.logInfo(`event-writer serves gRPC on ${server.address}`)
    }).pipe(Effect.as(Effect.never))
  })
