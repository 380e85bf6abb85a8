/**
 * The HTTP side of every program: liveness, readiness, metrics and the live supervision tree.
 *
 * Without authentication, so it belongs on the loopback. Routes are a table of exact paths: there is nothing to match
 * and no order to get wrong. Closing lets running requests end for 2 s, then cuts them off.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Duration, Effect, type Scope } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as http from "node:http"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import { BindError } from "../grpc/GrpcServer.ts"
import * as Readiness from "./Readiness.ts"

/** One path, answered to GET and HEAD. */
export interface Route<out R> {
  readonly path: `/${string}`
  readonly handle: (query: URLSearchParams) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
}

export interface ManagementOptions<R> {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** What must work before the program is ready. */
  readonly checks?: ReadonlyArray<Readiness.Check>
  readonly routes?: ReadonlyArray<Route<R>>
}

export interface ManagementServer {
  readonly port: number
  /** `host:port`. */
  readonly address: string
}

const grace = Duration.seconds(2)

/** A program whose parts do not all run cannot do its work, whatever else it asks of itself. */
const parts = (tree: SupervisionTree["Service"]): Readiness.Check => ({
  name: "supervision tree",
  ready: Effect.flatMap(tree.unready, (nodes) =>
    nodes.length === 0
      ? Effect.void
      : Effect.fail({ message: nodes.map(({ path, state }) => `${path} is ${state}`).join(", ") }))
})

const builtIn = (checks: ReadonlyArray<Readiness.Check>): ReadonlyArray<Route<SupervisionTree>> => [
  { path: "/health/live", handle: () => Effect.succeed(HttpServerResponse.jsonUnsafe({ status: "live" })) },
  {
    path: "/health/ready",
    handle: () =>
      Effect.map(
        SupervisionTree.use((tree) => Readiness.evaluate([parts(tree), ...checks])),
        (report) => HttpServerResponse.jsonUnsafe(report, { status: report.status === "ready" ? 200 : 503 })
      )
  },
  {
    path: "/metrics",
    handle: () =>
      Effect.map(
        PrometheusMetrics.format(),
        (text) => HttpServerResponse.text(text, { contentType: "text/plain; version=0.0.4; charset=utf-8" })
      )
  },
  {
    path: "/api/tree",
    handle: () =>
      SupervisionTree.use((tree) =>
        Effect.map(tree.snapshot, (nodes) => HttpServerResponse.jsonUnsafe({ tree: nodes }))
      )
  }
]

const problem = (status: number, error: string) => HttpServerResponse.jsonUnsafe({ error }, { status })

const dispatch = <R>(routes: ReadonlyArray<Route<R>>, isClosing: () => boolean) => {
  const byPath = new Map<string, Route<R>["handle"]>(routes.map((route) => [route.path, route.handle]))
  return Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const url = URL.parse(request.url, "http://localhost")
    const handle = url === null ? undefined : byPath.get(url.pathname)
    if (url === null || handle === undefined) {
      return problem(404, `there is nothing at this path; there is ${[...byPath.keys()].join(", ")}`)
    }
    if (request.method !== "GET" && request.method !== "HEAD") return problem(405, "only GET and HEAD are understood")
    const response = yield* handle(url.searchParams)
    // Otherwise the connection would be kept for a next request, and closing would wait for it.
    return isClosing() ? HttpServerResponse.setHeader(response, "connection", "close") : response
  })
}

const bindError = (address: string) => (error: { readonly cause: unknown }): BindError => {
  const { cause } = error
  const text = cause instanceof Error ? cause.message : String(cause)
  return new BindError({ address, reason: text.replace(/^listen /, "").replace(/ \S+:\d+$/, "") })
}

/** Listens until the scope closes. */
export const make = <R = never>(
  options: ManagementOptions<R>
): Effect.Effect<ManagementServer, BindError, R | SupervisionTree | Scope.Scope> =>
  Effect.gen(function*() {
    const { host, port } = options
    const server = http.createServer()
    const listening = yield* NodeHttpServer.make(() => server, { host, port, gracefulShutdownTimeout: grace }).pipe(
      Effect.mapError(bindError(`${host}:${port}`))
    )
    // After the grace given to running requests, before the wait for the last connection, which has no limit.
    yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
    let closing = false
    const routes = [...builtIn(options.checks ?? []), ...(options.routes ?? [])]
    yield* listening.serve(dispatch<R | SupervisionTree>(routes, () => closing))
    yield* Effect.addFinalizer(() => Effect.sync(() => closing = true))
    const bound = server.address()
    const actual = typeof bound === "object" && bound !== null ? bound.port : port
    return { port: actual, address: `${host}:${actual}` }
  })
