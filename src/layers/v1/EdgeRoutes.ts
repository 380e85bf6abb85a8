/**
 * Packages for new pollers, agents and checkers. They are of the tenant for which pollers report: to people of another one, and
 * within a partition, it is as if onboarding were switched off.
 */
import { type DateTime, Effect, Option, Redacted, Result, Schema } from "effect"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import { componentTypes, EdgePackage } from "../../domain/edge/EdgePackage.ts"
import { AuditEntry } from "../../domain/identity/AuditEntry.ts"
import { type Stored, toJson } from "../../domain/records/Record.ts"
import * as E from "../../domain/resource/expression/Expression.ts"
import { namesOf } from "../../domain/resource/Names.ts"
import * as EdgePackageRequest from "../../domain/v1/EdgePackageRequest.ts"
import { EdgeOnboarding } from "../../services/edge/EdgeOnboarding.ts"
import { Records } from "../../services/records/Records.ts"
import * as OwnStatuses from "../../services/v1/OwnStatuses.ts"
import * as EdgePackages from "../edge/EdgePackages.ts"
import { type Call, type Handle, Refused, type Route } from "./Route.ts"
import * as V1Answers from "./V1Answers.ts"

const { definition } = EdgePackage
const record = namesOf("record", EdgePackage.attributes)

const refuse = (status: number, words: string) => new Refused({ status, words })

const disabled = refuse(503, "Edge onboarding service is disabled")
const noPackage = refuse(502, "failed to fetch package")
const noList = refuse(502, "failed to list packages")

const isSeen = ({ asker }: Call): boolean =>
  OwnStatuses.areSeen(asker) && typeof asker.actor["partitionId"] !== "string"

const isOn = (call: Call) => Effect.map(EdgeOnboarding, ({ certify }) => isSeen(call) && Option.isSome(certify))

const shownAs = {
  package_id: "id",
  label: "label",
  component_id: "componentId",
  component_type: "componentType",
  parent_type: "parentType",
  parent_id: "parentId",
  poller_id: "pollerId",
  site: "site",
  join_token_expires_at: "createdAt",
  download_token_expires_at: "tokenExpiresAt",
  created_by: "createdBy",
  created_at: "createdAt",
  updated_at: "updatedAt",
  delivered_at: "deliveredAt",
  revoked_at: "revokedAt",
  deleted_at: "deletedAt",
  deleted_by: "deletedBy",
  metadata_json: "metadataJson",
  checker_kind: "checkerKind",
  notes: "notes",
  security_mode: "securityMode"
}

/** What is not there is left out, as there. */
const shownOf = (names: Readonly<Record<string, string>>, { values }: Stored) =>
  Object.fromEntries(
    Object.entries(names).flatMap(([name, of]) => {
      const value = toJson(values[of] ?? null)
      return value === null ? [] : [[name, value]]
    })
  )

/** There is no id of SPIRE. */
const viewOf = (stored: Stored, now: DateTime.Utc) => ({
  ...shownOf(shownAs, stored),
  status: EdgePackages.statusOf(stored, now),
  downstream_spiffe_id: ""
})

const Metadata = Schema.fromJsonString(Schema.Record(Schema.String, Schema.String))
const decodeMetadata = Schema.decodeUnknownOption(Metadata)

/** Where it finds others, as far as its maker has said. */
const endpoints = {
  core: ["core_endpoint", "core_address"],
  poller: ["poller_endpoint"],
  kv: ["kv_endpoint", "kv_address"]
}

