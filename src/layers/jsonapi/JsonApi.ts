/**
 * JSON:API 1.1 over the resources that are exposed, each from its declaration alone:
 *
 *   GET    /api/v2/things, /api/v2/things/KEY, /api/v2/things/NAME (a read with a name of its own)
 *   POST   /api/v2/things
 *   PATCH  /api/v2/things/KEY, /api/v2/things/KEY/NAME (an update with a name of its own)
 *   DELETE /api/v2/things/KEY
 *   GET    /api/v2/open_api, /api/v2/forms (what whoever asks may do, and what a form for it asks for)
 *
 * Every answer names its request (`x-request-id`), as its audit entry does. A record has a version, in `meta` and as ETag;
 * with If-Match a change is refused when the record is of another one.
 */
import { DateTime, Effect, Option, Result } from "effect"
import * as ByteSize from "effect/ByteSize"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Bodies from "../../domain/jsonapi/Bodies.ts"
import * as Conditions from "../../domain/jsonapi/Conditions.ts"
import * as Documents from "../../domain/jsonapi/Documents.ts"
import * as Forms from "../../domain/jsonapi/Forms.ts"
import type { Resources } from "../../domain/jsonapi/Includes.ts"
import * as Media from "../../domain/jsonapi/Media.ts"
import * as OpenApi from "../../domain/jsonapi/OpenApi.ts"
import * as Problem from "../../domain/jsonapi/Problem.ts"
import * as Query from "../../domain/jsonapi/Query.ts"
import { type Exposed, type Named, type Routes, routesOf } from "../../domain/jsonapi/Wire.ts"
import * as Partition from "../../domain/records/Partition.ts"
import type { Stored } from "../../domain/records/Record.ts"
import type { Surroundings } from "../../domain/resource/expression/Node.ts"
import type { Definition } from "../../domain/resource/Resource.ts"
import { Askers } from "../../services/records/Askers.ts"
import { type Asker, Records } from "../../services/records/Records.ts"
import type { Mount } from "../http/Management.ts"
import * as RequestId from "../http/RequestId.ts"
import * as Answers from "./Answers.ts"
import * as Including from "./Including.ts"
import * as References from "./References.ts"

const bodyMax = ByteSize.kibibytes(256)
const addressMax = 8192

interface Target {
  readonly definition: Definition
  readonly routes: Routes
}

interface Call extends Target {
  readonly base: string
  readonly resources: Resources
  readonly url: URL
  readonly rest: ReadonlyArray<string>
  readonly asker: Asker
  /** Who asks, and when: of one moment for the whole of the request. */
  readonly surroundings: Surroundings
  readonly request: HttpServerRequest.HttpServerRequest
}

const showing = ({ base, resources, surroundings }: Call, fields: Query.Fields): Documents.Showing => ({
  base,
  resources,
  fields,
  surroundings
})

const one = Effect.fnUntraced(
  function*(call: Call, stored: Stored, status: number, query: Pick<Query.Query, "fields" | "include">) {
    const { asker, definition } = call
    const around = showing(call, query.fields)
    const { data, included } = yield* Including.shown(around, definition, [stored], query.include, asker)
    const self = Documents.selfOf(around, definition, stored)
    return Answers.records({ data: data.join(), included }, { links: { self } }, {
      status,
      headers: { etag: `"${stored.version}"`, ...(status === 201 ? { location: self } : {}) }
    })
  }
)

const refused = (problems: ReadonlyArray<Problem.Problem>) => {
  const [first, ...others] = problems
  return Answers.refusal([first ?? Problem.plain(400, "bad_request", "Bad Request", "is not understood"), ...others])
}

const list = Effect.fnUntraced(function*(call: Call, { name }: Named) {
  const { asker, definition, resources, surroundings, url } = call
  const parsed = Query.parse(definition, url.searchParams, surroundings, resources)
  if (Result.isFailure(parsed)) return refused(parsed.failure)
  const { fields, include, isCounted, limit, offset, order, place, where } = parsed.success
  const records = yield* Records
  const page = yield* records.list({
    definition,
    action: name,
    asker,
    order,
    limit,
    isCounted,
    ...(where === undefined ? {} : { where }),
    ...(offset === undefined ? {} : { offset }),
    ...(place === undefined ? {} : { place })
  })
  const around = showing(call, fields)
  const { data, included } = yield* Including.shown(around, definition, page.records, include, asker)
  return Answers.records({ data: `[${data.join(",")}]`, included }, {
    links: Documents.links(url.pathname, url.searchParams, parsed.success, page, around.surroundings),
    meta: { page: { limit, ...(page.total === undefined ? {} : { total: page.total }) } }
  })
})

