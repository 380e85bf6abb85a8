/** Core and its PostgreSQL are killed while records are written. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, Redacted, Schedule, Schema, Scope } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Rows from "../../src/layers/postgres/connection/Rows.ts"
import * as EmbeddedPostgres from "../../src/layers/postgres/server/EmbeddedPostgres.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const writes = 1000
const atOnce = 8
const mediaType = "application/vnd.api+json"

/** PostgreSQL in a folder; killed, it starts again with the same data at the same port. */
const database = Effect.fnUntraced(function*(home: string, port: number) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const server = yield* EmbeddedPostgres.start({ home, port, durable: false }).pipe(Scope.provide(scope))
  return { server, close: Scope.close(scope, Exit.void) }
})

const command = Effect.fnUntraced(function*(env: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) {
  const program = yield* Program.start(args, { env })
  assert.strictEqual(yield* program.exited, 0, program.output())
  return program.stdout().trim()
})

/** Asks until it is known that the device is there: made now, or by an attempt whose answer was lost. */
const made = Effect.fnUntraced(function*(url: string, token: string, at: number) {
  let wasUnanswered = false
  const attempt = Effect.tryPromise((signal) =>
    fetch(`${url}/devices`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": mediaType },
      body: JSON.stringify({ data: { type: "device", id: `kill:${at}`, attributes: { hostname: `host-${at}` } } }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)])
    }).then((response) => response.status)
  ).pipe(
    Effect.flatMap((status) => {
      if (status === 201 || (status === 409 && wasUnanswered)) return Effect.succeed(status)
      return status >= 500 ? Effect.fail("later" as const) : Effect.die(new Error(`device ${at}: status ${status}`))
    }),
    Effect.tapError(() => Effect.sync(() => wasUnanswered = true))
  )
  return yield* Effect.retry(attempt, Schedule.spaced("100 millis")).pipe(Effect.timeout("60 seconds"))
})

const Count = Schema.Struct({
  devices: Schema.Int,
  distinct: Schema.Int,
  audit: Schema.Int,
  events: Schema.Int,
  agreed: Schema.Int
})

/** What became of them, and how many have exactly one audit entry and one event that say so. */
const counted = (sql: PgClient.PgClient) =>
  Rows.query(
    Count,
    sql`
      with audit as (select record_key, count(*) as n from serviceradar_control.audit_entries
          where resource = 'device' and action = 'create' and outcome = 'done' group by 1),
        events as (select record_key, count(*) as n from serviceradar_control.record_events
          where resource = 'device' and action = 'create' group by 1)
      select count(*)::int as devices, count(distinct uid)::int as distinct,
        (select sum(n)::int from audit) as audit, (select sum(n)::int from events) as events,
        count(*) filter (where audit.n = 1 and events.n = 1)::int as agreed
      from serviceradar_control.devices d
        left join audit on audit.record_key = d.uid left join events on events.record_key = d.uid
      where d.uid like 'kill:%'`
  )

describe("Records of a core that is killed", () => {
  it.live(
    "are there once for each write that was answered, with one audit entry and one event",
    () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        yield* Effect.promise(() => fs.chmod(folder, 0o755))
        const home = path.join(folder, "postgres")
        const first = yield* database(home, 0)
        const env = { DATABASE_URL: Redacted.value(first.server.url) }
        const ports = { grpc: yield* Program.freePort, http: yield* Program.freePort }
        const config = path.join(folder, "core.json")
        const text = { listen_addr: `127.0.0.1:${ports.http}`, grpc_addr: `127.0.0.1:${ports.grpc}` }
        yield* Effect.promise(() => fs.writeFile(config, JSON.stringify(text)))
        const url = `http://127.0.0.1:${ports.http}`
        const started = Effect.gen(function*() {
          const program = yield* Program.start(["core", "--config", config], { env })
          yield* Program.eventually(
            "core is ready",
            Effect.map(
              Program.fetchJson(`${url}/health/ready`),
              Option.liftPredicate((body) => JSON.stringify(body).includes("\"status\":\"ready\""))
            ),
            { within: "40 seconds", programs: [program] }
          )
          return program
        })
        const core = yield* started
        yield* command(env, "user", "add", "ada@example.org", "--role", "operator")
        const token = yield* command(env, "token", "create", "ada@example.org", "--scope", "write")

        let answered = 0
        const all = Effect.forEach(
          Array.from({ length: writes }, (_, at) => at),
          (at) => Effect.tap(made(`${url}/api/v2`, token, at), () => Effect.sync(() => answered += 1)),
          { concurrency: atOnce }
        )
        const reached = (count: number) =>
          Program.eventually(
            `${count} answers`,
            Effect.sync(() => answered >= count ? Option.some(count) : Option.none()),
            {
              within: "60 seconds"
            }
          )
        const trouble = Effect.gen(function*() {
          yield* reached(writes * 0.2)
          yield* core.kill("SIGKILL")
          yield* core.exited
          yield* started
          yield* reached(writes * 0.6)
          process.kill(first.server.pid, "SIGKILL")
          yield* first.close
          yield* database(home, first.server.port)
        })
        const [statuses] = yield* Effect.all([all, trouble], { concurrency: 2 })

        assert.lengthOf(statuses, writes)
        const sql = yield* PgClient.make({ url: first.server.url, maxConnections: 1 })
        assert.deepStrictEqual(yield* counted(sql), [
          { devices: writes, distinct: writes, audit: writes, events: writes, agreed: writes }
        ])
      }).pipe(
        Effect.scoped,
        Effect.provide(Layer.merge(NodeFileSystem.layer, Reactivity.layer))
      ),
    180_000
  )
})
