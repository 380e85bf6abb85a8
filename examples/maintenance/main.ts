/**
 * A resource of one's own, from its declaration to rows, an API, an audit and metrics.
 *
 *   DATABASE_URL=postgresql://… node examples/maintenance/main.ts
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Config, Console, Effect, Layer, Option, Redacted, Schedule } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as path from "node:path"
import * as AuthConfig from "../../src/domain/core/AuthConfig.ts"
import { AuditEntry } from "../../src/domain/identity/AuditEntry.ts"
import { application, schema } from "../../src/domain/records/Schema.ts"
import { AccessTokens } from "../../src/layers/identity/AccessTokens.ts"
import * as ApiTokens from "../../src/layers/identity/ApiTokens.ts"
import * as SignedIn from "../../src/layers/identity/SignedIn.ts"
import * as JsonApi from "../../src/layers/jsonapi/JsonApi.ts"
import { DatabaseEndpoint } from "../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"
import * as SqlFiles from "../../src/layers/postgres/migrations/SqlFiles.ts"
import * as PgRecords from "../../src/layers/records/PgRecords.ts"
import { migrations } from "../../src/programs/core/ControlPlane.ts"
import * as Directory from "../../src/services/identity/Directory.ts"
import { MaintenanceWindow } from "./MaintenanceWindow.ts"

const own = {
  context: "maintenance",
  schema,
  table: `${schema}.maintenance_migrations`,
  steps: SqlFiles.steps(SqlFiles.read(path.join(import.meta.dirname, "migrations")))
}

const exposed = [{ definition: MaintenanceWindow.definition }, { definition: AuditEntry.definition }]
const { handle } = JsonApi.mount({ base: "/api/v2", exposed })

const ask = Effect.fnUntraced(function*(token: string, method: string, at: string, attributes?: object) {
  const body = JSON.stringify({ data: { type: "maintenance-window", attributes } })
  const response = HttpServerResponse.toWeb(
    yield* handle(HttpServerRequest.fromWeb(
      new Request(`http://localhost/api/v2${at}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/vnd.api+json" },
        ...(attributes === undefined ? {} : { body })
      })
    ))
  )
  const text = yield* Effect.promise(() => response.text())
  yield* Console.log(`${method} ${at.replaceAll(/[0-9a-f-]{36}/g, "ID")} ${response.status}`)
  return text
})

const idOf = (text: string): string => /"id":"([^"]*)"/.exec(text)?.[1] ?? ""

const shown = Effect.gen(function*() {
  const user = yield* Directory.addUser({ email: "ada@example.org", role: "admin" }, "example")
  if (user === null) return
  const token = Redacted.value(yield* ApiTokens.issue({ user, name: "example", scope: "admin" }, "example"))
  const home = "/maintenance-windows"
  const times = { begins_at: "2026-03-05T12:00:00Z", ends_at: "2026-03-05T14:00:00Z" }

  const id = idOf(yield* ask(token, "POST", home, { title: "Rack 4", ...times }))
  yield* ask(token, "POST", home, { title: "Rack 4", ...times })
  yield* ask(token, "PATCH", `${home}/${id}/finish`, {})
  yield* ask(token, "PATCH", `${home}/${id}/start`, {})
  yield* Console.log(
    yield* ask(token, "GET", `${home}/running?fields[maintenance-window]=title,state,started_by,is_late`)
  )
  const audit = yield* ask(
    token,
    "GET",
    "/audit-entries?filter[resource]=maintenance-window&fields[audit-entry]=action"
  )
  yield* Console.log([...audit.matchAll(/"action":"(\w+)"/g)].map(([, action]) => action).join(", "))
  const description = yield* ask(token, "GET", "/open_api")
  yield* Console.log(description.includes("/api/v2/maintenance-windows/{key}/call-off"))
  const metrics = yield* PrometheusMetrics.format()
  yield* Console.log(
    metrics.split("\n").filter((line) => /^resource_actions_total.*maintenance-window.*start/.test(line)).join("\n")
  )
})

/** As soon as the database is there. */
const ready = PgConnection.use(({ client }) => Effect.retry(client, Schedule.spaced("20 millis"))).pipe(
  Effect.timeout("20 seconds")
)

const program = Effect.gen(function*() {
  const url = yield* Config.Redacted("DATABASE_URL")
  const database = PgConnection.layer({ migrations: [...migrations, own], application }).pipe(
    Layer.provide(DatabaseEndpoint.layer(Option.some(url)))
  )
  const keep = PgConnection.use((connection) => connection.keep)
  yield* Effect.raceFirst(keep, Effect.andThen(ready, shown)).pipe(
    Effect.provide(
      SignedIn.layer({ isSecure: false }).pipe(
        Layer.provide(AccessTokens.layer(AuthConfig.fromBlock().tokens)),
        Layer.provideMerge(PgRecords.layer),
        Layer.provideMerge(database)
      )
    )
  )
})

await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(NodeServices.layer)))
