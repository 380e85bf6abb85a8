import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Route } from "../../../src/layers/v1/Route.ts"
import * as RouteTable from "../../../src/layers/v1/RouteTable.ts"

const route = (method: Route["method"], path: Route["path"]): Route => ({
  method,
  path,
  role: "viewer",
  style: "json",
  handle: () => Effect.succeed(HttpServerResponse.empty())
})

const find = RouteTable.make([
  route("GET", "/api/things/{id}/{part}"),
  route("GET", "/api/things/{id}"),
  route("GET", "/api/things/metrics/status"),
  route("DELETE", "/api/things/{id}")
])

const found = (method: string, path: string) =>
  Option.getOrNull(Option.map(find(method, path), ({ at, route }) => [route.method, route.path, at]))

describe("RouteTable", () => {
  it("takes a part that stands in a path before one that is given", () => {
    assert.deepStrictEqual(found("GET", "/api/things/metrics/status"), ["GET", "/api/things/metrics/status", {}])
    assert.deepStrictEqual(found("GET", "/api/things/a/status"), [
      "GET",
      "/api/things/{id}/{part}",
      { id: "a", part: "status" }
    ])
  })

  it("reads what an address gives as it was meant, a slash in it too", () => {
    assert.deepStrictEqual(found("DELETE", "/api/things/a%2Fb%20c"), ["DELETE", "/api/things/{id}", { id: "a/b c" }])
  })

  it("takes HEAD as GET, and nothing else as something", () => {
    assert.deepStrictEqual(found("HEAD", "/api/things/a"), ["GET", "/api/things/{id}", { id: "a" }])
    assert.isNull(found("POST", "/api/things/a"))
    assert.isNull(found("GET", "/api/things/"))
    assert.isNull(found("GET", "/api/things"))
    assert.isNull(found("GET", "/api/things/%E0%A4%A"))
  })
})
