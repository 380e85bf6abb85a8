import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { coreCatalog } from "../../../src/domain/core/CoreCatalog.ts"
import { superSystem } from "../../../src/domain/records/Actor.ts"
import { healthzRoute, translateRoute } from "../../../src/layers/queries/TranslateRoute.ts"
import { type QueryAsker, QueryAskers } from "../../../src/services/queries/QueryAskers.ts"
import { NotSignedIn } from "../../../src/services/records/Askers.ts"

const route = translateRoute(coreCatalog)

const bodyOf = (response: HttpServerResponse.HttpServerResponse) =>
  Effect.map(Effect.promise(() => HttpServerResponse.toWeb(response).text()), (text) => JSON.parse(text))

const viewer: QueryAsker = {
  tenant: "acme",
  actor: { ...superSystem, tenantId: "7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111", role: "viewer", isSuperUser: false },
  name: "somebody",
  isOperator: false
}
const askers = QueryAskers.of({
  of: ({ headers }) => headers["x-api-key"] === "srk_viewer" ? Effect.succeed(viewer) : Effect.fail(new NotSignedIn()),
  operator: { tenant: null, actor: superSystem, name: "", isOperator: true }
})

const translate = (body: string, headers: Readonly<Record<string, string>> = {}) =>
  route.post === undefined
    ? Effect.die("no POST")
    : route.post(new URLSearchParams(), body).pipe(
      Effect.flatMap((response) => Effect.map(bodyOf(response), (document) => ({ status: response.status, document }))),
      Effect.provideService(QueryAskers, askers),
      Effect.provideService(
        HttpServerRequest.HttpServerRequest,
        HttpServerRequest.fromWeb(new Request("http://localhost/translate", { headers }))
      )
    )

describe("POST /translate", () => {
  it.effect("answers with the statement, its binds, where the next page begins, and what may be drawn", () =>
    Effect.gen(function*() {
      const { document, status } = yield* translate(
        JSON.stringify({ query: "in:gateways status:up", limit: "5", cursor: "eyJvZmZzZXQiOjIwfQ" })
      )

      assert.strictEqual(status, 200)
      assert.match(document.sql, / FROM gateways WHERE status = \$1 ORDER BY last_seen DESC LIMIT \$2 OFFSET \$3$/)
      assert.deepStrictEqual(document.params, [{ t: "text", v: "up" }, { t: "int", v: 5 }, { t: "int", v: 20 }])
      assert.deepStrictEqual(document.pagination, {
        next_cursor: "eyJvZmZzZXQiOjI1fQ",
        prev_cursor: "eyJvZmZzZXQiOjE1fQ",
        limit: 5
      })
      assert.deepStrictEqual(document.viz.suggestions, [{ kind: "table" }])
    }))

  it.effect("answers for resources too, as an operator would ask for them", () =>
    Effect.gen(function*() {
      const { document, status } = yield* translate(JSON.stringify({ query: "in:users role:admin" }))
      assert.strictEqual(status, 200)
      assert.include(document.sql, " FROM serviceradar_control.users ")
      assert.notInclude(document.sql, "hashed_password = ")
    }))

  it.effect("is of the rows that whoever asks may see", () =>
    Effect.gen(function*() {
      const key = { "x-api-key": "srk_viewer" }
      const logs = yield* translate(JSON.stringify({ query: "in:logs" }), key)
      assert.include(logs.document.sql, "tenant_id = $1")
      assert.deepStrictEqual(logs.document.params[0], { t: "text", v: "acme" })
      const entries = yield* translate(JSON.stringify({ query: "in:audit_entries" }), key)
      assert.strictEqual(entries.status, 400)
      const unknown = yield* translate(JSON.stringify({ query: "in:logs" }), { "x-api-key": "srk_unknown" })
      assert.strictEqual(unknown.status, 401)
      const named = yield* translate(JSON.stringify({ query: "in:logs" }), { "x-tenant-id": "acme" })
      assert.deepStrictEqual(named.document.params[0], { t: "text", v: "acme" })
      const byId = yield* translate(JSON.stringify({ query: "in:logs" }), {
        "x-tenant-id": String(viewer.actor?.["tenantId"])
      })
      assert.strictEqual(byId.document.error, "x-tenant-id: expected the short name of a tenant")
      const partition = yield* translate(JSON.stringify({ query: "in:logs" }), { "x-partition-id": "east" })
      assert.strictEqual(partition.status, 400)
    }))

  it.effect("leaves out binds where there are none", () =>
    Effect.gen(function*() {
      const { document } = yield* translate(JSON.stringify({ query: "in:devices stats:count() as n" }))

      assert.notProperty(document, "params")
      assert.strictEqual(document.alias, "n")
    }))

  it.effect("says what is wrong with a query, a cursor and a body", () =>
    Effect.gen(function*() {
      for (
        const [body, error] of [
          [{ query: "in:devcies" }, "invalid request: unsupported entity 'devcies'"],
          [{ query: "in:devices", cursor: "%" }, "invalid request: invalid cursor"],
          [{ limit: 1 }, "missing required field: query"]
        ] as const
      ) {
        const { document, status } = yield* translate(JSON.stringify(body))
        assert.deepStrictEqual([status, document.error], [400, error])
      }
      const { document } = yield* translate("{\"query\":\"limit:5 in:devcies\"}")
      assert.deepInclude(document, {
        at: { start: 11, end: 18 },
        found: "\"devcies\"",
        expected: "an entity",
        suggestion: "devices"
      })
      const cursor = yield* translate("{\"query\":\"in:devices\",\"cursor\":5}")
      assert.strictEqual(cursor.document.error, "invalid request: invalid cursor")
    }))

  it.effect("stands beside /healthz", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Effect.flatMap(healthzRoute.handle(new URLSearchParams()), bodyOf), {
        status: "ok"
      })
    }))
})
