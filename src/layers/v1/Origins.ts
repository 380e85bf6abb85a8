/**
 * Pages of other sites that a browser may let read core's answers: none, unless `cors.allowed_origins` names them. With a list, a
 * page of any other origin is answered `403 Origin not allowed`, as in the existing core. Whoever asks beforehand (`OPTIONS`) is
 * answered.
 */
import { Effect } from "effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Cors } from "../../domain/core/Cors.ts"
import type { Mount } from "../http/Management.ts"
import * as V1Answers from "./V1Answers.ts"

const allowed = {
  "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
  "access-control-allow-headers":
    "Content-Type, Authorization, X-API-Key, If-Match, If-None-Match, X-Request-Id, X-Partition-Id, X-Tenant-Id",
  "access-control-max-age": "3600"
}

/** What a page may read beside the usual. */
const exposed = { "access-control-expose-headers": "ETag, Location, Retry-After, Deprecation, Sunset, X-Request-Id" }

/** Whatever else an answer depends on, it depends on the origin, too. */
const granted = (grant: Readonly<Record<string, string>>) => (response: HttpServerResponse.HttpServerResponse) => {
  const others = response.headers["vary"] ?? ""
  const vary = [grant["vary"] ?? "", others].filter((one) => one !== "").join(", ")
  return HttpServerResponse.setHeaders(response, { ...grant, ...exposed, vary })
}

const notAllowed = V1Answers.text("Origin not allowed", 403)

const isPreflight = ({ headers, method }: HttpServerRequest.HttpServerRequest): boolean =>
  method === "OPTIONS" && headers["access-control-request-method"] !== undefined

/** What a browser is told of an origin; undefined for one that is not on the list. */
const grantOf = (cors: Cors, origin: string): Readonly<Record<string, string>> | undefined =>
  cors.origins.has(origin) || cors.origins.has("*")
    ? {
      "access-control-allow-origin": origin,
      vary: "Origin",
      ...(cors.allowsCredentials ? { "access-control-allow-credentials": "true" } : {})
    }
    : undefined

/** All of them. */
export const around = <R>(cors: Cors, mounts: ReadonlyArray<Mount<R>>): ReadonlyArray<Mount<R>> =>
  mounts.map((mount) => guarded(cors, mount))

const guarded = <R>(cors: Cors, { handle, ...mount }: Mount<R>): Mount<R> => ({
  ...mount,
  handle: (request) => {
    const { host, origin } = request.headers
    const isForeign = origin !== undefined && URL.parse(origin)?.host !== host
    if (cors.origins.size === 0 || !isForeign) {
      return isPreflight(request) ? Effect.succeed(HttpServerResponse.empty({ status: 204 })) : handle(request)
    }
    const grant = grantOf(cors, origin)
    if (grant === undefined) return Effect.succeed(notAllowed)
    return isPreflight(request)
      ? Effect.succeed(HttpServerResponse.empty({ status: 204, headers: { ...grant, ...allowed } }))
      : Effect.map(handle(request), granted(grant))
  }
})
