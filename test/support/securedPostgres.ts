/** A PostgreSQL of the test's own that speaks TLS, with certificates that the test changes while it runs. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Redacted, Schedule } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import * as EmbeddedPostgres from "../../src/layers/postgres/server/EmbeddedPostgres.ts"
import type { Issued } from "./authority.ts"
import { temporaryFolder } from "./temporaryFolder.ts"

/** Into the database only with TLS and a certificate; the second line is the test's own door. */
const rulesOf = (clientCertificate: string): string =>
  [
    `hostssl serviceradar all 127.0.0.1/32 scram-sha-256 ${clientCertificate}`,
    "host postgres all 127.0.0.1/32 scram-sha-256"
  ].join("\n")

const make = Effect.fnUntraced(function*(first: Issued, firstRoots: string, clientCertificate: string) {
  const home = `${yield* temporaryFolder}/postgres`
  const postgres = yield* EmbeddedPostgres.start({ home, port: 0, durable: false })
  const door = new URL(Redacted.value(postgres.url))
  door.pathname = "/postgres"
  const sql = yield* PgClient.make({ url: Redacted.make(door.href), maxConnections: 1 })
  const data = `${postgres.home}/data`

  /** Large objects are the way to files that belong to the server's own user. */
  const install = Effect.fnUntraced(function*(content: string, name: string) {
    const [object] = yield* sql<{ readonly oid: number }>`
      select lo_from_bytea(0, ${Buffer.from(content)})::int as oid`
    const oid = object?.oid ?? 0
    yield* sql`select lo_export(${oid}::int::oid, ${`${data}/${name}`})`
    yield* sql`select lo_unlink(${oid}::int::oid)`
    yield* Effect.promise(() => fs.chmod(`${data}/${name}`, 0o600))
  })

  /** New connections are met with these from now on; those that are open stay. */
  const secure = Effect.fnUntraced(function*({ cert, key }: Issued, roots: string) {
    yield* install(cert, "server.pem")
    yield* install(key, "server-key.pem")
    yield* install(roots, "root.pem")
    yield* sql`select pg_reload_conf()`
  })

  yield* install(rulesOf(clientCertificate), "pg_hba.conf")
  yield* sql`alter system set ssl_cert_file = 'server.pem'`
  yield* sql`alter system set ssl_key_file = 'server-key.pem'`
  yield* sql`alter system set ssl_ca_file = 'root.pem'`
  yield* sql`alter system set ssl = on`
  yield* secure(first, firstRoots)
  yield* sql<{ readonly ssl: string }>`show ssl`.pipe(
    Effect.repeat({ until: ([row]) => row?.ssl === "on", schedule: Schedule.spaced("20 millis") }),
    Effect.timeout("10 seconds")
  )
  return { url: new URL(Redacted.value(postgres.url)), port: postgres.port, sql, secure }
})

/** In its database is nobody without a certificate that `roots` verify. */
export const start = (issued: Issued, roots: string, clientCertificate = "clientcert=verify-ca") =>
  Effect.provide(make(issued, roots, clientCertificate), Reactivity.layer)
