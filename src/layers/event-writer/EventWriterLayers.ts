/** What the event writer is made of, from its settings. */
import { Duration, Effect, Layer, Option } from "effect"
import type { TableName } from "../../domain/events/rows/Tables.ts"
import type { DatabaseSettings, EventWriterSettings } from "../../domain/events/settings/EventWriterSettings.ts"
import * as NatsSettings from "../../domain/events/settings/NatsSettings.ts"
import type { TableForm } from "../../domain/events/storing/TableForm.ts"
import { streams } from "../../domain/events/stream/Streams.ts"
import { DatabaseHealth } from "../../services/event-writer/DatabaseHealth.ts"
import { StoreTurns, turnsDefault } from "../../services/event-writer/StoreTurns.ts"
import { StreamRecords } from "../../services/event-writer/StreamRecords.ts"
import { EventDecoder } from "../../services/events/EventDecoder.ts"
import { EventTables } from "../../services/events/EventTables.ts"
import { TableHome } from "../../services/events/TableHome.ts"
import * as JetStreamDeadLetters from "../events/dead-letters/JetStreamDeadLetters.ts"
import * as Decoding from "../events/decode/EventDecoder.ts"
import * as JetStreamEventSource from "../events/jetstream/JetStreamEventSource.ts"
import * as PgEventStore from "../events/store/PgEventStore.ts"
import * as PgEventTables from "../events/store/PgEventTables.ts"
import * as PgTableHome from "../events/store/PgTableHome.ts"
import * as PgTraceSummaries from "../events/store/PgTraceSummaries.ts"
import { NatsConnection } from "../nats/connection/NatsConnection.ts"
import * as NatsCredentials from "../nats/connection/NatsCredentials.ts"
import { NatsEndpoint } from "../nats/connection/NatsEndpoint.ts"
import { DatabaseEndpoint } from "../postgres/connection/DatabaseEndpoint.ts"
import * as DatabaseTls from "../postgres/connection/DatabaseTls.ts"
import { PgConnection } from "../postgres/connection/PgConnection.ts"
import * as PgWritable from "../postgres/connection/PgWritable.ts"
import * as SecurityLayer from "../security/SecurityLayer.ts"

/**
 * The database is there when it answers, can be written and has our tables. Tables that do not fit are no outage: the streams of the
 * others go on.
 */
const probe = Effect.gen(function*() {
  yield* PgWritable.check
  yield* EventTables.use((tables) => tables.ready).pipe(
    Effect.catchIf((error) => error.reason._tag === "TablesUnfit", () => Effect.void)
  )
})

const tablesOf = (settings: EventWriterSettings) => (form: TableForm): ReadonlyArray<TableName> =>
  settings.streams.map(({ stream }) => {
    const [table] = streams[stream].tables[form]
    return stream === "NETFLOW" ? Option.getOrElse(settings.flowTable, () => table) : table
  })

/** Needs a connection to PostgreSQL and the address of NATS. */
export const writer = (settings: EventWriterSettings) =>
  DatabaseHealth.layer(probe).pipe(
    Layer.provideMerge(StreamRecords.layerStatuses),
    Layer.provideMerge(Layer.merge(
      StreamRecords.layer,
      StoreTurns.layer(Math.min(turnsDefault, settings.database.pool.maxConnections))
    )),
    Layer.provideMerge(stored(settings)),
    Layer.provideMerge(PgTableHome.layer({
      schema: Option.getOrUndefined(settings.schema),
      tables: settings.tables
    }))
  )

