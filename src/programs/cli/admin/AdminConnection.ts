/**
 * The database that a command of an administrator works on: `--database` or DATABASE_URL, else the one that core's file
 * names, else the PostgreSQL that core or `up` of this directory runs. A command asks once: a server that cannot be reached
 * is an error at once.
 */
import { Config, Effect, Layer, Option, Redacted, Schema } from "effect"
import * as Flag from "effect/cli/Flag"
import * as Backoff from "../../../domain/backoff/Backoff.ts"
import { DatabaseUrl } from "../../../domain/config/DatabaseUrl.ts"
import * as CoreConfig from "../../../domain/core/CoreConfig.ts"
import { application } from "../../../domain/records/Schema.ts"
import * as HostPort from "../../../domain/sockets/HostPort.ts"
import * as ConfigFile from "../../../layers/files/ConfigFile.ts"
import { DatabaseEndpoint } from "../../../layers/postgres/connection/DatabaseEndpoint.ts"
import * as DatabaseTls from "../../../layers/postgres/connection/DatabaseTls.ts"
import { PgConnection } from "../../../layers/postgres/connection/PgConnection.ts"
import * as UrlCertificates from "../../../layers/postgres/connection/UrlCertificates.ts"
import type { Migrations } from "../../../layers/postgres/migrations/Migrations.ts"
import * as DataDirectory from "../../../layers/postgres/server/DataDirectory.ts"
import * as EmbeddedPostgres from "../../../layers/postgres/server/EmbeddedPostgres.ts"
import * as SafeDirectory from "../../../layers/process/SafeDirectory.ts"
import * as PgRecords from "../../../layers/records/PgRecords.ts"
import * as SecurityLayer from "../../../layers/security/SecurityLayer.ts"
import { migrations } from "../../core/ControlPlane.ts"

const isDatabaseUrl = Schema.is(DatabaseUrl)

export class NoDatabase extends Schema.TaggedError<NoDatabase>()("NoDatabase", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

export const flags = {
  database: Flag.Redacted("database").pipe(
    Flag.optional,
    Flag.withMetavar("URL"),
    Flag.withDescription(
      "The database, postgresql://user:password@host:5432/name; without it DATABASE_URL, --config, or the running core's own"
    )
  ),
  config: Flag.String("config").pipe(
    Flag.optional,
    Flag.withMetavar("FILE"),
    Flag.withDescription("Core's configuration file, for database_url and where core is reached")
  )
}

export interface Flags {
  readonly database: Option.Option<Redacted.Redacted>
  readonly config: Option.Option<string>
}

/** As core's own server has it. */
const ownAddress = Effect.fnUntraced(function*(home: string) {
  const known = yield* DataDirectory.known(home, SafeDirectory.dataPlaces())
  return Option.map(known, ({ password, port }) => EmbeddedPostgres.urlOf(port, password))
})

const fileOf = Effect.fnUntraced(function*({ config }: Pick<Flags, "config">) {
  if (Option.isNone(config)) return {}
  return (yield* ConfigFile.load(CoreConfig.CoreConfigFile, config.value)).value
})

/** Where browsers reach the core of that file. */
export const publicUrl = Effect.fnUntraced(function*(flags: Pick<Flags, "config">) {
  if (Option.isNone(flags.config)) return Option.none()
  const { auth, http } = CoreConfig.fromFile(yield* fileOf(flags))
  return Option.firstSomeOf([auth.publicUrl, Option.map(http, (address) => `http://${HostPort.format(address)}`)])
})

const addressOf = Effect.fnUntraced(function*({ config, database }: Flags) {
  const file = yield* fileOf({ config })
  const named = Option.firstSomeOf([
    database,
    yield* Config.option(Config.Redacted("DATABASE_URL")),
    Option.map(Option.fromUndefinedOr(file.database_url), (text) => Redacted.make(text))
  ])
  const { dataDirectory } = CoreConfig.fromFile(file)
  const url = Option.isSome(named) ? named : yield* ownAddress(dataDirectory)
  if (Option.isNone(url)) {
    return yield* new NoDatabase({
      detail:
        `no database is named (--database, DATABASE_URL, or database_url in --config), and none runs in ${dataDirectory}`
    })
  }
  if (!isDatabaseUrl(Redacted.value(url.value))) {
    return yield* new NoDatabase({
      detail: "the address of the database is none such as postgresql://user@host:5432/name"
    })
  }
  return url.value
})

/** While the database is away, a moment is given to it. */
const patience = "5 seconds"

/**
 * Runs `work` with a connection. The schema is brought up to date first where migrations are given; one that a newer version
 * has made is an error.
 */
export const withDatabase = <A, E, R>(
  options: Flags,
  migrations: ReadonlyArray<Migrations>,
  work: Effect.Effect<A, E, R>
) =>
  Effect.gen(function*() {
    const { tls: named, url } = UrlCertificates.take(yield* addressOf(options))
    const tls = yield* DatabaseTls.load({ tls: named, sslMode: Option.none() })
    const ready = PgConnection.use(({ client }) =>
      Effect.retry(client, { schedule: Backoff.capped({ from: "20 millis", to: "200 millis" }) })
    ).pipe(
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => PgConnection.use(({ client }) => client)
      })
    )
    const connection = PgConnection.layer({
      maxConnections: 2,
      migrations,
      application,
      tls,
      applicationName: "serviceradar-admin"
    })
    return yield* Effect.raceFirst(PgConnection.use(({ keep }) => keep), Effect.andThen(ready, work)).pipe(
      Effect.provide(connection.pipe(Layer.provide(DatabaseEndpoint.layer(Option.some(url)))))
    )
  }).pipe(Effect.scoped, Effect.provide(SecurityLayer.layer))

/** As audit entries name what a command does. */
export const requestId = "command line"

/** Runs `work` on the records of an up-to-date database. */
export const withRecords = <A, E, R>(options: Flags, work: Effect.Effect<A, E, R>) =>
  withDatabase(options, migrations, Effect.provide(work, PgRecords.layer))
