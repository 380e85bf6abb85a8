import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Metric, Option, References, Schema, Scope, Stream } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as SecurityEvent from "../../../src/domain/security/SecurityEvent.ts"
import { Management, type Part, type Route } from "../../../src/layers/http/Management.ts"
import * as ManagementClient from "../../../src/layers/http/ManagementClient.ts"
import * as ManagementServer from "../../../src/layers/http/ManagementServer.ts"
import * as TreeTrace from "../../../src/layers/http/TreeTrace.ts"
import { SecurityMonitor } from "../../../src/services/security/SecurityMonitor.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { get, send } from "../../support/http.ts"

const make = ({ port = 0, ...part }: Part<never> & { readonly port?: number } = {}) =>
  Effect.gen(function*() {
    yield* Management.use(({ register }) => register(part))
    return yield* ManagementServer.make({ host: "127.0.0.1", port })
  }).pipe(Effect.provide([SupervisionTree.layer, Management.layer]))

const Document = Schema.Struct({
  openapi: Schema.String,
  paths: Schema.Record(Schema.String, Schema.Unknown),
  components: Schema.Struct({ schemas: Schema.Record(Schema.String, Schema.Unknown) })
})

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

  it.live("counts the security events of the last while, where it is asked to be verbose", () =>
    Effect.gen(function*() {
      const { address } = yield* make()
      const monitor = yield* SecurityMonitor
      const event = SecurityEvent.UnauthorizedAccess.make({ peer: "x", action: "y", reason: "z" })
      yield* Effect.repeat(monitor.record(event), { times: 1 })

      const { body, status } = yield* get(address, "/health/ready?verbose")

      assert.deepStrictEqual([status, body], [200, {
        status: "ready",
        checks: [{ name: "supervision tree", ready: true }],
        security: { window_seconds: 300, total: 2, by_kind: { unauthorized_access: 2 } }
      }])
    }).pipe(Effect.provide(SecurityMonitor.layer), Effect.provideService(References.MinimumLogLevel, "None")))

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
    }).pipe(Effect.provide([SupervisionTree.layer, Management.layer])))

  it.live("shows metrics as Prometheus text", () =>
    Effect.gen(function*() {
      yield* Metric.update(Metric.counter("management_server_test_total", { incremental: true }), 3)
      const { address } = yield* make()

      const { body, status } = yield* get(address, "/metrics")

      assert.strictEqual(status, 200)
      assert.match(String(body), /^management_server_test_total 3$/m)
    }))

  it.live("shows what a child does as it happens, and knows no path that is not there", () =>
    Effect.gen(function*() {
      const { address, supervisor } = yield* Effect.gen(function*() {
        const supervisor = yield* Supervisor.start({
          id: "Program",
          strategy: "one_for_one",
          children: [Supervisor.child({ id: "part", run: Effect.never })]
        })
        return { supervisor, ...yield* ManagementServer.make({ host: "127.0.0.1", port: 0 }) }
      }).pipe(Effect.provide([SupervisionTree.layer, Management.layer]))
      const of = (path: string) =>
        ManagementClient.lines(`http://${address}`, `${TreeTrace.route}?path=${path}`, TreeTrace.Traced)
      const seen = yield* Effect.forkChild(Stream.runHead(of("Program/part")), { startImmediately: true })
      // Again and again, for the server begins to listen to the tree some time after it is asked.
      while (seen.pollUnsafe() === undefined) {
        yield* supervisor.terminateChild("part")
        yield* supervisor.restartChild("part")
        yield* Effect.sleep("10 millis")
      }

      const event = Option.getOrUndefined(yield* Fiber.join(seen))
      assert.deepInclude(event, { path: "Program", child: "part" })
      assert.strictEqual(
        (yield* Effect.flip(Stream.runHead(of("Program/none")))).detail,
        "there is no child at this path"
      )
    }).pipe(Effect.provide(FetchHttpClient.layer)), 20_000)

  it.live("answers who traces a child at once, also while it does nothing", () =>
    Effect.gen(function*() {
      const { address } = yield* Effect.gen(function*() {
        yield* Supervisor.start({
          id: "Program",
          strategy: "one_for_one",
          children: [Supervisor.child({ id: "idle", run: Effect.never })]
        })
        return yield* ManagementServer.make({ host: "127.0.0.1", port: 0 })
      }).pipe(Effect.provide([SupervisionTree.layer, Management.layer]))
      const response = yield* Effect.promise((signal) =>
        fetch(`http://${address}${TreeTrace.route}?path=Program/idle`, { signal })
      ).pipe(Effect.timeout("10 seconds"))

      assert.strictEqual(response.status, 200)
      yield* Effect.promise(async () => response.body?.cancel())
    }), 20_000)

  it.live("answers other paths and methods in JSON", () =>
    Effect.gen(function*() {
      const { address } = yield* make()

      assert.strictEqual((yield* get(address, "/nothing")).status, 404)
      assert.strictEqual((yield* send(address, "/health/live", "POST")).status, 405)
      const allowed = yield* Effect.promise(async (signal) => {
        const refused = await fetch(`http://${address}/metrics`, { method: "DELETE", signal })
        await refused.text()
        return refused.headers.get("allow")
      })
      assert.strictEqual(allowed, "GET, HEAD")
    }))

  it.live("answers HEAD as it answers GET, where there is something and where there is nothing", () =>
    Effect.gen(function*() {
      const { address } = yield* make()

      for (const [path, status] of [["/health/live", 200], ["/metrics", 200], ["/nothing", 404]] as const) {
        const found = yield* Effect.promise(() => fetch(`http://${address}${path}`, { method: "HEAD" }))
        assert.deepStrictEqual([path, found.status, yield* Effect.promise(() => found.text())], [path, status, ""])
      }
    }))

  it.live("answers HEAD at a route that stands below somebody's mount", () =>
    Effect.gen(function*() {
      const { address } = yield* ManagementServer.make({ host: "127.0.0.1", port: 0 })
      yield* Management.use(({ register }) =>
        register({
          routes: [{
            path: "/api/mine",
            summary: "Mine",
            handle: () => Effect.succeed(HttpServerResponse.text("here"))
          }],
          mounts: [{ path: "/api", handle: () => Effect.succeed(HttpServerResponse.text("nothing", { status: 404 })) }]
        })
      )

      const head = (path: string) =>
        Effect.promise(async () => (await fetch(`http://${address}${path}`, { method: "HEAD" })).status)
      assert.deepStrictEqual([yield* head("/api/mine"), yield* head("/api/other")], [200, 404])
    }).pipe(Effect.provide([SupervisionTree.layer, Management.layer])))

  it.live("answers with what is registered at the time of the request", () =>
    Effect.gen(function*() {
      const { address } = yield* ManagementServer.make({ host: "127.0.0.1", port: 0 })
      const scope = yield* Scope.make()
      assert.strictEqual((yield* get(address, "/later")).status, 404)

      yield* Management.use(({ register }) =>
        register({
          routes: [{
            path: "/later",
            summary: "Comes later",
            handle: () => Effect.succeed(HttpServerResponse.text("here"))
          }]
        })
      ).pipe(Scope.provide(scope))
      assert.deepStrictEqual(yield* get(address, "/later"), { status: 200, body: "here" })

      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* get(address, "/later")).status, 404)
    }).pipe(Effect.provide([SupervisionTree.layer, Management.layer])))

  it.live("describes its routes as OpenAPI, with every reference resolved", () =>
    Effect.gen(function*() {
      const { address } = yield* make({
        routes: [{
          path: "/api/things",
          summary: "All things",
          parameters: new Map([["colour", "red or green"]]),
          answers: Schema.Struct({ things: Schema.Array(Schema.String) }),
          handle: () => Effect.succeed(HttpServerResponse.jsonUnsafe({ things: [] }))
        }]
      })

      const { body } = yield* get(address, "/api/openapi.json")

      const { components, openapi, paths } = Schema.decodeUnknownSync(Document)(body)
      assert.strictEqual(openapi, "3.1.0")
      assert.deepStrictEqual(Object.keys(paths).toSorted(), [
        "/api/things",
        "/api/tree",
        "/api/tree/trace",
        "/health/live",
        "/health/ready",
        "/metrics"
      ])
      const references = [...JSON.stringify(body).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target = ""]) => target)
      assert.isNotEmpty(references)
      for (const target of references) {
        assert.match(target, /^#\/components\/schemas\//)
        assert.property(components.schemas, target.split("/").at(-1) ?? "")
      }
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
      const routes: ReadonlyArray<Route<never>> = [{
        path: "/slow",
        summary: "Takes its time",
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
