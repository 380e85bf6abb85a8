/**
 * Whatever the people of one tenant ask, they learn and change nothing of another: every route of every exposed resource,
 * with filters, orders, cursors and references that name the other's records; with its policies, and by row-level security
 * alone.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Schema } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { exposed } from "../../../src/domain/core/PublicResources.ts"
import { EdgePackage } from "../../../src/domain/edge/EdgePackage.ts"
import { defaultTenantId, Tenant } from "../../../src/domain/identity/Tenant.ts"
import { User } from "../../../src/domain/identity/User.ts"
import { Device } from "../../../src/domain/inventory/devices/Device.ts"
import { DeviceAliasState } from "../../../src/domain/inventory/devices/DeviceAliasState.ts"
import { DeviceGroup } from "../../../src/domain/inventory/devices/DeviceGroup.ts"
import { DeviceIdentifier } from "../../../src/domain/inventory/devices/DeviceIdentifier.ts"
import { Interface } from "../../../src/domain/inventory/devices/Interface.ts"
import { MergeAudit } from "../../../src/domain/inventory/devices/MergeAudit.ts"
import * as Cursors from "../../../src/domain/jsonapi/Cursors.ts"
import { related, type Resources } from "../../../src/domain/jsonapi/Includes.ts"
import { type Exposed, fieldName, routesOf } from "../../../src/domain/jsonapi/Wire.ts"
import { type Actor, superSystem, system } from "../../../src/domain/records/Actor.ts"
import { type Stored, toJson } from "../../../src/domain/records/Record.ts"
import { application } from "../../../src/domain/records/Schema.ts"
import { publicField, publicFields } from "../../../src/domain/resource/PublicFields.ts"
import type { Definition } from "../../../src/domain/resource/Resource.ts"
import * as ApiTokens from "../../../src/layers/identity/ApiTokens.ts"
import * as SignInLinks from "../../../src/layers/identity/SignInLinks.ts"
import * as JsonApi from "../../../src/layers/jsonapi/JsonApi.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as Rows from "../../../src/layers/postgres/connection/Rows.ts"
import * as PgRecords from "../../../src/layers/records/PgRecords.ts"
import { migrations } from "../../../src/programs/core/ControlPlane.ts"
import * as Directory from "../../../src/services/identity/Directory.ts"
import { Askers } from "../../../src/services/records/Askers.ts"
import { Records } from "../../../src/services/records/Records.ts"
import * as TestConnection from "../../support/TestConnection.ts"

const database = PgRecords.layer.pipe(
  Layer.provideMerge(TestConnection.layerOf({ migrations, application }))
)

const other = "7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111"

/** In every text of the other tenant. */
const mark = "zweitmandant"

const made = (
  { definition }: { readonly definition: Definition },
  action: string,
  tenantId: string,
  values: Readonly<Record<string, unknown>>
) =>
  Records.use((records) =>
    records.write({
      definition,
      action,
      asker: Directory.asking({ ...superSystem, tenantId }, "setup"),
      input: { values, form: "json" }
    })
  ).pipe(Effect.flatMap((stored) => Effect.fromNullishOr(stored)))

/** A tenant with people, groups, devices, tokens and sessions; the names carry the word. */
const inhabited = Effect.fnUntraced(function*(tenantId: string, word: string) {
  const people: Array<Actor> = []
  for (const role of ["viewer", "operator", "admin"]) {
    const user = yield* made(User, "create", tenantId, { email: `${role}@${word}.example`, displayName: word, role })
    yield* ApiTokens.issue({ user, name: word, scope: "admin" }, "setup")
    people.push(Option.getOrThrow(Directory.actorOf(user, "admin")))
    yield* SignInLinks.make(user, { address: word, requestId: "setup" })
    yield* Records.use((records) =>
      records.write({
        definition: exposed.flatMap(({ definition }) => definition.name === "session" ? [definition] : [])[0] ??
          User.definition,
        action: "begin",
        asker: Directory.asking(system(tenantId), "setup"),
        input: {
          values: {
            userId: user.values["id"],
            tokenHash: `${word}${role}`,
            address: word,
            expiresAt: "2030-01-01T00:00:00Z"
          },
          form: "json"
        }
      })
    )
  }
  yield* made(EdgePackage, "issue", tenantId, {
    label: word,
    componentId: word,
    componentType: "poller",
    pollerId: word,
    metadataJson: "{}",
    notes: word,
    tokenHash: word,
    tokenExpiresAt: "2030-01-01T00:00:00Z"
  })
  const group = yield* made(DeviceGroup, "create", tenantId, { name: word, desc: word })
  for (const at of [1, 2, 3]) {
    yield* made(Device, "create", tenantId, {
      uid: `${word}:${at}`,
      hostname: `${word}-${at}`,
      groupId: group.values["id"],
      region: word
    })
    const deviceId = `${word}:${at}`
    yield* made(Interface, "record", tenantId, { deviceId, ifIndex: at, ifName: word })
    yield* made(DeviceIdentifier, "register", tenantId, {
      deviceId,
      identifierType: "mac",
      identifierValue: `0242AC11000${at}`,
      source: word
    })
    yield* made(DeviceAliasState, "detect", tenantId, { deviceId, aliasType: "ip", aliasValue: `${word} ${at}` })
    yield* made(MergeAudit, "record", tenantId, { fromDeviceId: deviceId, toDeviceId: `${word}:0`, reason: word })
  }
  return people
})

