/**
 * The HTTP side of every program: liveness, readiness, metrics, the live supervision tree, and what its parts have
 * registered, see `Management`; described at `/api/openapi.json`.
 *
 * Without authentication on the loopback, where requests must name the loopback too; beyond it see `ManagementAccess`. A connection that
 * sends nothing for 20 s is closed, a request must be complete within 30 s, and what is answered must be read within 2 minutes. Closing lets running requests end for 2 s, then cuts them off.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Duration, Effect, Option, Schema, type Scope } from "effect"
import * as ByteSize from "effect/ByteSize"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as http from "node:http"
import type { ListenAddress } from "../../domain/config/ListenAddress.ts"
import { none, type SecurityConfig } from "../../domain/security/SecurityConfig.ts"
import * as HostPort from "../../domain/sockets/HostPort.ts"
import { TreeNode } from "../../domain/supervision/TreeNode.ts"
import { Credentials, type CredentialsError } from "../../services/security/Credentials.ts"
import { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import { BindError } from "../grpc/GrpcServer.ts"
import * as ConnectionGuard from "../sockets/ConnectionGuard.ts"
import * as PortSharing from "../sockets/PortSharing.ts"
import * as LoopbackHost from "./LoopbackHost.ts"
import { Management, type Part, type Registered, type Route } from "./Management.ts"
import * as ManagementAccess from "./ManagementAccess.ts"
import * as ManagementCertificates from "./ManagementCertificates.ts"
import * as ManagementOpenApi from "./ManagementOpenApi.ts"
import * as Readiness from "./Readiness.ts"
import * as RequestTurns from "./RequestTurns.ts"
import * as SlowReaders from "./SlowReaders.ts"
import * as TreeTrace from "./TreeTrace.ts"

export interface ManagementOptions extends ListenAddress {
  /** The program's own, for HTTPS and certificates of clients; see `ManagementAccess`. */
  readonly security?: SecurityConfig
  /** With the process that replaces this one, or that it replaces; nobody shares the port unless told. */
  readonly sharing?: PortSharing.PortSharing
}

export interface ManagementServer {
  readonly port: number
  /** `host:port`. */
  readonly address: string
  readonly isTls: boolean
}

const grace = Duration.seconds(2)

const connections = {
  headersTimeout: 20_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
  // Node passes over a second Host or Authorization otherwise, of which whoever stands between us may take the other.
  joinDuplicateHeaders: true
}

/** Of the file descriptors that are not reserved; most are for gRPC. */
const connectionsShare = 0.2
/** Of one address: people, monitoring and load balancers have a few. */
const perPeerCeiling = 128

/** A program whose parts do not all run cannot do its work, whatever else it asks of itself. */
const parts = (tree: SupervisionTree["Service"]): Readiness.Check => ({
  name: "supervision tree",
  ready: Effect.flatMap(tree.unready, (nodes) =>
    nodes.length === 0
      ? Effect.void
      : Effect.fail({ message: nodes.map(({ path, state }) => `${path} is ${state}`).join(", ") }))
})

/** Files are there or a program does not start; a Workload API may have given nothing yet, or nothing new in time. */
const identities = (
  { _tag }: SecurityConfig,
  credentials: Option.Option<Credentials["Service"]>
): ReadonlyArray<Readiness.Check> =>
  _tag === "Spiffe" && Option.isSome(credentials) ? [{ name: "certificates", ready: credentials.value.ready }] : []

/** What a program without a monitor knows of security. */
type Monitor = Option.Option<SecurityMonitor["Service"]>

/** What every program shows. */
interface Sources {
  readonly tree: SupervisionTree["Service"]
  readonly monitor: Monitor
  /** Of the program as a whole. */
  readonly checks: ReadonlyArray<Readiness.Check>
  /** In the text format of Prometheus. */
  readonly metrics: Effect.Effect<string>
}

/** Whoever asks again and again is given the same text for so long: to write it takes milliseconds of the processor. */
const metricsAge = Duration.millis(100)