const find = Effect.fnUntraced(function*(call: Call, { name }: Named, key: string) {
  const { asker, definition, request, resources, surroundings, url } = call
  const parsed = Query.parse(definition, url.searchParams, surroundings, resources)
  if (Result.isFailure(parsed)) return refused(parsed.failure)
  const records = yield* Records
  const stored = yield* records.find({ definition, action: name, asker, key })
  // What goes with it may have changed though it has not.
  const isSame = parsed.success.include.length === 0 &&
    Conditions.isKnown(request.headers["if-none-match"], stored.version)
  return isSame
    ? HttpServerResponse.empty({ status: 304, headers: { etag: `"${stored.version}"` } })
    : yield* one(call, stored, 200, parsed.success)
})

const bodyOf = (call: Call, named: Named, key: string | undefined) =>
  call.request.arrayBuffer.pipe(
    Effect.provideService(HttpServerRequest.MaxBodySize, bodyMax),
    Effect.match({
      onFailure: () =>
        Result.fail(
          Problem.plain(413, "too_large", "Content Too Large", "the body cannot be read, or is larger than 256 KiB")
        ),
      onSuccess: (bytes) =>
        Result.try(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes)).pipe(
          Result.mapError(() => Problem.ofBody("", "is not UTF-8")),
          Result.flatMap((text) => Bodies.parse(call.definition, named.action, key, text))
        )
    })
  )

const nothingSent: Bodies.Sent = { values: {}, pointers: new Map() }

const write = Effect.fnUntraced(function*(call: Call, named: Named, key: string | undefined) {
  const { asker, definition, request } = call
  const isDestroy = named.action.kind === "destroy"
  const problem = isDestroy ? undefined : Media.contentProblem(request.headers["content-type"])
  if (problem !== undefined) return refused([problem])
  // Before anything is changed: an answer that cannot be given is no reason to do it twice.
  const query = Query.parse(definition, call.url.searchParams, call.surroundings, call.resources)
  if (Result.isFailure(query)) return refused(query.failure)
  const versions = Conditions.expected(request.headers["if-match"])
  if (Result.isFailure(versions)) return refused([versions.failure])
  const sent = isDestroy ? Result.succeed(nothingSent) : yield* bodyOf(call, named, key)
  if (Result.isFailure(sent)) return refused([sent.failure])
  const { pointers, values } = sent.success
  const records = yield* Records
  const written = References.seen({ definition, action: named.name, asker, resources: call.resources, values }).pipe(
    Effect.andThen(records.write({
      definition,
      action: named.name,
      asker,
      input: { values, form: "json" },
      ...(key === undefined ? {} : { key }),
      ...(versions.success === undefined ? {} : { versions: versions.success })
    }))
  )
  return yield* written.pipe(
    Effect.flatMap((stored) =>
      stored === null
        ? Effect.succeed(Answers.nothing)
        : one(call, stored, named.action.kind === "create" ? 201 : 200, query.success)
    ),
    Effect.catchTag(["Invalid", "Conflict"], (error) => Effect.succeed(Answers.ofError(error, pointers)))
  )
})

const wrongMethod = (allowed: ReadonlyArray<string>) =>
  Answers.refusal([
    Problem.plain(405, "method_not_allowed", "Method Not Allowed", `here are ${allowed.join(", ")}`)
  ], { allow: allowed.join(", ") })

const nowhere = Answers.refusal([Problem.plain(404, "not_found", "Not Found", "there is nothing at this path")])

interface Possible {
  readonly method: string
  readonly named: Named | undefined
}

/** What can be done at a path, by method. */
const possible = ({ rest, routes }: Call): ReadonlyArray<Possible> => {
  const [key, name, ...more] = rest
  if (more.length > 0) return []
  if (key === undefined) {
    return [{ method: "GET", named: routes.read }, { method: "POST", named: routes.create }]
  }
  if (name !== undefined) return [{ method: "PATCH", named: routes.updates.get(name) }]
  const read = routes.reads.get(key)
  return read === undefined
    ? [
      { method: "GET", named: routes.read },
      { method: "PATCH", named: routes.update },
      { method: "DELETE", named: routes.destroy }
    ]
    : [{ method: "GET", named: read }]
}

