import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as http from "node:http"
import { type Door, Management } from "../../../src/layers/http/Management.ts"
import * as ManagementAccess from "../../../src/layers/http/ManagementAccess.ts"
import * as ManagementServer from "../../../src/layers/http/ManagementServer.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"

type Headers = Readonly<Record<string, string | undefined>>

const token = "a-token-that-nobody-guesses"

const make = (host: string, environment: Readonly<Record<string, string>>) =>
  ManagementServer.make({ host, port: 0 }).pipe(
    Effect.provide([SupervisionTree.layer, Management.layer]),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(environment))
  )

const statusOf = (port: number, path: string, authorization?: string) =>
  Effect.promise(async (signal) => {
    const headers = authorization === undefined ? {} : { authorization }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers, signal })
    await response.arrayBuffer()
    return response.status
  })

/** `fetch` would tidy the target up first. */
const statusOfTarget = (port: number, path: string) =>
  Effect.callback<number>((resume) => {
    const request = http.get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      response.resume()
      resume(Effect.succeed(response.statusCode ?? 0))
    })
    request.on("error", (error) => resume(Effect.die(error)))
    return Effect.sync(() => request.destroy())
  })

describe("ManagementAccess", () => {
  it.live("lets only whoever has the token read what others can reach, but for health", () =>
    Effect.gen(function*() {
      const { port } = yield* make("0.0.0.0", { SERVICERADAR_HTTP_TOKEN: token })
      const protectedPaths = ["/metrics", "/api/tree", "/api/openapi.json", "/nothing", "/health/../metrics"]
      const all = (authorization?: string) =>
        Effect.forEach(protectedPaths, (path) => statusOf(port, path, authorization))

      assert.deepStrictEqual(
        yield* Effect.forEach(["/health/live", "/health/ready"], (path) => statusOf(port, path)),
        [200, 200]
      )
      assert.deepStrictEqual(yield* all(), [401, 401, 401, 401, 401])
      assert.deepStrictEqual(yield* all(`Bearer ${token}x`), [401, 401, 401, 401, 401])
      assert.deepStrictEqual(yield* all(`Basic ${token}`), [401, 401, 401, 401, 401])
      assert.deepStrictEqual(yield* all(`Bearer ${token}`), [200, 200, 200, 404, 200])
    }))

  it.live("takes the token as those show it who ask the SRQL service of the existing system", () =>
    Effect.gen(function*() {
      const { port } = yield* make("0.0.0.0", { SERVICERADAR_HTTP_TOKEN: token })
      const statuses = yield* Effect.forEach([token, `${token}x`, ""], (key) =>
        Effect.promise(async (signal) => {
          const response = await fetch(`http://127.0.0.1:${port}/api/tree`, { headers: { "x-api-key": key }, signal })
          await response.arrayBuffer()
          return response.status
        }))

      assert.deepStrictEqual(statuses, [200, 401, 401])
    }))

  it.live("leaves it to a route to judge what only the route knows, and everything else is shown in vain", () =>
    Effect.gen(function*() {
      const own = { path: "/judged", summary: "", judges: (headers: Headers) => headers["x-own"] === "mine" } as const
      const route = { ...own, handle: () => Effect.succeed(HttpServerResponse.text("judged")) }
      const plain = { path: "/plain", summary: "", handle: route.handle } as const
      const { port } = yield* Management.use(({ register }) => register({ routes: [route, plain] })).pipe(
        Effect.andThen(ManagementServer.make({ host: "0.0.0.0", port: 0 })),
        Effect.provide([SupervisionTree.layer, Management.layer]),
        Effect.provideService(
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromUnknown({ SERVICERADAR_HTTP_TOKEN: token })
        )
      )
      const statuses = yield* Effect.forEach(
        ["/judged", "/plain", "/judged/../metrics"],
        (path) =>
          Effect.promise(async (signal) => {
            const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { "x-own": "mine" }, signal })
            await response.arrayBuffer()
            return response.status
          })
      )

      assert.deepStrictEqual(statuses, [200, 401, 401])
      assert.strictEqual(yield* statusOf(port, "/judged"), 401)
      assert.strictEqual(yield* statusOf(port, "/judged", `Bearer ${token}`), 200)
    }))

  it.live("lets those in whom a door knows, and to what is theirs alone those whom it admits to no more", () =>
    Effect.gen(function*() {
      const handle = () => Effect.map(ManagementAccess.AdmittedBy, (by) => HttpServerResponse.text(by))
      const routes = [
        { path: "/plain", summary: "", handle },
        { path: "/personal", summary: "", isPersonal: true, handle }
      ] as const
      const door: Door<never> = {
        signIn: "/auth/sign-in",
        admits: ({ headers }) =>
          Effect.succeed(
            headers["x-who"] === "first" ? "everything" : headers["x-who"] === "other" ? "own" : "nothing"
          )
      }
      const { port } = yield* Management.use(({ register }) => register({ routes, doors: [door] })).pipe(
        Effect.andThen(ManagementServer.make({ host: "0.0.0.0", port: 0 })),
        Effect.provide([SupervisionTree.layer, Management.layer]),
        Effect.provideService(
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromUnknown({ SERVICERADAR_HTTP_TOKEN: token })
        )
      )
      const answers = (headers: Readonly<Record<string, string>>) =>
        Effect.forEach(["/plain", "/personal", "/metrics"], (path) =>
          Effect.promise(async (signal) => {
            const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers, signal })
            const text = await response.text()
            return response.status === 200 && path !== "/metrics" ? text : response.status
          }))

      assert.deepStrictEqual(yield* answers({ "x-who": "first" }), ["door", "door", 200])
      assert.deepStrictEqual(yield* answers({ "x-who": "other" }), [401, "door", 401])
      assert.deepStrictEqual(yield* answers({}), [401, 401, 401])
      assert.deepStrictEqual(yield* answers({ authorization: `Bearer ${token}` }), ["server", "server", 200])
    }))

  it.live("is not talked into taking another path for one of health", () =>
    Effect.gen(function*() {
      const { port } = yield* make("0.0.0.0", { SERVICERADAR_HTTP_TOKEN: token })
      const targets = [
        // The router ends a path at a semicolon, a URL does not.
        "/metrics;/../health/live",
        "/api/tree;/../../health/live",
        "/api/openapi.json;/%2e%2e/../health/live",
        "/METRICS;/../health/live",
        "//metrics;/../health/live",
        "/metrics#/../health/live",
        "/metrics?/../health/live",
        "/health/../metrics",
        "/health/%2e%2e/metrics",
        "//health/metrics",
        "/health/..;/metrics",
        "/health\\..\\metrics",
        "http://health/metrics",
        "http://127.0.0.1/health/../metrics"
      ]

      const statuses = yield* Effect.forEach(targets, (target) => statusOfTarget(port, target))

      assert.deepStrictEqual(statuses, targets.map(() => 401))
      assert.strictEqual(yield* statusOfTarget(port, "/health/live;jsessionid=1"), 200)
    }))

  it.live("asks for nothing on the loopback", () =>
    Effect.gen(function*() {
      const { port } = yield* make("127.0.0.1", {})

      assert.strictEqual(yield* statusOf(port, "/metrics"), 200)
    }))

  it.live("does not start where others can reach it and nobody has a token, and says how to set one", () =>
    Effect.gen(function*() {
      const without = yield* Effect.flip(make("0.0.0.0", {}))
      const short = yield* Effect.flip(make("::", { SERVICERADAR_HTTP_TOKEN: "short" }))

      assert.strictEqual(
        without.message,
        "Cannot listen on 0.0.0.0:0: others can reach this address: set SERVICERADAR_HTTP_TOKEN to a secret that they " +
          "have to send as bearer token, configure certificates (security), or listen on 127.0.0.1"
      )
      assert.include(short.message, "SERVICERADAR_HTTP_TOKEN is shorter than 16 characters")
      assert.notInclude(short.message, "short\"")
    }))

  it.live("does not start with a token that no request can carry", () =>
    Effect.forEach(["                ", `${token}\n`, "sechzehn-zeichen-ä"], (text) =>
      Effect.gen(function*() {
        const { message } = yield* Effect.flip(make("0.0.0.0", { SERVICERADAR_HTTP_TOKEN: text }))

        assert.include(message, "SERVICERADAR_HTTP_TOKEN holds a space, a line end or a character beyond ASCII")
        assert.notInclude(message, text.trim() === "" ? "    " : text)
      })))
})