const builtIn = (
  { checks, mounts, routes }: Registered,
  { checks: whole, metrics, monitor, tree }: Sources
): ReadonlyArray<Route<never>> => {
  const own: ReadonlyArray<Route<never>> = [
    {
      path: "/health/live",
      summary: "Whether the program runs",
      answers: Schema.Struct({ status: Schema.Literal("live") }),
      handle: () => Effect.succeed(HttpServerResponse.jsonUnsafe({ status: "live" }))
    },
    {
      path: "/health/ready",
      summary: "Whether the program can do its work, and if not why; status 503 when it cannot",
      parameters: new Map([["verbose", "Also how many security events there were lately, by kind; whatever it holds"]]),
      answers: Readiness.Report,
      handle: (query) =>
        Effect.map(
          Effect.all([Readiness.evaluate([...whole, ...checks]), query.has("verbose") ? lately(monitor) : nothing]),
          ([report, more]) =>
            HttpServerResponse.jsonUnsafe({ ...report, ...more }, { status: report.status === "ready" ? 200 : 503 })
        )
    },
    {
      path: "/metrics",
      summary: "Metrics in the text format of Prometheus",
      handle: () =>
        Effect.map(
          metrics,
          (text) => HttpServerResponse.text(text, { contentType: "text/plain; version=0.0.4; charset=utf-8" })
        )
    },
    {
      path: "/api/tree",
      summary: "The live supervision tree",
      answers: Schema.Struct({ tree: Schema.Array(TreeNode) }),
      handle: () => Effect.map(tree.snapshot, (nodes) => HttpServerResponse.jsonUnsafe({ tree: nodes }))
    },
    {
      path: TreeTrace.route,
      summary: "What a child does from now on, one JSON document per line, until the client leaves",
      parameters: new Map([["path", "The child's path in the tree, for example Agent/Checkers"]]),
      handle: (query) => TreeTrace.respond(tree, query)
    },
    ...routes
  ]
  return [...own, {
    path: "/api/openapi.json",
    summary: "This description, as OpenAPI 3.1",
    answers: Schema.Struct({ openapi: Schema.String }),
    handle: () => Effect.succeed(HttpServerResponse.jsonUnsafe(ManagementOpenApi.document(own, mounts)))
  }]
}

const nothing: Effect.Effect<Pick<Readiness.Report, "security">> = Effect.succeed({})

const lately = (monitor: Monitor): Effect.Effect<Pick<Readiness.Report, "security">> =>
  Option.match(monitor, {
    onNone: () => nothing,
    onSome: ({ summary }) =>
      Effect.map(summary, ({ byKind, total, windowSeconds }) => ({
        security: { window_seconds: windowSeconds, total, by_kind: byKind }
      }))
  })

const problem = (status: number, error: string) => HttpServerResponse.jsonUnsafe({ error }, { status })

type Handle = (
  query: URLSearchParams,
  request: HttpServerRequest.HttpServerRequest
) => Effect.Effect<HttpServerResponse.HttpServerResponse>

const answer = (handle: Handle) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const url = URL.parse(request.url, "http://localhost")
    return url === null ? Effect.succeed(problem(400, "the address cannot be read")) : handle(url.searchParams, request)
  })

const bodyBytesMax = 64 * 1024

const withBody = (post: NonNullable<Route<never>["post"]>): Handle => (query, request) =>
  request.text.pipe(
    Effect.provideService(HttpServerRequest.MaxBodySize, ByteSize.bytes(bodyBytesMax)),
    Effect.matchEffect({
      onFailure: () => Effect.succeed(problem(413, `the body cannot be read, or is larger than ${bodyBytesMax} bytes`)),
      onSuccess: (body) => post(query, body)
    })
  )

/** Before a route: what everybody has to show, but for those whom it judges by itself. */
const guardOf = (
  { isPersonal, judges, path }: Route<never>,
  guard: ManagementAccess.Guard
): ManagementAccess.Guard => {
  if (ManagementAccess.isOpen(path)) return ManagementAccess.open
  return (answer) =>
    judges === undefined
      ? guard(answer, isPersonal)
      : Effect.flatMap(
        HttpServerRequest.HttpServerRequest,
        ({ headers }) => judges(headers) ? answer : guard(answer, isPersonal)
      )
}

const otherMethods = ["PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"] as const

const routerOf = Effect.fnUntraced(function*(
  registered: Registered,
  sources: Sources,
  guard: ManagementAccess.Guard
) {
  const router = yield* HttpRouter.make
  const paths = new Map<string, Route<never>>()
  for (const route of builtIn(registered, sources)) if (!paths.has(route.path)) paths.set(route.path, route)
  for (const route of paths.values()) {
    const { handle, path, post } = route
    const around = guardOf(route, guard)
    const only = `only GET${post === undefined ? "" : ", POST"} and HEAD are understood`
    const allow = `GET, ${post === undefined ? "" : "POST, "}HEAD`
    const refused = around(Effect.succeed(HttpServerResponse.setHeader(problem(405, only), "allow", allow)))
    yield* router.add("GET", path, around(answer(handle)))
    yield* router.add("POST", path, post === undefined ? refused : around(answer(withBody(post))))
    for (const method of otherMethods) yield* router.add(method, path, refused)
  }
  // Of all methods by name: the router takes what GET has for HEAD where nothing else matches, and `*` would.
  for (const { handle, path } of registered.mounts) {
    const answered = Effect.flatMap(HttpServerRequest.HttpServerRequest, handle)
    for (const method of ["GET", "POST", ...otherMethods] as const) yield* router.add(method, `${path}/*`, answered)
  }
  const all = [...paths.keys(), ...registered.mounts.map(({ path }) => `${path}/*`)].join(", ")
  const nowhere = problem(404, `there is nothing at this path; there is ${all}`)
  for (const method of ["GET", "POST", ...otherMethods] as const) {
    yield* router.add(method, "/*", guard(Effect.succeed(nowhere)))
  }
  return router.asHttpEffect()
})