/** As the owner of the database sees them. */
const Digest = Schema.Struct({ digest: Schema.NullOr(Schema.String), count: Schema.Int })
const digestOf = Effect.fnUntraced(function*(tenantId: string) {
  const sql = yield* PgConnection.use(({ client }) => client)
  return yield* Effect.forEach(exposed, ({ definition: { table } }) => {
    const column = table === "tenants" ? "id" : "tenant_id"
    return Rows.query(
      Digest,
      sql.unsafe(
        `select md5(string_agg(t::text, '|' order by t::text)) as digest, count(*)::int as count
          from serviceradar_control.${table} t where ${column} = $1`,
        [tenantId]
      )
    )
  })
})

/** The other tenant's records, of each resource, as its own system reads them. */
const recordsOf = Effect.fnUntraced(function*(tenantId: string, definition: Definition) {
  const { list } = yield* Records
  const { records } = yield* list({
    definition,
    action: "read",
    asker: Directory.asking({ ...superSystem, tenantId }, "setup"),
    order: [],
    limit: 100
  })
  return records.filter(({ values }) => (values["tenantId"] ?? values["id"]) === tenantId)
})

interface Attempt {
  readonly method: string
  readonly path: string
  readonly body?: unknown
}

const base = "/api/v2"

const resources: Resources = new Map(exposed.map((one) => [one.definition.name, one]))

const attemptsOn = (one: Exposed, theirs: ReadonlyArray<Stored>): ReadonlyArray<Attempt> => {
  const { definition } = one
  const routes = routesOf(one)
  const home = `${base}/${definition.collection}`
  const fields = publicFields(definition)
  const body = (attributes: object, id?: string) => ({ data: { type: definition.name, attributes, ...(id && { id }) } })
  const lists = [home, ...[...routes.reads.keys()].map((name) => `${home}/${name}`)]
  const keys = theirs.map(({ values }) => String(values[definition.key]))
  const values = theirs.flatMap((stored) =>
    fields.flatMap((field) => {
      const value = stored.values[field] ?? null
      return value === null || Array.isArray(value) ? [] : [[fieldName(field), String(toJson(value))] as const]
    })
  )
  const includes = related(definition, resources).flatMap((first) => [
    fieldName(first.name),
    ...related(first.target.definition, resources).map((then) => `${fieldName(first.name)}.${fieldName(then.name)}`)
  ])
  const queries = [
    "",
    ...includes.map((path) => `include=${path}&page[limit]=500`),
    ...includes.flatMap((path) => keys.map((key) => `include=${path}&filter[${fieldName(definition.key)}]=${key}`)),
    "page[count]=true&page[limit]=500",
    "page[before]=",
    "page[offset]=0&page[count]=true",
    ...fields.flatMap((field) =>
      publicField(definition, field)?.kind === "text_list" ? [] : [
        `sort=${fieldName(field)}`,
        `filter[${fieldName(field)}][is_nil]=false&page[count]=true`
      ]
    ),
    ...new Set(values.map(([field, value]) => `filter[${field}]=${encodeURIComponent(value)}&page[count]=true`)),
    ...theirs.flatMap((stored) =>
      ["after", "before"].map((side) =>
        `page[${side}]=${Cursors.encode("", [stored.values[definition.key] ?? null])}&page[limit]=500`
      )
    )
  ]
  const references = Object.keys(definition.attributes).filter((name) => name.endsWith("Id") && name !== "tenantId")
  const referring = references.flatMap((name) =>
    theirs.flatMap(({ values }) =>
      values[name] === null || values[name] === undefined ? [] : [{
        [fieldName(name)]: values[name]
      }]
    )
  )
  return [
    ...queries.map((query) => ({ method: "GET", path: `${home}?${query}` })),
    ...lists.map((path) => ({ method: "GET", path: `${path}?page[limit]=500&page[count]=true` })),
    ...keys.flatMap((key) => {
      const at = `${home}/${encodeURIComponent(key)}`
      return [
        { method: "GET", path: at },
        ...includes.map((path) => ({ method: "GET", path: `${at}?include=${path}` })),
        { method: "PATCH", path: at, body: body({}) },
        { method: "PATCH", path: at, body: body({ name: "taken" }) },
        { method: "DELETE", path: at },
        ...[...routes.updates.keys()].map((name) => ({ method: "PATCH", path: `${at}/${name}`, body: body({}) }))
      ]
    }),
    ...referring.flatMap((attributes) => [
      { method: "POST", path: home, body: body({ name: "mine", uid: "mine", ...attributes }) }
    ]),
    { method: "POST", path: home, body: body({ name: "mine", uid: "mine", tenant_id: other }) }
  ]
}