const bundleOf = ({ certificate, stored: { values } }: EdgePackages.Handed) => {
  const metadata = Option.getOrElse(decodeMetadata(values["metadataJson"]), (): typeof Metadata.Type => ({}))
  const said = Object.entries(endpoints).flatMap(([name, keys]) => {
    const address = keys.map((key) => metadata[key]).find((one) => one !== undefined)
    return address === undefined ? [] : [[name, address]]
  })
  return {
    ca_cert_pem: certificate.ca,
    client_cert_pem: certificate.cert,
    client_key_pem: Redacted.value(certificate.key),
    server_name: metadata["server_name"] ??
      (values["componentType"] === "checker" ? "poller.serviceradar" : "core.serviceradar"),
    endpoints: Object.fromEntries(said),
    generated_at: toJson(certificate.generatedAt),
    expires_at: toJson(certificate.expiresAt)
  }
}

/** The token to join with is one of SPIRE. Settings of a checker, which may hold passwords, are shown here alone. */
const handed = (what: EdgePackages.Handed, now: DateTime.Utc) => ({
  package: {
    ...viewOf(what.stored, now),
    ...shownOf({ checker_config_json: "checkerConfigJson" }, what.stored)
  },
  join_token: "",
  bundle_pem: what.certificate.ca,
  mtls_bundle: bundleOf(what)
})

const create: Handle = Effect.fnUntraced(function*(call) {
  const { asker, body, now } = call
  if (!(yield* isOn(call))) return yield* disabled
  const request = yield* Effect.mapError(
    Effect.fromResult(EdgePackageRequest.parse(body)),
    (words) => refuse(400, words)
  )
  if (request.securityMode === "spire") return yield* refuse(503, "SPIRE admin integration unavailable")
  const made = yield* EdgePackages.issue(request, asker).pipe(
    Effect.catchTags({
      OnboardingOff: () => Effect.fail(disabled),
      Conflict: () =>
        Effect.fail(
          refuse(
            409,
            `edge onboarding: ${request.componentType === "poller" ? "poller" : "component"} already provisioned`
          )
        ),
      Invalid: ({ problems }) =>
        Effect.fail(refuse(
          400,
          `edge onboarding: invalid request: ${problems.map(({ detail, field }) => `${field} ${detail}`).join("; ")}`
        )),
      EdgeCertificatesError: (error) =>
        Effect.andThen(Effect.logError(error.message), refuse(502, "failed to create edge package"))
    })
  )
  return V1Answers.json({ ...handed(made, now), download_token: made.token }, 201)
})

const statuses = ["issued", "delivered", "activated", "revoked", "expired", "deleted"] as const
const isStatus = Schema.is(Schema.Literals(statuses))
const isType = Schema.is(Schema.Literals(componentTypes))

/** Each may be said more than once, and several in one. */
const listed = (query: URLSearchParams, name: string): ReadonlyArray<string> =>
  query.getAll(name).flatMap((all) => all.split(",")).map((one) => one.trim()).filter((one) => one !== "")

const limits = { usual: 100, most: 1000 }

const limitOf = (query: URLSearchParams, usual: number) => {
  const limit = query.get("limit") ?? ""
  if (limit === "") return Result.succeed(usual)
  return /^[1-9]\d{0,8}$/.test(limit)
    ? Result.succeed(Math.min(Number(limit), limits.most))
    : Result.fail(refuse(400, "limit must be a positive integer"))
}

const filterOf = (query: URLSearchParams) =>
  Result.gen(function*() {
    const states = listed(query, "status")
    const unknown = states.find((one) => !isStatus(one))
    if (unknown !== undefined) return yield* Result.fail(refuse(400, `unknown status ${unknown.slice(0, 64)}`))
    const types = listed(query, "component_type").map((one) => one.toLowerCase())
    if (!types.every(isType)) {
      return yield* Result.fail(refuse(400, "component_type must be poller, agent, or checker"))
    }
    const status: E.Expression<string> = EdgePackage.calculations.status
    const type: E.Expression<string> = record.componentType
    const equal = (of: E.Expression<string>, name: string) => {
      const given = query.get(name)?.trim() ?? ""
      return given === "" ? [] : [E.equals(of, given)]
    }
    return E.and(
      states.length === 0 ? E.differs(status, "deleted") : E.oneOf(status, states),
      ...(types.length === 0 ? [] : [E.oneOf(type, types)]),
      ...equal(record.pollerId, "poller_id"),
      ...equal(record.componentId, "component_id"),
      ...equal(record.parentId, "parent_id")
    )
  })

