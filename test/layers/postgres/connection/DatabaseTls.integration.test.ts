/** Against a PostgreSQL of its own that speaks TLS, and asks clients for certificates of the same root. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, type Redacted, Schedule, Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type * as CnpgConfig from "../../../../src/domain/events/settings/CnpgConfig.ts"
import { DatabaseEndpoint } from "../../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import * as DatabaseTls from "../../../../src/layers/postgres/connection/DatabaseTls.ts"
import { PgConnection } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import * as EmbeddedPostgres from "../../../../src/layers/postgres/server/EmbeddedPostgres.ts"
import { Credentials } from "../../../../src/services/security/Credentials.ts"
import { authority, filesIn, write } from "../../../support/authority.ts"
import { secured } from "../../../support/secured.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const file = (name: string) => path.resolve(import.meta.dirname, "../../../fixtures/tls", name)

const files = (name: string, verifiesName = true, root = "root"): Option.Option<CnpgConfig.DatabaseTls> =>
  Option.some({
    certFile: file(`${name}.pem`),
    keyFile: file(`${name}-key.pem`),
    caFile: file(`${root}.pem`),
    verifiesName
  })

/** Large objects are the way to files that belong to the server's own user. */
const install = Effect.fnUntraced(function*(sql: PgClient.PgClient, source: string, target: string) {
  const content = yield* Effect.promise(() => fs.readFile(file(source)))
  const [object] = yield* sql<{ readonly oid: number }>`select lo_from_bytea(0, ${content})::int as oid`
  yield* sql`select lo_export(${object?.oid ?? 0}::int::oid, ${target})`
  yield* Effect.promise(() => fs.chmod(target, 0o600))
})

const server = Effect.gen(function*() {
  const home = `${yield* temporaryFolder}/postgres`
  const postgres = yield* EmbeddedPostgres.start({ home, port: 0, durable: false })
  const sql = yield* PgClient.make({ url: postgres.url, maxConnections: 1 })
  const data = `${postgres.home}/data`
  yield* install(sql, "agent.pem", `${data}/server.pem`)
  yield* install(sql, "agent-key.pem", `${data}/server-key.pem`)
  yield* install(sql, "root.pem", `${data}/root.pem`)
  yield* sql`alter system set ssl_cert_file = 'server.pem'`
  yield* sql`alter system set ssl_key_file = 'server-key.pem'`
  yield* sql`alter system set ssl_ca_file = 'root.pem'`
  yield* sql`alter system set ssl = on`
  yield* sql`select pg_reload_conf()`
  yield* sql<{ readonly ssl: string }>`show ssl`.pipe(
    Effect.repeat({ until: ([row]) => row?.ssl === "on", schedule: Schedule.spaced("20 millis") }),
    Effect.timeout("10 seconds")
  )
  return postgres.url
}).pipe(Effect.provide(Reactivity.layer))

interface Session {
  readonly ssl: boolean
  readonly client: string | null
}

/** How the server sees a connection that is secured so, or why there is none. */
const session = Effect.fnUntraced(function*(
  url: Redacted.Redacted,
  security: {
    readonly tls: Option.Option<CnpgConfig.DatabaseTls>
    readonly sslMode?: CnpgConfig.SslMode
    readonly within?: "1 second"
  }
) {
  const tls = yield* DatabaseTls.load({ tls: security.tls, sslMode: Option.fromNullishOr(security.sslMode) })
  const ask = Effect.gen(function*() {
    const connection = yield* PgConnection
    yield* Effect.forkScoped(connection.keep)
    const sql = yield* Effect.retry(connection.client, Schedule.spaced("20 millis"))
    const [row] = yield* sql<Session>`
      select ssl, client_dn as client from pg_stat_ssl where pid = pg_backend_pid()`
    return row
  })
  return yield* ask.pipe(
    Effect.timeoutOption(security.within ?? "10 seconds"),
    Effect.provide(
      PgConnection.layer({ maxConnections: 1, tls }).pipe(
        Layer.provide(DatabaseEndpoint.layer(Option.some(url)))
      )
    )
  )
}, Effect.scoped)

const layer = secured

