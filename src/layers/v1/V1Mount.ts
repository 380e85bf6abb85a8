/**
 * The v1 API of the existing core below `/api`, and that of its later web application where a browser has signed in. Whoever asks
 * shows a token of `/auth/login`, an API token, or the cookie of a session, and may what the role of its user may.
 *
 * Below `/api` whatever is no route answers `404 page not found`, asked by whomever, as there.
 */
import { DateTime, Effect, Option, Result } from "effect"
import * as ByteSize from "effect/ByteSize"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { RolesFor } from "../../domain/core/RouteProtection.ts"
import * as Partition from "../../domain/records/Partition.ts"
import * as Permission from "../../domain/v1/Permission.ts"
import { Askers, type Shown } from "../../services/records/Askers.ts"
import { type Asker, Records } from "../../services/records/Records.ts"
import type { Mount } from "../http/Management.ts"
import * as RequestId from "../http/RequestId.ts"
import { adminRoutes } from "./AdminRoutes.ts"
import { deviceRoutes } from "./DeviceRoutes.ts"
import { edgeRoutes } from "./edge/EdgeRoutes.ts"
import { identityRoutes } from "./IdentityRoutes.ts"
import { metricRoutes } from "./MetricRoutes.ts"
import { pollerRoutes } from "./PollerRoutes.ts"
import { type Failure, type Needs, Refused, type Route } from "./Route.ts"
import * as RouteTable from "./RouteTable.ts"
import { searchRoutes } from "./SearchRoutes.ts"
import { settingsRoutes } from "./SettingsRoutes.ts"
import { statsRoutes } from "./StatsRoutes.ts"
import * as Texts from "./Texts.ts"
import * as V1Answers from "./V1Answers.ts"

/** All there are. */
export const routes: ReadonlyArray<Route> = [
  ...pollerRoutes,
  ...metricRoutes,
  ...deviceRoutes,
  ...searchRoutes,
  ...statsRoutes,
  ...identityRoutes,
  ...settingsRoutes,
  ...adminRoutes,
  ...edgeRoutes
]

const find = RouteTable.make(routes)

const bodyMax = ByteSize.kibibytes(64)

const nowhere = V1Answers.text("404 page not found", 404)

const unknown = ({ headers }: Shown): string => {
  if (headers["authorization"]?.startsWith("Bearer ") === true) return "Invalid bearer token"
  return headers["x-api-key"] === undefined ? "Authentication required" : "Invalid API key"
}

const isBySession = ({ headers }: Shown): boolean =>
  headers["authorization"] === undefined && headers["x-api-key"] === undefined

const bodyOf = (request: HttpServerRequest.HttpServerRequest) =>
  request.method === "POST" || request.method === "PUT"
    ? request.text.pipe(
      Effect.provideService(HttpServerRequest.MaxBodySize, bodyMax),
      Effect.mapError(() => new Refused({ status: 413, words: "the body cannot be read, or is larger than 64 KiB" }))
    )
    : Effect.succeed("")

const shownIn = (request: HttpServerRequest.HttpServerRequest, requestId: string): Shown => ({
  method: request.method,
  headers: request.headers,
  address: Option.getOrElse(request.remoteAddress, () => ""),
  requestId
})

/** Characters of an address in the audit. */
const auditedMax = 1024

/** As the audit names what a route would have answered. */
const v1Route = { name: "v1-route", tenant: undefined, bypass: undefined }

/** Of a route that asks nobody who it is. */
const nobody = (requestId: string): Asker => ({ actor: {}, id: "", name: "nobody", requestId })

const askerOf = (shown: Shown) =>
  Askers.use((askers) => askers.of(shown)).pipe(
    Effect.catchTags({
      NotSignedIn: () => Effect.fail(new Refused({ status: 401, words: unknown(shown) })),
      OtherTenant: ({ message }) => Effect.fail(new Refused({ status: 400, words: message }))
    })
  )

const answered = Effect.fnUntraced(function*(
  rolesFor: RolesFor,
  found: RouteTable.Found,
  request: HttpServerRequest.HttpServerRequest,
  { searchParams }: URL,
  shown: Shown
): Effect.fn.Return<HttpServerResponse.HttpServerResponse, Failure, Needs | Askers> {
  const { at, route } = found
  const isOpen = route.isOpen === true
  const known = isOpen ? nobody(shown.requestId) : yield* askerOf(shown)
  const partition = Partition.ofHeader(shown.headers[Partition.header])
  if (Result.isFailure(partition)) {
    return yield* new Refused({ status: 400, words: `X-Partition-Id: expected ${partition.failure}` })
  }
  const asker = { ...known, address: shown.address, actor: { ...known.actor, partitionId: partition.success } }
  const isRead = route.isRead ?? route.method === "GET"
  const isAllowed = Permission.may(asker.actor, route.role, isRead) &&
    Permission.hasAny(asker.actor, rolesFor(route.method, RouteTable.pathOf(found)))
  if (!isOpen && !isAllowed) {
    const path = RouteTable.pathOf(found).slice(0, auditedMax).toWellFormed()
    yield* Records.use(({ deny }) =>
      deny({ definition: v1Route, action: route.method, key: path, asker, reason: "insufficient permissions" })
    )
    return V1Answers.forbidden
  }
  const isOfSession = isBySession(shown)
  if (route.isOfSession === true && !isOfSession) return nowhere
  const handle = isOfSession ? route.ofSession ?? route.handle : route.handle
  const body = Texts.body(yield* bodyOf(request))
  return yield* handle({ at, query: Texts.query(searchParams), body, asker, shown, now: yield* DateTime.now })
})

/** What the log has to say of it; what anybody can cause is nothing. */
const noted = (requestId: string, error: Failure) => {
  const isOurs = error._tag === "RecordsRefused" ||
    (error._tag === "StatusStoreError" && error.reason._tag === "StoreRefused")
  return isOurs ? Effect.logError(`Request ${requestId}: ${error.message}`) : Effect.void
}

const handle = (rolesFor: RolesFor) => (request: HttpServerRequest.HttpServerRequest) => {
  const requestId = RequestId.of(request.headers)
  const url = URL.parse(request.url, "http://localhost")
  const found = url === null ? Option.none() : find(request.method, url.pathname)
  if (url === null || Option.isNone(found)) return Effect.succeed(nowhere)
  const { route } = found.value
  return answered(rolesFor, found.value, request, url, shownIn(request, requestId)).pipe(
    Effect.tapError((error) => noted(requestId, error)),
    Effect.catch((error) =>
      Effect.succeed(
        error._tag === "Refused" && error.status === 401
          ? HttpServerResponse.setHeader(V1Answers.ofFailure("json", error), "www-authenticate", "Bearer")
          : V1Answers.ofFailure(route.style, error)
      )
    ),
    Effect.map((response) => HttpServerResponse.setHeader(response, "x-request-id", requestId)),
    Effect.withSpan("V1", { attributes: { requestId, route: route.path } })
  )
}

/** `rolesFor` is what core's file wants of paths besides. */
export const mount = (rolesFor: RolesFor): Mount<Needs | Askers> => ({
  path: "/api",
  summaries: new Map(
    routes.map(({ isOpen, method, path, role }) => [
      `${method} ${path}`,
      `As v1.0.76 answers; ${isOpen === true ? "for everybody" : `for a ${role} or more`}`
    ])
  ),
  handle: handle(rolesFor)
})