/** In the name of somebody else's host, nothing is answered; see LoopbackHost. */
const addressedTo = <E, R>(
  bound: string,
  answer: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, HttpServerRequest.HttpServerRequest | R> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
    if (headers["host"]?.includes(",") === true) return Effect.succeed(problem(400, "expected one host"))
    return LoopbackHost.isAllowed(bound, headers["host"])
      ? answer
      : Effect.succeed(problem(421, `this server listens on ${bound} only: ask for it by that address or localhost`))
  })

/** What the router cannot read, such as `%ff`: below a mount it is the mount that says so, in its own words. */
const beyondRouter = ({ mounts }: Registered, guard: ManagementAccess.Guard) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const [mount] = mounts.filter(({ path }) => request.url.startsWith(`${path}/`))
      .toSorted((a, b) => b.path.length - a.path.length)
    return mount === undefined
      ? guard(Effect.succeed(problem(404, "there is nothing at this path")))
      : mount.handle(request)
  })

/** The router is made anew when a part has come or gone. */
const dispatcher = (
  management: Management["Service"],
  sources: Sources,
  guard: ManagementAccess.Guard
) => {
  let of: Registered | undefined
  let current: Effect.Success<ReturnType<typeof routerOf>> | undefined
  return Effect.gen(function*() {
    const registered = management.registered()
    if (current === undefined || of !== registered) {
      current = yield* routerOf(registered, sources, guard)
      of = registered
    }
    return yield* current
  }).pipe(Effect.catch(() => beyondRouter(management.registered(), guard)))
}

const bindError = (address: string) => (error: { readonly cause: unknown }): BindError => {
  const { cause } = error
  const text = cause instanceof Error ? cause.message : String(cause)
  return new BindError({ address, reason: text.replace(/^listen /, "").replace(/ \S+:\d+$/, "") })
}

/** Listens until the scope closes. */
export const make = Effect.fnUntraced(function*(
  options: ManagementOptions
): Effect.fn.Return<ManagementServer, BindError | CredentialsError, Management | SupervisionTree | Scope.Scope> {
  const { host, port, security: configured = none } = options
  const wanted = HostPort.format(options)
  const management = yield* Management
  const tree = yield* SupervisionTree
  const monitor = yield* Effect.serviceOption(SecurityMonitor)
  const whole = [parts(tree), ...identities(configured, yield* Effect.serviceOption(Credentials))]
  const metrics = yield* Effect.cachedWithTTL(PrometheusMetrics.format(), metricsAge)
  const certificates = yield* ManagementCertificates.of(configured, host)
  const { guard, isTls } = yield* ManagementAccess.accessOf(
    host,
    certificates.security,
    () => management.registered().doors
  ).pipe(
    Effect.mapError(({ reason }) => new BindError({ address: wanted, reason }))
  )
  const server = isTls ? yield* certificates.serve(connections) : http.createServer(connections)
  yield* SlowReaders.cutOff(server)
  const place = yield* PortSharing.listenOptions({ host, port }, options.sharing).pipe(
    Effect.mapError(({ detail }) => bindError(wanted)({ cause: new Error(detail) }))
  )
  const listening = yield* NodeHttpServer.make(() => server, { ...place, gracefulShutdownTimeout: grace }).pipe(
    Effect.mapError(bindError(wanted))
  )
  yield* ConnectionGuard.guard(server, { name: `HTTP on ${wanted}`, share: connectionsShare, perPeerCeiling })
  // After the grace given to running requests, before the wait for the last connection, which has no limit.
  yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
  let closing = false
  yield* listening.serve(
    Effect.map(
      addressedTo(host, dispatcher(management, { tree, monitor, metrics, checks: whole }, guard)),
      (plain) => {
        // Nothing here is what a browser makes of its first bytes.
        const response = HttpServerResponse.setHeader(plain, "x-content-type-options", "nosniff")
        // Otherwise the connection would be kept for a next request, and closing would wait for it.
        return closing ? HttpServerResponse.setHeader(response, "connection", "close") : response
      }
    )
  )
  yield* RequestTurns.take(server)
  yield* Effect.addFinalizer(() => Effect.sync(() => closing = true))
  const bound = server.address()
  const actual = typeof bound === "object" && bound !== null ? bound.port : port
  return { port: actual, address: HostPort.format({ host, port: actual }), isTls }
})

/** The server as a child of a program's tree, and what the program itself shows for as long as it runs. */
export const child = <R = never>(program: string, address: ManagementOptions, part: Part<R> = {}) =>
  Supervisor.child({
    id: "ManagementServer",
    start: Effect.gen(function*() {
      yield* Management.use(({ register }) => register(part))
      const server = yield* make(address)
      yield* Effect.logInfo(`${program} serves ${server.isTls ? "HTTPS" : "HTTP"} on ${server.address}`)
      return Effect.never
    })
  })