const list: Handle = Effect.fnUntraced(function*(call) {
  const { asker, now, query } = call
  const limit = yield* Effect.fromResult(limitOf(query, limits.usual))
  const where = yield* Effect.fromResult(filterOf(query))
  if (!(yield* isOn(call))) return yield* noList
  const { records } = yield* Records.use((all) =>
    all.list({
      definition,
      action: "read",
      asker,
      where: where.node,
      order: [{ of: record.createdAt.node, isDescending: true }],
      limit
    })
  )
  return V1Answers.json(records.map((one) => viewOf(one, now)))
})

/** Of an address nobody knows what it may hold. */
const isUuid = Schema.is(Schema.String.check(Schema.isUUID()))

const keyOf = (call: Call): Effect.Effect<string, Refused> => {
  const id = call.at["id"] ?? ""
  return isSeen(call) && isUuid(id) ? Effect.succeed(id.toLowerCase()) : Effect.fail(noPackage)
}

const found = Effect.fnUntraced(function*(call: Call) {
  const key = yield* keyOf(call)
  return yield* Records.use((all) => all.find({ definition, action: "read", asker: call.asker, key })).pipe(
    Effect.catchTag("NotFound", () => Effect.fail(noPackage))
  )
})

const show: Handle = (call) => Effect.map(found(call), (stored) => V1Answers.json(viewOf(stored, call.now)))

/** As events are named of what was done. */
const eventTypes: Readonly<Record<string, string>> = {
  issue: "issued",
  deliver: "delivered",
  revoke: "revoked",
  softDelete: "deleted"
}

const eventsUsual = 50

const events: Handle = Effect.fnUntraced(function*(call) {
  const { asker, query } = call
  const limit = yield* Effect.fromResult(limitOf(query, eventsUsual))
  const { values } = yield* found(call)
  const { records } = yield* Records.use((all) =>
    all.list({
      definition: AuditEntry.definition,
      action: "read",
      asker,
      where: AuditEntry.where(({ record }) =>
        E.and(
          E.equals(record.resource, definition.name),
          E.equals(record.recordKey, String(values["id"])),
          E.equals(record.outcome, "done")
        )
      ).node,
      order: [{ of: namesOf("record", AuditEntry.attributes).id.node, isDescending: true }],
      limit
    })
  )
  return V1Answers.json(records.map(({ values: entry }) => {
    const action = String(entry["action"])
    const reason = values["revokedReason"]
    return {
      event_time: toJson(entry["at"] ?? null),
      event_type: eventTypes[action] ?? action,
      actor: toJson(entry["actorName"] ?? null),
      ...(action === "deliver" ? { source_ip: toJson(values["deliveredTo"] ?? null) } : {}),
      ...(action === "revoke" && typeof reason === "string" ? { details_json: JSON.stringify({ reason }) } : {})
    }
  }))
})

const decodeToken = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ download_token: Schema.optionalKey(Schema.NullOr(Schema.String)) }))
)

/** Of the reasons in the words of the existing core. */
const notDelivered: Readonly<Record<EdgePackages.NotDelivered["reason"], Refused>> = {
  invalid: refuse(401, "edge onboarding: download token invalid"),
  delivered: refuse(409, "edge onboarding: package already delivered"),
  revoked: refuse(409, "edge onboarding: package revoked"),
  expired: refuse(410, "edge onboarding: download token expired")
}

const wantsJson = ({ query, shown }: Call): boolean =>
  query.get("format")?.trim().toLowerCase() === "json" ||
  /^(?!.*application\/gzip).*application\/json/i.test(shown.headers["accept"] ?? "")

