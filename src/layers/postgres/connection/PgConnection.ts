/**
 * A pool of connections to PostgreSQL that outlives outages of the server.
 *
 * `keep` is the life of it, for a supervisor: it connects, tries again with backoff for as long as the server is away or
 * does not let us in (and says so in the log, once for each reason), applies the migrations it was given and then offers the client. From then on a lost server
 * shows as typed errors of single calls; the pool connects anew by itself. Only a schema that cannot be brought up to date
 * ends `keep`.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Context, Duration, Effect, Exit, Layer, Option, Redacted, Result, Schema, Scope, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Backoff from "../../../domain/backoff/Backoff.ts"
import * as RefusedConnection from "../../../services/security/RefusedConnection.ts"
import * as MigrationRunner from "../migrations/MigrationRunner.ts"
import type { Migrations, MigrationsError } from "../migrations/Migrations.ts"
import { DatabaseEndpoint } from "./DatabaseEndpoint.ts"
import type { DatabaseTls } from "./DatabaseTls.ts"
import * as Rows from "./Rows.ts"
import * as RowSecurity from "./RowSecurity.ts"
import * as SqlFailure from "./SqlFailure.ts"

/** No usable connection: not connected yet, or the schema is still being made. */
export class DatabaseUnavailable extends Schema.TaggedError<DatabaseUnavailable>()("DatabaseUnavailable", {
  detail: Schema.String
}) {
  override get message(): string {
    return `The database is not available: ${this.detail}`
  }
}

/** A migration failed for a reason that waiting does not change. */
export class DatabaseSchemaError extends Schema.TaggedError<DatabaseSchemaError>()("DatabaseSchemaError", {
  detail: Schema.String
}) {
  override get message(): string {
    return `The database schema could not be brought up to date: ${this.detail}`
  }
}

export interface PgConnectionOptions {
  /** Default 8. */
  readonly maxConnections?: number | undefined
  /** Kept open while there is nothing to do. Default 0. */
  readonly minConnections?: number | undefined
  /** A connection of this age is replaced. Default: none is for its age. */
  readonly connectionLife?: Duration.Duration | undefined
  /** Default `serviceradar`. */
  readonly applicationName?: string | undefined
  /** Settings of the sessions, by lower-case name; they weigh more than ours. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
  /** In place of the `sslmode` of the address. */
  readonly tls?: DatabaseTls | undefined
  /** Applied before the client is offered. Default none. */
  readonly migrations?: ReadonlyArray<Migrations> | undefined
  /** For whom `application` connects; as many connections again. */
  readonly application?: ApplicationRole | undefined
}

/** A role that may do less than whoever connects, and the schema of what it works on. */
export interface ApplicationRole {
  readonly role: string
  readonly schema: string
}

export class PgConnection extends Context.Service<PgConnection, {
  /** The client, once the schema is up to date. */
  readonly client: Effect.Effect<PgClient.PgClient, DatabaseUnavailable>
  /** In the role of `PgConnectionOptions.application`, where it is there and we may take it. */
  readonly application: Effect.Effect<PgClient.PgClient, DatabaseUnavailable>
  /** Succeeds when the server answers a query within 2 s. */
  readonly check: Effect.Effect<void, DatabaseUnavailable>
  readonly keep: Effect.Effect<never, DatabaseSchemaError>
}>()("serviceradar/layers/postgres/PgConnection") {
  static readonly layer = (options: PgConnectionOptions = {}) =>
    Layer.effect(PgConnection, make(options)).pipe(Layer.provide(Reactivity.layer))
}

/** `host:port/database`, for the log: never the password. */
const describe = (url: Redacted.Redacted): string => {
  const parsed = URL.parse(Redacted.value(url))
  return parsed === null ? "an address that is no URL" : `${parsed.host}${parsed.pathname}`
}

/** Longer than any statement takes. */
const retirement = Duration.minutes(1)

/** Of a pool whose server is there: closing it waits for what works on it. */
const renewedRetirement = Duration.seconds(5)

const notYet = "not connected yet"

const backoff = Backoff.capped({ from: "200 millis", to: "2 seconds" })

/** Each context's, in their order. */
const migrate = (client: PgClient.PgClient, all: ReadonlyArray<Migrations>) =>
  Effect.forEach(all, MigrationRunner.migrate, { discard: true }).pipe(
    Effect.provideService(SqlClient.SqlClient, client)
  )

/** A migration that another program runs right now is waited for, as is a server that is away. */
const isPassing = (error: SqlError | MigrationsError): boolean =>
  error._tag === "SqlError"
    ? SqlFailure.isOutage(error) || SqlFailure.isRefusal(error)
    : error._tag === "MigrationFailed" && SqlFailure.isOutageCause(error.cause)

const isOfSecurity = (error: SqlError | MigrationsError): boolean =>
  error._tag === "SqlError" && SqlFailure.isOfSecurity(error)

/** The sessions of one pool, and of the role that may do less. */
interface Clients {
  readonly client: PgClient.PgClient
  readonly application: PgClient.PgClient
}

const Role = Schema.Struct({ role: Schema.String })

/** What the sessions of the application begin with. A role that is not there, or not for us, is done without. */
const sessionOf = (client: PgClient.PgClient, { role, schema }: ApplicationRole) =>
  Effect.map(
    Rows.query(
      Role,
      client`select rolname::text as role from pg_roles where rolname = ${role} and ${
        client.literal(RowSecurity.mayTake)
      }`
    ),
    ([found]) => ({ search_path: schema, ...(found === undefined ? {} : { role: found.role }) })
  )

