import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { coreCatalog } from "../../../src/domain/core/CoreCatalog.ts"
import { healthzRoute, translateRoute } from "../../../src/layers/queries/TranslateRoute.ts"

const route = translateRoute(coreCatalog)

const bodyOf = (response: HttpServerResponse.HttpServerResponse) =>
  Effect.map(Effect.promise(() => HttpServerResponse.toWeb(response).text()), (text) => JSON.parse(text))

const translate = (body: string) =>
  route.post === undefined
    ? Effect.die("no POST")
    : Effect.flatMap(route.post(new URLSearchParams(), body), (response) =>
      Effect.map(bodyOf(response), (document) => ({ status: response.status, document })))

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

  it.effect("leaves out binds where there are none", () =>
    Effect.gen(function*() {
      const { document } = yield* translate(JSON.stringify({ query: "in:devices stats:count() as n" }))

      assert.notProperty(document, "params")
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
        assert.deepStrictEqual(yield* translate(JSON.stringify(body)), { status: 400, document: { error } })
      }
    }))

  it.effect("stands beside /healthz", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* Effect.flatMap(healthzRoute.handle(new URLSearchParams()), bodyOf), {
        status: "ok"
      })
    }))
})
