import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Metric } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ManagementServer from "../../../src/layers/http/ManagementServer.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { get, send } from "../../support/http.ts"

const make = (options: Partial<ManagementServer.ManagementOptions<never>> = {}) =>
  ManagementServer.make({ host: "127.0.0.1", port: 0, ...options }).pipe(Effect.provide(SupervisionTree.layer))

describe("ManagementServer", () => {
  it.live("is live and, without checks, ready", () =>
    Effect.gen(function*() {
      const { address } = yield* make()

      assert.deepStrictEqual(yield* get(address, "/health/live"), { status: 200, body: { status: "live" } })
      assert.deepStrictEqual(yield* get(address, "/health/ready"), {
        status: 200,
        body: { status: "ready", checks: [{ name: "supervision tree", ready: true }] }
      })
    }))

  it.live("names what is not ready and why", () =>
    Effect.gen(function*() {
      const { address } = yield* make({
        checks: [
          { name: "database", ready: Effect.fail({ message: "not connected yet" }) },
          { name: "grpc", ready: Effect.void }
        ]
      })

      assert.deepStrictEqual(yield* get(address, "/health/ready"), {
        status: 503,
        body: {
          status: "not ready",
          checks: [
            { name: "supervision tree", ready: true },
            { name: "database", ready: false, reason: "not connected yet" },
            { name: "grpc", ready: true }
          ]
        }
      })
      assert.strictEqual((yield* get(address, "/health/live")).status, 200)
    }))

  it.live("is not ready while a part of the program does not run", () =>
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.start({
        id: "Program",
        strategy: "one_for_one",
        children: [Supervisor.child({ id: "Part", run: Effect.never })]
      })
      const { address } = yield* ManagementServer.make({ host: "127.0.0.1", port: 0 })
      assert.strictEqual((yield* get(address, "/health/ready")).status, 200)

      yield* supervisor.terminateChild("Part")

      assert.deepStrictEqual(yield* get(address, "/health/ready"), {
        status: 503,
        body: {
          status: "not ready",
          checks: [{ name: "supervision tree", ready: false, reason: "Program/Part is stopped" }]
        }
      })
    }).pipe(Effect.provide(SupervisionTree.layer)))

  it.live("shows metrics as Prometheus text", () =>
    Effect.gen(function*() {
      yield* Metric.update(Metric.counter("management_server_test_total", { incremental: true }), 3)
      const { address } = yield* make()

      const { body, status } = yield* get(address, "/metrics")

      assert.strictEqual(status, 200)
      assert.match(String(body), /^management_server_test_total 3$/m)
    }))

  it.live("answers other paths and methods in JSON", () =>
    Effect.gen(function*() {
      const { address } = yield* make()

      assert.strictEqual((yield* get(address, "/nothing")).status, 404)
      assert.strictEqual((yield* send(address, "/health/live", "POST")).status, 405)
    }))

  it.live("names the address and reason of a busy port", () =>
    Effect.gen(function*() {
      const { address, port } = yield* make()

      const error = yield* Effect.flip(Effect.scoped(make({ port })))

      assert.strictEqual(error._tag, "BindError")
      assert.strictEqual(error.message, `Cannot listen on ${address}: EADDRINUSE: address already in use`)
    }))

  it.live("lets a running request end when it closes, and frees the port", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const routes: ReadonlyArray<ManagementServer.Route<never>> = [{
        path: "/slow",
        handle: () =>
          Deferred.succeed(started, undefined).pipe(
            Effect.andThen(Effect.sleep("200 millis")),
            Effect.as(HttpServerResponse.text("done"))
          )
      }]
      const { address, port, slow } = yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* make({ routes })
        const slow = yield* Effect.forkDetach(get(server.address, "/slow"), { startImmediately: true })
        yield* Deferred.await(started)
        return { ...server, slow }
      }))

      assert.strictEqual((yield* Fiber.join(slow)).status, 200)
      assert.strictEqual((yield* Effect.scoped(make({ port }))).address, address)
    }))
})