const make = Effect.fnUntraced(function*(options: PgConnectionOptions) {
  const endpoint = yield* DatabaseEndpoint
  const reactivity = yield* Reactivity.Reactivity
  const life = yield* Effect.scope
  const refusals = yield* RefusedConnection.recorder
  let pool: Scope.Closeable | undefined
  let ready: Option.Option<Clients> = Option.none()
  /** Why there is no client, in the server's words once it has said any. */
  let trouble = notYet

  const open = (url: Redacted.Redacted, session: Readonly<Record<string, string>> = {}) =>
    PgClient.make({
      url,
      applicationName: options.applicationName ?? "serviceradar",
      maxConnections: options.maxConnections ?? 8,
      minConnections: options.minConnections,
      connectionTTL: options.connectionLife,
      ssl: options.tls?.options,
      connectTimeout: "3 seconds",
      startupParameters: {
        statement_timeout: "30s",
        // Whoever waits for a lock longer than this had better tell than be cut off.
        lock_timeout: "5s",
        idle_in_transaction_session_timeout: "60s",
        ...options.parameters,
        ...session
      }
    }).pipe(Effect.provideService(Reactivity.Reactivity, reactivity))

  const withApplication = (url: Redacted.Redacted, client: PgClient.PgClient) =>
    options.application === undefined ? Effect.succeed({ client, application: client }) : Effect.map(
      Effect.flatMap(sessionOf(client, options.application), (session) => open(url, session)),
      (application) => ({ client, application })
    )

  const prepare = Effect.fnUntraced(function*(client: PgClient.PgClient, where: string) {
    const { migrations = [] } = options
    const connect = migrations.length === 0 ? Effect.asVoid(client`select 1`) : migrate(client, migrations)
    yield* connect.pipe(
      Effect.tapError((error) => {
        const detail = SqlFailure.detail(error)
        const isNews = trouble !== detail
        trouble = detail
        if (!isPassing(error) || !isNews) return Effect.void
        return Effect.andThen(
          Effect.logWarning(`PostgreSQL at ${where} is not available (${detail}): trying on`),
          isOfSecurity(error) ? refusals({ peer: where, reason: detail }) : Effect.void
        )
      }),
      Effect.retry({ schedule: backoff, while: isPassing }),
      Effect.mapError((error) => new DatabaseSchemaError({ detail: SqlFailure.detail(error) }))
    )
    trouble = notYet
    yield* Effect.logInfo(`Connected to PostgreSQL at ${where}`)
  })

  /** Closing a pool waits for what works on it and interrupts what waits for it, so it is done later and on the side. */
  const retire = (old: Scope.Closeable | undefined, after: Duration.Duration) =>
    old === undefined
      ? Effect.void
      : Effect.forkIn(Effect.andThen(Effect.sleep(after), Scope.close(old, Exit.void)), life)

  const use = Effect.fnUntraced(function*(url: Redacted.Redacted) {
    ready = Option.none()
    yield* retire(pool, retirement)
    const scope = yield* Scope.fork(life)
    pool = scope
    const client = yield* open(url).pipe(
      Scope.provide(scope),
      Effect.mapError((error) => new DatabaseSchemaError({ detail: SqlFailure.detail(error) }))
    )
    yield* prepare(client, describe(url))
    ready = Option.some(
      yield* withApplication(url, client).pipe(
        Scope.provide(scope),
        Effect.retry({ schedule: backoff, while: isPassing }),
        Effect.mapError((error) => new DatabaseSchemaError({ detail: SqlFailure.detail(error) }))
      )
    )
    return yield* Stream.runForEach(options.tls?.renewals ?? Stream.never, () => renew(url))
  })

  /** Connections with the certificate of now take the place of the others, once there is one. */
  const renew = Effect.fnUntraced(function*(url: Redacted.Redacted) {
    const scope = yield* Scope.fork(life)
    const connected = open(url).pipe(
      Effect.tap((client) => client`select 1`),
      Effect.flatMap((client) => withApplication(url, client)),
      Scope.provide(scope)
    )
    const attempt = yield* Effect.result(connected)
    if (Result.isFailure(attempt)) {
      yield* Effect.logError(
        `PostgreSQL at ${describe(url)} does not take the renewed certificate (${
          SqlFailure.detail(attempt.failure)
        }): ` +
          "the connections with the one before it stay"
      )
      return yield* Scope.close(scope, Exit.void)
    }
    const old = pool
    pool = scope
    ready = Option.some(attempt.success)
    yield* retire(old, renewedRetirement)
    yield* Effect.logInfo(`Connected to PostgreSQL at ${describe(url)} with the renewed certificate`)
  })

  const clients = Effect.suspend(() => Effect.fromOption(ready)).pipe(
    Effect.mapError(() => new DatabaseUnavailable({ detail: trouble }))
  )
  const client = Effect.map(clients, (all) => all.client)

  return PgConnection.of({
    client,
    application: Effect.map(clients, (all) => all.application),
    check: client.pipe(
      Effect.flatMap((sql) =>
        sql`select 1`.pipe(
          Effect.timeout(Duration.seconds(2)),
          Effect.mapError((error) => new DatabaseUnavailable({ detail: SqlFailure.detail(error) }))
        )
      ),
      Effect.asVoid
    ),
    keep: endpoint.urls.pipe(
      Stream.switchMap((url) => Stream.fromEffect(use(url))),
      Stream.runDrain,
      Effect.andThen(Effect.never)
    )
  })
})
