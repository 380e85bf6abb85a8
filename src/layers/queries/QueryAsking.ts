/**
 * Who asks by HTTP, by what the request shows; and why somebody is not answered at all.
 *
 * Whoever shows an API token, or has signed in, is asked for by it, on the loopback too. All others the server has let in by itself, and
 * they are operators: on the loopback everybody is, so a proxy on the same machine has to ask for a sign-in by itself. An operator who
 * names a tenant, by its short name, is answered with its rows.
 */
import { Effect, Option, Result } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Partition from "../../domain/records/Partition.ts"
import * as TenantHeader from "../../domain/records/TenantHeader.ts"
import { type QueryAsker, QueryAskers } from "../../services/queries/QueryAskers.ts"
import * as Askers from "../../services/records/Askers.ts"
import type { RecordsRefused, RecordsUnavailable } from "../../services/records/Records.ts"
import * as ManagementAccess from "../http/ManagementAccess.ts"
import * as RequestId from "../http/RequestId.ts"
import * as QueryBody from "./QueryBody.ts"

/** When those who were refused for want of a place had better come again. */
const retryAfterSeconds = "5"

export const later = (message: string) =>
  HttpServerResponse.setHeader(QueryBody.problem(503, message), "retry-after", retryAfterSeconds)

/** Who is not answered at all. */
const turnedAway = (error: Askers.NotSignedIn | Askers.OtherTenant | RecordsUnavailable | RecordsRefused) => {
  switch (error._tag) {
    case "NotSignedIn":
      return HttpServerResponse.setHeader(QueryBody.problem(401, error.message), "www-authenticate", "Bearer")
    case "OtherTenant":
      return QueryBody.problem(400, error.message)
    case "RecordsUnavailable":
      return later(error.message)
    case "RecordsRefused":
      return QueryBody.problem(500, "who asks cannot be looked up: see the log of core")
  }
}

/** An access token, by its form: what else is shown where nothing is asked for is nobody's business. */
const isAccessToken = (headers: Askers.Shown["headers"]): boolean =>
  /^Bearer +eyJ[\w-]*\.[\w-]+\.[\w-]+ *$/i.test(headers["authorization"] ?? "")

const judge = (shown: Askers.Shown) =>
  QueryAskers.use(({ of }) =>
    Effect.tapErrorTag(of(shown), "RecordsRefused", ({ message }) => Effect.logError(message))
  )

const known = Effect.gen(function*() {
  const { operator } = yield* QueryAskers
  const request = yield* Effect.serviceOption(HttpServerRequest.HttpServerRequest)
  if (Option.isNone(request)) return operator
  const { headers, method, remoteAddress } = request.value
  const address = Option.getOrElse(remoteAddress, () => "")
  const shown = { method, headers, address, requestId: RequestId.of(headers) }
  const isJudged = Askers.isShown(headers) || (yield* ManagementAccess.AdmittedBy) === "door"
  if (isJudged || isAccessToken(headers)) return yield* judge(shown)
  const ofAll = { ...operator, name: address }
  const tenant = headers[TenantHeader.header]
  const asOperator = tenant === undefined ? ofAll : { ...ofAll, tenant }
  if (headers["cookie"] === undefined) return asOperator
  // A question changes nothing, whoever has written the page that asks it. A session that has ended is none.
  return yield* Effect.catchTag(
    judge({ ...shown, method: "GET" }),
    "NotSignedIn",
    () => Effect.succeed(asOperator)
  )
})

/** Tables of events know tenants by these, and who shows nothing has none looked up. */
const shortName = /^(?![0-9a-f-]{36}$)[a-z0-9][a-z0-9_-]{0,62}$/

/** In the partition that the request names. */
const within = (asker: QueryAsker): Effect.Effect<Result.Result<QueryAsker, string>> =>
  Effect.map(Effect.serviceOption(HttpServerRequest.HttpServerRequest), (request) => {
    if (asker.isOperator && asker.tenant !== null && !shortName.test(asker.tenant)) {
      return Result.fail(`${TenantHeader.header}: expected the short name of a tenant`)
    }
    const named = Option.match(request, { onNone: () => undefined, onSome: ({ headers }) => headers[Partition.header] })
    return Result.mapBoth(Partition.ofHeader(named), {
      onFailure: (expected) => `X-Partition-Id: expected ${expected}`,
      onSuccess: (partition): QueryAsker =>
        partition === null ? asker : { ...asker, actor: { ...asker.actor, partitionId: partition } }
    })
  })

/** What an asker is answered, or why nobody is. */
export const answered = <R>(
  answer: (asker: QueryAsker) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R | QueryAskers> =>
  Effect.matchEffect(Effect.flatMap(known, within), {
    onFailure: (error) => Effect.succeed(turnedAway(error)),
    onSuccess: Result.match({
      onFailure: (problem) => Effect.succeed(QueryBody.problem(400, problem)),
      onSuccess: answer
    })
  })
