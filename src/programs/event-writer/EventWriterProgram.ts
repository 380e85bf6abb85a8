/**
 * The event writer: from JetStream into PostgreSQL, alone, in core's process or in that of `up`.
 *
 *   EventWriter (one_for_one)
 *   ├─ PasswordFile      permanent; only with a file for the database's password
 *   ├─ Database          permanent: connection; absent where core keeps it
 *   ├─ SecurityManager   permanent: certificates
 *   ├─ SecurityMonitor   permanent: alerts
 *   ├─ NatsConnection    permanent
 *   ├─ EventTables       permanent: made, brought up to date, maintained; only looked at where others do it
 *   ├─ DatabaseHealth    permanent: the breaker between streams and database
 *   ├─ TraceSummaries    permanent
 *   ├─ Pipeline          one_for_one
 *   │  ├─ TELEMETRY … LOGS   permanent, one pipeline per stream
 *   │  ├─ LagWatch           permanent
 *   │  └─ Drain              permanent: lets all streams end together
 *   ├─ GrpcServer        permanent: health and status; absent without an address
 *   └─ ManagementServer  permanent; absent without an HTTP address
 *
 * Children stop in reverse order: the streams store and acknowledge what they hold while database and NATS are still
 * there. Neither has to be there at the start, and whichever goes away is waited for.
 */
import { type Duration, Effect, Layer, Option, Schedule } from "effect"
import type { ListenAddress } from "../../domain/config/ListenAddress.ts"
import type { EventWriterSettings } from "../../domain/events/settings/EventWriterSettings.ts"
import * as EventWriterLayers from "../../layers/event-writer/EventWriterLayers.ts"
import { Management } from "../../layers/http/Management.ts"
import { NatsConnection } from "../../layers/nats/connection/NatsConnection.ts"
import * as NatsCredentials from "../../layers/nats/connection/NatsCredentials.ts"
import * as PasswordFile from "../../layers/postgres/connection/PasswordFile.ts"
import { PgConnection } from "../../layers/postgres/connection/PgConnection.ts"
import { DatabaseHealth } from "../../services/event-writer/DatabaseHealth.ts"
import * as EventStreams from "../../services/event-writer/EventStreams.ts"
import { EventTables } from "../../services/events/EventTables.ts"
import { TraceSummaries } from "../../services/events/TraceSummaries.ts"
import * as SecurityManager from "../../services/security/SecurityManager.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as EventWriterServers from "./EventWriterServers.ts"

/** What the tree needs besides a connection to PostgreSQL and the address of NATS, which it may share with others. */
export const layer = EventWriterLayers.writer

/** Readiness checks and routes, for the HTTP of the program that the writer runs in. */
export const shown = EventWriterServers.shown

export interface EventWriterOptions {
  /** How often trace summaries are brought up to date. About two minutes unless told. */
  readonly summariesInterval?: Duration.Duration
}

/** A database that is away is told of by whoever keeps the connection to it. */
const connected = PgConnection.use((connection) => connection.check).pipe(
  Effect.retry(Schedule.spaced("50 millis")),
  Effect.orDie
)

const eventTables = Supervisor.child({ id: "EventTables", run: Effect.andThen(connected, EventTables.keep) })

const traceSummaries = (interval: Duration.Duration | undefined) =>
  Supervisor.child({
    id: "TraceSummaries",
    run: Effect.andThen(DatabaseHealth.use((health) => health.awaitUp), TraceSummaries.keep(interval))
  })

const parts = (settings: EventWriterSettings, options: EventWriterOptions = {}) =>
  [
    ...SecurityManager.children,
    Supervisor.child({ id: "NatsConnection", run: NatsConnection.use((connection) => connection.keep) }),
    eventTables,
    Supervisor.child({ id: "DatabaseHealth", run: DatabaseHealth.use((health) => health.keep) }),
    traceSummaries(options.summariesInterval),
    Supervisor.supervisor(EventStreams.tree(settings.streams)),
    ...Option.toArray(settings.grpc).map((address) => EventWriterServers.grpc(settings, address))
  ] as const

/** Where somebody else keeps the connection to the database and serves HTTP. */
export const tree = (settings: EventWriterSettings, options: EventWriterOptions = {}) =>
  ({ id: "EventWriter", strategy: "one_for_one", children: parts(settings, options) }) as const

const passwordFile = ({ database }: EventWriterSettings) =>
  Option.toArray(Option.all([database.passwordFile, database.url])).map(([file, url]) =>
    Supervisor.child({ id: "PasswordFile", start: PasswordFile.start(file, url) })
  )

/** Credentials that cannot be read are told at once, instead of at every attempt to connect. */
export const check = ({ nats }: EventWriterSettings) =>
  Effect.asVoid(
    Effect.scoped(NatsCredentials.load(NatsCredentials.ofSettings(nats), { isTls: false, login: Option.none() }))
  )

const standalone = (settings: EventWriterSettings, http: Option.Option<ListenAddress>) =>
  ({
    id: "EventWriter",
    strategy: "one_for_one",
    children: [
      ...passwordFile(settings),
      Supervisor.child({ id: "Database", run: PgConnection.use((connection) => connection.keep) }),
      ...parts(settings),
      ...Option.toArray(http).map((address) => EventWriterServers.http(settings, address))
    ]
  }) as const

/** Runs until it is interrupted, or until a part of it cannot be kept alive. */
export const run = (settings: EventWriterSettings, http: Option.Option<ListenAddress>) =>
  Effect.andThen(check(settings), Supervisor.run(standalone(settings, http))).pipe(
    Effect.provide(
      shown(settings).pipe(
        Layer.provideMerge(EventWriterLayers.writer(settings)),
        Layer.provideMerge(EventWriterLayers.peers(settings)),
        Layer.provideMerge(Management.layer)
      )
    )
  )