const act = (call: Call) => {
  const [key] = call.rest
  const all = possible(call).filter(({ named }) => named !== undefined)
  if (all.length === 0) return Effect.succeed(nowhere)
  const method = call.request.method === "HEAD" ? "GET" : call.request.method
  const named = all.find((one) => one.method === method)?.named
  if (named === undefined) return Effect.succeed(wrongMethod(all.map(({ method }) => method)))
  if (method !== "GET") return write(call, named, key)
  return key === undefined || call.routes.reads.has(key) ? list(call, named) : find(call, named, key)
}

/** Characters that are none would be taken for others. */
const isReadable = (search: string): boolean => Result.isSuccess(Result.try(() => decodeURIComponent(search)))

const decoded = (part: string): string =>
  Option.getOrElse(Result.getSuccess(Result.try(() => decodeURIComponent(part))), () => "")

export interface JsonApiOptions {
  readonly base: `/${string}`
  readonly exposed: ReadonlyArray<Exposed>
}

export const mount = ({ base, exposed }: JsonApiOptions): Mount<Records | Askers> => {
  const targets = new Map<string, Target>(
    exposed.map((one) => [one.definition.collection, { definition: one.definition, routes: routesOf(one) }])
  )
  const resources: Resources = new Map(exposed.map((one) => [one.definition.name, one]))
  const description = OpenApi.document(base, exposed)

  const answer = Effect.fnUntraced(function*(request: HttpServerRequest.HttpServerRequest, requestId: string) {
    if (request.url.length > addressMax) {
      return Answers.refusal([Problem.plain(414, "too_long", "URI Too Long", `at most ${addressMax} characters`)])
    }
    const url = URL.parse(request.url, "http://localhost")
    const [collection = "", ...rest] = (url?.pathname ?? "").slice(base.length).split("/").slice(1).map(decoded)
    if (collection === "open_api" && rest.length === 0) return HttpServerResponse.jsonUnsafe(description)
    const problem = Media.acceptProblem(request.headers["accept"])
    if (problem !== undefined) return refused([problem])
    const askers = yield* Askers
    const address = Option.getOrElse(request.remoteAddress, () => "")
    const known = yield* askers.of({ method: request.method, headers: request.headers, address, requestId })
    const partition = Partition.ofHeader(request.headers[Partition.header])
    if (Result.isFailure(partition)) {
      return refused([Problem.ofHeader(400, "X-Partition-Id", "Invalid Partition", `expected ${partition.failure}`)])
    }
    const asker = { ...known, address, actor: { ...known.actor, partitionId: partition.success } }
    if (collection === "forms" && rest.length === 0) {
      const now = yield* DateTime.now
      return Answers.forms(Forms.document(base, exposed, { actor: asker.actor, arguments: {}, now }))
    }
    const target = targets.get(collection)
    if (url === null || target === undefined || rest.includes("")) return nowhere
    if (!isReadable(url.search)) {
      return refused([Problem.plain(400, "invalid_query", "Invalid Query", "the query is not percent-encoded UTF-8")])
    }
    const surroundings = { actor: asker.actor, arguments: {}, now: yield* DateTime.now }
    return yield* act({ ...target, base, resources, url, rest, asker, surroundings, request })
  })

  return {
    path: base,
    summaries: new Map([
      [`GET ${base}/open_api`, "The API of records, as OpenAPI 3.1; each of its paths is there"],
      [`GET ${base}/forms`, "What whoever asks may do with records, and what a form for it asks for"]
    ]),
    handle: (request) => {
      const requestId = RequestId.of(request.headers)
      return answer(request, requestId).pipe(
        Effect.tapErrorTag("RecordsRefused", ({ message }) => Effect.logError(`Request ${requestId}: ${message}`)),
        Effect.catchTag(
          "TooManyIncluded",
          ({ message }) => Effect.succeed(Answers.refusal([Problem.ofParameter("include", message)]))
        ),
        Effect.catch((error) => Effect.succeed(Answers.ofError(error))),
        Effect.map((response) => HttpServerResponse.setHeader(response, "x-request-id", requestId)),
        // Where it was made says nothing that its name does not.
        Effect.withSpan("JsonApi", { attributes: { requestId } }, { captureStackTrace: false })
      )
    }
  }
}
