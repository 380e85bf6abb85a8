/**
 * Packages for new pollers, agents and checkers. They are of the tenant for which pollers report: to people of another one, and
 * within a partition, it is as if onboarding were switched off.
 */
import { Effect, Option, Result, Schema } from "effect"
import { componentTypes, EdgePackage } from "../../../domain/edge/EdgePackage.ts"
import { AuditEntry } from "../../../domain/identity/AuditEntry.ts"
import { defaultTenantId } from "../../../domain/identity/Tenant.ts"
import { toJson } from "../../../domain/records/Record.ts"
import * as E from "../../../domain/resource/expression/Expression.ts"
import { namesOf } from "../../../domain/resource/Names.ts"
import * as EdgePackageRequest from "../../../domain/v1/EdgePackageRequest.ts"
import { EdgeOnboarding } from "../../../services/edge/EdgeOnboarding.ts"
import { Records } from "../../../services/records/Records.ts"
import * as EdgePackages from "../../edge/EdgePackages.ts"
import type { Call, Handle, Refused, Route } from "../Route.ts"
import * as V1Answers from "../V1Answers.ts"
import * as EdgeDownloads from "./EdgeDownloads.ts"
import { disabled, refuse } from "./EdgeDownloads.ts"
import { handed, viewOf } from "./EdgeViews.ts"

const { definition } = EdgePackage
const record = namesOf("record", EdgePackage.attributes)

const noPackage = refuse(502, "failed to fetch package")
const noList = refuse(502, "failed to list packages")

/** A super user, too, works in one tenant at a time. */
const isSeen = ({ asker: { actor } }: Call): boolean =>
  actor["tenantId"] === defaultTenantId && typeof actor["partitionId"] !== "string"

const isOn = (call: Call) => Effect.map(EdgeOnboarding, ({ certify }) => isSeen(call) && Option.isSome(certify))

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
  activate: "activated",
  revoke: "revoked",
  softDelete: "deleted"
}

/** Where it came from. */
const addresses: Readonly<Record<string, string>> = { deliver: "deliveredTo", activate: "activatedFrom" }

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
      ...(addresses[action] === undefined ? {} : { source_ip: toJson(values[addresses[action]] ?? null) }),
      ...(action === "revoke" && typeof reason === "string" ? { details_json: JSON.stringify({ reason }) } : {})
    }
  }))
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
      InvalidTransition: () => Effect.fail(EdgeDownloads.notDelivered.revoked)
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
  { ...shown, method: "POST", path: `${packageOf}/download`, isOpen: true, handle: EdgeDownloads.download },
  { ...shown, path: "/api/edge-packages/{id}/bundle", role: "viewer", isOpen: true, handle: EdgeDownloads.bundle }
]