/** What follows from where the tables are. */
const stored = (settings: EventWriterSettings) =>
  Layer.unwrap(Effect.map(TableHome, (home) =>
    Layer.mergeAll(
      Layer.succeed(EventDecoder, {
        decode: Decoding.make({
          tenantDefault: Option.getOrUndefined(settings.tenantDefault),
          flowTable: Option.getOrUndefined(settings.flowTable),
          supersededSubjects: settings.superseded,
          form: () => home.decided()?.form
        })
      }),
      PgEventStore.layer({
        place: home.choice,
        ...Option.match(settings.database.pool.statementLimit, {
          onNone: () => ({}),
          onSome: (statementLimit) => ({ statementLimit })
        })
      }),
      PgEventTables.layer({
        place: home.choice,
        retention: settings.retention,
        mayChange: settings.hasMigrations,
        tables: tablesOf(settings)
      }),
      PgTraceSummaries.layer({ place: home.choice, retention: settings.retention.otel_traces }),
      jetStream(settings, home)
    )))

/** What the streams keep that we make ourselves: enough for a long weekend without a writer. */
const madeStreams = { bytesMax: 2 ** 30, ageMax: Duration.days(4) }

/** Behind which other durables new ones begin: one that was named, or the Go writer's whose tables are gone on with. */
const predecessors = (settings: EventWriterSettings, home: TableHome["Service"]) =>
  Effect.map(home.choice, ({ isForeign }) => [
    ...Option.toArray(settings.startAfter),
    ...(isForeign ? [settings.consumer] : [])
  ])

const jetStream = (settings: EventWriterSettings, home: TableHome["Service"]) =>
  Layer.mergeAll(
    JetStreamEventSource.layer({
      consumer: settings.consumer,
      streams: settings.streams.map(({ stream }) => stream),
      jetStream: Option.getOrUndefined(settings.jetStream),
      createStreams: settings.createStreams,
      streamLimits: madeStreams,
      deadLetters: { stream: settings.deadLetterStream },
      tenants: settings.tenantPrefixes,
      ackWait: settings.ackWait,
      listed: settings.subjects,
      createListed: settings.createsListed,
      startAfter: predecessors(settings, home)
    }),
    JetStreamDeadLetters.layer({ stream: settings.deadLetterStream })
  ).pipe(Layer.provideMerge(NatsConnection.layer({
    name: "serviceradar-event-writer",
    domain: Option.getOrUndefined(settings.domain),
    credentials: NatsCredentials.ofSettings(settings.nats)
  }))).pipe(Layer.provideMerge(SecurityLayer.layer))

/** The server's own limit is for what ours does not reach. */
const statementTimeout = (limit: Duration.Duration): string => `${Math.ceil(Duration.toMillis(limit) * 2)}ms`

/** Reached before a statement's limit, so that a table that somebody holds is not taken for rows that take too long. */
const lockTimeout = (limit: Option.Option<Duration.Duration>): string =>
  `${Math.ceil(Math.min(5_000, Option.match(limit, { onNone: () => 10_000, onSome: Duration.toMillis }) / 2))}ms`

const pool = ({ pool, sslMode, tls }: DatabaseSettings) =>
  Layer.unwrap(Effect.map(DatabaseTls.load({ sslMode, tls }), (tls) =>
    PgConnection.layer({
      applicationName: pool.applicationName,
      maxConnections: pool.maxConnections,
      minConnections: pool.minConnections,
      connectionLife: Option.getOrUndefined(pool.connectionLife),
      parameters: {
        lock_timeout: lockTimeout(pool.statementLimit),
        ...Option.match(pool.statementLimit, {
          onNone: () => ({}),
          onSome: (limit) => ({ statement_timeout: statementTimeout(limit) })
        }),
        ...pool.parameters
      },
      tls
    })))

/** A connection to PostgreSQL and the address of NATS of our own. */
export const peers = ({ database, nats }: EventWriterSettings) =>
  Layer.merge(
    pool(database).pipe(
      Layer.provideMerge(
        DatabaseEndpoint.layer(Option.isSome(database.passwordFile) ? Option.none() : database.url)
      )
    ),
    NatsEndpoint.layer(Option.some(Option.getOrElse(nats.url, () => NatsSettings.urlDefault)))
  ).pipe(Layer.provideMerge(SecurityLayer.layer))