const refusals = new Set([400, 403, 404, 405, 409, 422, 500])

const ask = (exposedNow: ReadonlyArray<Exposed>) => {
  const { handle } = JsonApi.mount({ base, exposed: exposedNow })
  // Whose token is whose is tried elsewhere, and not in question here.
  const askerOf = (actor: Actor) =>
    Askers.of({ of: ({ requestId }) => Effect.succeed(Directory.asking(actor, requestId)) })
  return (actor: Actor, { body, method, path }: Attempt) =>
    handle(HttpServerRequest.fromWeb(
      new Request(`http://localhost${path}`, {
        method,
        headers: body === undefined ? {} : { "content-type": "application/vnd.api+json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
    )).pipe(
      Effect.provideService(Askers, askerOf(actor)),
      Effect.map((response) => HttpServerResponse.toWeb(response)),
      Effect.flatMap((response) =>
        Effect.map(Effect.promise(() => response.text()), (text) => ({ status: response.status, text }))
      )
    )
}

/** Without the policies and the tenant's own condition: what is left is the database. */
const unguarded = ({ definition, ...more }: Exposed): Exposed => ({
  ...more,
  definition: {
    ...definition,
    tenant: undefined,
    bypass: undefined,
    policies: [{
      actions: Object.keys(definition.actions),
      condition: { _tag: "Literal", kind: "boolean", value: true }
    }]
  }
})

const Total = Schema.Struct({ meta: Schema.Struct({ page: Schema.Struct({ total: Schema.optionalKey(Schema.Int) }) }) })
const totalOf = Schema.decodeUnknownOption(Schema.fromJsonString(Total))

const tried = Effect.fnUntraced(function*(
  attacked: ReadonlyArray<Exposed>,
  people: ReadonlyArray<Actor>
) {
  const before = yield* digestOf(other)
  const send = ask(attacked)
  let answered = 0
  let seen = 0
  let included = 0
  for (const [at, one] of exposed.entries()) {
    const attack = attacked[at]
    if (attack === undefined) continue
    const theirs = yield* recordsOf(other, one.definition)
    assert.isAbove(theirs.length, 0, one.definition.name)
    const own = yield* recordsOf(defaultTenantId, one.definition)
    for (const attempt of attemptsOn(one, theirs)) {
      // Questions of an admin reach furthest; what is named by its key is tried by everybody.
      const asking = attempt.method === "GET" && attempt.path.includes("?") ? people.slice(-1) : people
      for (const actor of asking) {
        const { status, text } = yield* send(actor, attempt)
        const about = `${actor.role} ${attempt.method} ${decodeURIComponent(attempt.path)}: ${status} ${text}`
        // What was asked comes back in links, and in what a refusal says of it.
        const answer = status < 300 && text !== "" ? JSON.parse(text) : {}
        const data = JSON.stringify(answer.data ?? "") + JSON.stringify(answer.included ?? "")
        assert.isFalse(data.includes(mark), about)
        for (const { values } of theirs) {
          const key = String(values[one.definition.key])
          if (key.length > 8) assert.isFalse(data.includes(key), about)
        }
        if (status >= 300) {
          assert.isTrue(refusals.has(status), about)
          assert.isFalse(text.replaceAll(/\\"[^"]*\\"/g, "").includes(mark), about)
        }
        const total = Option.flatMap(totalOf(text), ({ meta }) => Option.fromUndefinedOr(meta.page.total))
        if (Option.isSome(total) && one.definition.name !== "audit-entry") {
          assert.isAtMost(total.value, own.length + answered, about)
        }
        if (status === 201) answered += 1
        if (data.startsWith("[{")) seen += 1
        if (data.endsWith("}]") && answer.included !== undefined) included += 1
      }
    }
  }
  // Their own they do see.
  assert.isAbove(seen, 100)
  assert.isAbove(included, 10)
  assert.deepStrictEqual(yield* digestOf(other), before)
})

layer(database, { excludeTestServices: true, timeout: "300 seconds" })("Two tenants", (it) => {
  it.effect(
    "know nothing of each other, whatever they ask, also when nothing but the database keeps them apart",
    () =>
      Effect.gen(function*() {
        yield* made(Tenant, "create", defaultTenantId, { id: other, name: mark, slug: mark })
        const people = yield* inhabited(defaultTenantId, "first")
        yield* inhabited(other, mark)
        yield* tried(exposed, people)
        yield* tried(exposed.map(unguarded), people)
      }),
    300_000
  )
})