describe("DatabaseTls", () => {
  it.live("verifies the server, shows our certificate, and connects to nobody else", () =>
    Effect.gen(function*() {
      const url = yield* server

      const plain = yield* session(url, { tls: Option.none() })
      const required = yield* session(url, { tls: Option.none(), sslMode: "require" })
      const mutual = yield* session(url, { tls: files("poller", false) })
      const otherRoot = yield* session(url, { tls: files("poller", false, "other-root"), within: "1 second" })

      assert.deepStrictEqual(plain, Option.some({ ssl: false, client: null }))
      assert.deepStrictEqual(required, Option.some({ ssl: true, client: null }))
      assert.deepStrictEqual(Option.map(mutual, (row) => row?.ssl), Option.some(true))
      assert.include(Option.getOrUndefined(mutual)?.client ?? "", "poller")
      assert.isTrue(Option.isNone(otherRoot))
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("shows a renewed certificate also where the roots are those of the system", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const ca = authority()
      const { caFile: _, clientCaFile: __, ...own } = filesIn(folder, "poller")
      const [first, second] = [ca.issue(), ca.issue()]
      yield* Effect.promise(() => write(folder, "poller", first, ca.root))
      const { options, renewals } = yield* DatabaseTls.load({
        tls: Option.some({ ...own, verifiesName: true }),
        sslMode: Option.none()
      })
      const renewed = yield* Effect.forkScoped(Stream.runHead(renewals))
      yield* Effect.forkScoped(Credentials.use(({ keep }) => keep))
      const before = { cert: options?.cert, ca: options?.ca }

      yield* Effect.promise(() => write(folder, "poller", second, ca.root))
      yield* Effect.timeout(Fiber.join(renewed), "10 seconds")

      assert.deepStrictEqual(before, { cert: first.cert, ca: undefined })
      assert.deepStrictEqual([options?.cert, options?.key], [second.cert, second.key])
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("verifies by roots that stand alone, as they are now", () =>
    Effect.gen(function*() {
      const url = yield* server
      const caFile = path.join(yield* temporaryFolder, "ca.pem")
      const put = (root: string) => Effect.promise(() => fs.copyFile(file(`${root}.pem`), caFile))
      yield* put("other-root")
      const tls = yield* DatabaseTls.load({
        tls: Option.some({ certFile: undefined, keyFile: undefined, caFile, verifiesName: false }),
        sslMode: Option.none()
      })
      const renewed = yield* Effect.forkScoped(Stream.runHead(tls.renewals))
      yield* Effect.gen(function*() {
        const connection = yield* PgConnection
        yield* Effect.forkScoped(connection.keep)
        const connected = Effect.retry(connection.client, Schedule.spaced("20 millis"))
        assert.isTrue(Option.isNone(yield* Effect.timeoutOption(connected, "1 second")))
        yield* put("root")
        yield* Effect.timeout(Fiber.join(renewed), "10 seconds")
        const sql = yield* Effect.timeout(connected, "20 seconds")
        const [row] = yield* sql<Session>`
          select ssl, client_dn as client from pg_stat_ssl where pid = pg_backend_pid()`
        assert.deepStrictEqual(row, { ssl: true, client: null })
      }).pipe(
        Effect.provide(
          PgConnection.layer({ maxConnections: 1, tls }).pipe(
            Layer.provide(DatabaseEndpoint.layer(Option.some(url)))
          )
        )
      )
    }).pipe(Effect.scoped, Effect.provide(layer)), 60_000)

  it.effect("names the file that is missing or does not belong to the others", () =>
    Effect.gen(function*() {
      const missing = yield* Effect.flip(DatabaseTls.load({ tls: files("nobody"), sslMode: Option.none() }))
      const foreign = yield* Effect.flip(DatabaseTls.load({
        tls: Option.map(files("poller"), (some) => ({ ...some, keyFile: file("agent-key.pem") })),
        sslMode: Option.none()
      }))

      assert.strictEqual(
        missing.message,
        `TLS file ${file("nobody.pem")}: cannot be read: there is no such file (ENOENT)`
      )
      assert.include(foreign.message, file("agent-key.pem"))
    }).pipe(Effect.provide(layer)))
})