/** Nobody is asked who it is: the token says that it may. */
const download: Handle = Effect.fnUntraced(function*(call) {
  const body = decodeToken(call.body)
  if (Option.isNone(body)) return yield* refuse(400, "invalid JSON payload")
  const token = body.value.download_token?.trim() ?? ""
  if (token === "") return yield* refuse(400, "download_token is required")
  const { certify } = yield* EdgeOnboarding
  if (Option.isNone(certify)) return yield* disabled
  // Said before the token is used up.
  if (!wantsJson(call)) return yield* refuse(400, "mTLS packages must be downloaded with format=json")
  const { address, requestId } = { ...call.asker, address: call.shown.address }
  const got = yield* EdgePackages.deliver(call.at["id"] ?? "", token, { address, requestId }).pipe(
    Effect.catchTags({
      OnboardingOff: () => Effect.fail(disabled),
      NotDelivered: ({ reason }) => Effect.fail(notDelivered[reason]),
      EdgeCertificatesError: (error) =>
        Effect.andThen(Effect.logError(error.message), refuse(502, "failed to deliver edge package"))
    })
  )
  return V1Answers.json(handed(got, call.now))
})

const decodeReason = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ reason: Schema.optionalKey(Schema.NullOr(Schema.String)) }))
)

const revoke: Handle = Effect.fnUntraced(function*(call) {
  const { asker, body, now } = call
  const key = yield* keyOf(call)
  const given = decodeReason(body.trim() === "" ? "{}" : body)
  if (Option.isNone(given)) return yield* refuse(400, "invalid JSON payload")
  const reason = given.value.reason?.trim() ?? ""
  const stored = yield* Records.use((all) =>
    all.write({
      definition,
      action: "revoke",
      asker,
      key,
      input: { values: reason === "" ? {} : { reason }, form: "values" }
    })
  ).pipe(
    Effect.catchTags({
      NotFound: () => Effect.fail(noPackage),
      InvalidTransition: () => Effect.fail(notDelivered.revoked)
    })
  )
  return stored === null ? yield* noPackage : V1Answers.json(viewOf(stored, now))
})

const remove: Handle = Effect.fnUntraced(function*(call) {
  const key = yield* keyOf(call)
  const early = () =>
    Effect.fail(refuse(400, "edge onboarding: invalid request: package must be revoked before deletion"))
  yield* Records.use((all) =>
    all.write({ definition, action: "softDelete", asker: call.asker, key, input: { values: {}, form: "values" } })
  ).pipe(
    Effect.catchTags({
      NotFound: () => Effect.fail(noPackage),
      Invalid: early,
      InvalidTransition: ({ from }) => from === "deleted" ? Effect.void : early()
    })
  )
  return V1Answers.nothing
})

const defaults: Handle = () => Effect.succeed(V1Answers.json({}))

/** Of the later web application, which hands out archives: with a token anybody may ask, and there is none. */
const bundle: Handle = ({ query }): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.succeed(
    (query.get("token") ?? "") === ""
      ? V1Answers.json({ error: "token is required" }, 400)
      : V1Answers.json({ errors: { detail: "Not Found" } }, 404)
  )

const shown = { method: "GET", role: "admin", style: "json" } as const
const packages = "/api/admin/edge-packages"
const packageOf = `${packages}/{id}` as const

export const edgeRoutes: ReadonlyArray<Route> = [
  { ...shown, path: packages, handle: list },
  { ...shown, method: "POST", path: packages, handle: create },
  { ...shown, path: `${packages}/defaults`, handle: defaults },
  { ...shown, path: packageOf, handle: show },
  { ...shown, method: "DELETE", path: packageOf, handle: remove },
  { ...shown, path: `${packageOf}/events`, handle: events },
  { ...shown, method: "POST", path: `${packageOf}/revoke`, handle: revoke },
  { ...shown, method: "POST", path: `${packageOf}/download`, isOpen: true, handle: download },
  { ...shown, path: "/api/edge-packages/{id}/bundle", role: "viewer", isOpen: true, handle: bundle }
]
