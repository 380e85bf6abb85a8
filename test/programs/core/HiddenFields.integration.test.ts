/** Fields that are hidden from some, wherever core shows records: JSON:API, what comes with it, audit and events, SRQL and CSV. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { defaultTenantId, Tenant } from "../../../src/domain/identity/Tenant.ts"
import { User } from "../../../src/domain/identity/User.ts"
import { Device } from "../../../src/domain/inventory/devices/Device.ts"
import { DeviceGroup } from "../../../src/domain/inventory/devices/DeviceGroup.ts"
import { Interface } from "../../../src/domain/inventory/devices/Interface.ts"
import type { Exposed } from "../../../src/domain/jsonapi/Wire.ts"
import { devices, differing } from "../../../src/domain/queries/inventory/Devices.ts"
import { type Actor, isAdmin, superSystem } from "../../../src/domain/records/Actor.ts"
import { application } from "../../../src/domain/records/Schema.ts"
import * as E from "../../../src/domain/resource/expression/Expression.ts"
import type { Definition } from "../../../src/domain/resource/Resource.ts"
import { governedBy } from "../../../src/domain/srql/catalog/ResourceEntity.ts"
import * as JsonApi from "../../../src/layers/jsonapi/JsonApi.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as Rows from "../../../src/layers/postgres/connection/Rows.ts"
import * as PgQueries from "../../../src/layers/queries/PgQueries.ts"
import { queryRoute } from "../../../src/layers/queries/QueryRoute.ts"
import * as PgRecords from "../../../src/layers/records/PgRecords.ts"
import { migrations } from "../../../src/programs/core/ControlPlane.ts"
import * as Directory from "../../../src/services/identity/Directory.ts"
import { QueryAskers } from "../../../src/services/queries/QueryAskers.ts"
import { Askers } from "../../../src/services/records/Askers.ts"
import { Records } from "../../../src/services/records/Records.ts"
import { catalog } from "../../../src/services/srql/index.ts"
import * as TestConnection from "../../support/TestConnection.ts"

/** Devices of which some is for admins, and some for admins of what is at risk; with a group and a time that are hidden too. */
const GuardedDevice = Device.reveals(({ only, record }) => [
  only(["ip", "riskScore", "groupId", "lastSeenTime", "vendorName"], isAdmin),
  only(["model"], E.and(isAdmin, E.equals(record.region, "open")))
])

const exposed: ReadonlyArray<Exposed> = [
  { definition: Tenant.definition },
  { definition: User.definition },
  { definition: GuardedDevice.definition },
  { definition: DeviceGroup.definition },
  { definition: Interface.reveals(({ only }) => [only(["deviceId"], isAdmin)]).definition }
]

const queries = catalog([governedBy(GuardedDevice, devices, differing)])

const programs = PgQueries.layer({ catalog: queries, rules: new Map() }).pipe(
  Layer.provideMerge(PgRecords.layer),
  Layer.provideMerge(TestConnection.layerOf({ migrations, application }))
)

const write = (
  definition: Definition,
  action: string,
  values: Readonly<Record<string, unknown>>,
  key?: string
) =>
  Records.use((records) =>
    records.write({
      definition,
      action,
      asker: Directory.asking(superSystem, "setup"),
      input: { values, form: "json" },
      ...(key === undefined ? {} : { key })
    })
  ).pipe(Effect.flatMap((stored) => Effect.fromNullishOr(stored)))

const hidden = { hidden: true }

const personOf = (id: string, role: Actor["role"]): Actor => ({
  id,
  tenantId: defaultTenantId,
  name: role,
  role,
  isSuperUser: false,
  scope: "admin"
})

/** People, a group, and two devices in it that differ in their region alone. */
const stored = Effect.gen(function*() {
  const group = yield* write(DeviceGroup.definition, "create", { name: "racks" })
  for (const [uid, region] of [["d:1", "open"], ["d:2", "closed"]] as const) {
    const values = {
      uid,
      region,
      hostname: uid,
      ip: "10.7.7.7",
      riskScore: 7654321,
      model: "sevens",
      vendorName: "Seven",
      groupId: group.values["id"]
    }
    yield* write(GuardedDevice.definition, "create", values)
    yield* write(Interface.definition, "record", { deviceId: uid, ifIndex: 1, ifName: "eth0" })
  }
  const users = yield* Effect.forEach(["viewer", "operator", "admin"] as const, (role) =>
    Effect.map(
      write(User.definition, "create", { email: `${role}@example.org`, role }),
      ({ values }) => personOf(String(values["id"]), role)
    ))
  for (const { id } of users) {
    yield* write(User.definition, "setPassword", { hashedPassword: "$argon2id$secret" }, id)
    yield* write(User.definition, "failSignIn", { failedSignIns: 3, lockedUntil: "2031-07-07T07:07:07Z" }, id)
  }
  yield* write(Tenant.definition, "update", { contactEmail: "seven@example.org", contactName: "S." }, defaultTenantId)
  const [viewer, operator, admin] = users
  if (viewer === undefined || operator === undefined || admin === undefined) return yield* Effect.die("three people")
  return { viewer, operator, admin }
})

const api = JsonApi.mount({ base: "/api/v2", exposed })

const ask = Effect.fnUntraced(function*(actor: Actor, path: string) {
  const askers = Askers.of({ of: ({ requestId }) => Effect.succeed(Directory.asking(actor, requestId)) })
  const response = yield* api.handle(HttpServerRequest.fromWeb(new Request(`http://localhost/api/v2/${path}`))).pipe(
    Effect.provideService(Askers, askers)
  )
  const text = yield* Effect.promise(() => HttpServerResponse.toWeb(response).text())
  return { status: response.status, text, body: JSON.parse(text) }
})

const question = Effect.fnUntraced(function*(actor: Actor, query: string, format = "json") {
  const asker = { tenant: "default", actor, name: actor.name, isOperator: false }
  const url = `http://localhost/api/query?query=${encodeURIComponent(query)}&format=${format}`
  const response = yield* queryRoute.handle(new URL(url).searchParams).pipe(
    Effect.provideService(QueryAskers, QueryAskers.of({ of: () => Effect.succeed(asker), operator: asker })),
    Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromWeb(new Request(url)))
  )
  const text = yield* Effect.promise(() => HttpServerResponse.toWeb(response).text())
  return { status: response.status, text }
})

const Told = Schema.Struct({ text: Schema.NullOr(Schema.String) })

/** What nobody but an admin is shown, in whatever form. */
const secrets = ["10.7.7.7", "7654321", "Seven", "sevens", "2031-07-07", "argon2id", "seven@"]

const tellsNothing = (text: string) =>
  assert.deepStrictEqual(secrets.filter((secret) => text.includes(secret)), [], text)

layer(programs, { excludeTestServices: true, timeout: "60 seconds" })("A hidden field", (it) => {
  it.effect(
    "is a marker in all that core answers, and no way to ask",
    () =>
      Effect.gen(function*() {
        const { admin, operator, viewer } = yield* stored

        const users = yield* ask(viewer, "users?filter[email]=admin@example.org")
        assert.deepInclude(users.body.data[0].attributes, {
          email: "admin@example.org",
          hashed_password: hidden,
          failed_sign_ins: hidden,
          locked_until: hidden
        })
        const own = yield* ask(viewer, `users/${viewer.id}`)
        assert.deepInclude(own.body.data.attributes, { failed_sign_ins: 3, hashed_password: hidden })
        const toAdmin = yield* ask(admin, "users?sort=failed_sign_ins&filter[locked_until][gt]=2030-01-01T00:00:00Z")
        assert.lengthOf(toAdmin.body.data, 3)
        assert.deepInclude(toAdmin.body.data[0].attributes, { failed_sign_ins: 3, hashed_password: hidden })
        assert.deepInclude((yield* ask(viewer, `tenants/${defaultTenantId}`)).body.data.attributes, {
          contact_email: hidden
        })
        assert.deepInclude((yield* ask(admin, `tenants/${defaultTenantId}`)).body.data.attributes, {
          contact_email: "seven@example.org"
        })

        // A device: sparse, by itself, as what comes with another, and with the relationship that a hidden attribute keeps.
        for (const actor of [viewer, operator]) {
          const listed = yield* ask(
            actor,
            "devices?fields[device]=ip,risk_score,model,status_color,is_stale,hostname,group"
          )
          tellsNothing(listed.text)
          const { attributes, relationships } = listed.body.data[0]
          assert.deepStrictEqual(attributes, {
            hostname: "d:1",
            ip: hidden,
            model: hidden,
            risk_score: hidden,
            status_color: hidden,
            is_stale: hidden
          })
          assert.deepStrictEqual(relationships, { group: { meta: hidden } })
          assert.deepStrictEqual((yield* ask(actor, "interfaces")).body.data[0].attributes.device_id, hidden)
          const asked = [
            "devices?filter[ip]=10.7.7.7",
            "devices?filter[risk_score][gt]=5",
            "devices?filter[group_id][is_nil]=false",
            "devices?sort=-risk_score",
            "devices?sort=hostname,is_stale",
            "devices?include=group",
            "devices?include=interfaces",
            "devices/d%3A1?include=group",
            "users?filter[hashed_password][contains]=a",
            "users?sort=locked_until",
            "tenants?filter[contact_email]=seven@example.org"
          ]
          for (const path of asked) {
            const { body, status, text } = yield* ask(actor, path)
            assert.strictEqual(status, 400, `${path}: ${text}`)
            assert.deepInclude(body.errors[0], { code: "hidden_field", title: "Hidden Field" })
            assert.match(body.errors[0].detail, /^[a-z_]+ of [a-z]+ is hidden from you/)
            tellsNothing(text.replaceAll(/\\"[^"]*\\"/g, ""))
          }
        }
        const seen = yield* ask(admin, "devices?include=group,interfaces&filter[ip]=10.7.7.7&sort=-risk_score,uid")
        assert.deepStrictEqual(
          seen.body.data.map(({ attributes }: { readonly attributes: { readonly model: unknown } }) =>
            attributes.model
          ),
          ["sevens", hidden]
        )
        assert.lengthOf(seen.body.included, 3)
        // Of some records only: to nobody a way to ask.
        assert.strictEqual((yield* ask(admin, "devices?filter[model]=sevens")).status, 400)

        // Whoever reads the audit and the events later.
        const sql = yield* PgConnection.use(({ client }) => client)
        const told = yield* Rows.query(
          Told,
          sql`select changes::text as text from serviceradar_control.audit_entries
            union all select record::text from serviceradar_control.record_events`
        )
        assert.isAbove(told.length, 10)
        for (const { text } of told) tellsNothing(text ?? "")
        assert.isTrue(told.some(({ text }) => text?.includes(`"failedSignIns": [{"hidden": true}, {"hidden": true}]`)))

        // SRQL, as rows and as CSV.
        const row = yield* question(viewer, "in:devices sort:uid:asc")
        tellsNothing(row.text)
        assert.deepInclude(JSON.parse(row.text).results[0], {
          uid: "d:1",
          ip: hidden,
          groups: hidden,
          last_seen: hidden
        })
        const csv = yield* question(viewer, "in:devices sort:uid:asc", "csv")
        tellsNothing(csv.text)
        assert.include(csv.text, `"{""hidden"":true}"`)
        assert.include((yield* question(admin, "in:devices sort:uid:asc", "csv")).text, "10.7.7.7")
        const questions = [
          "in:devices ip:10.7.7.7",
          "in:devices !ip:10.7.7.7",
          "in:devices sort:last_seen",
          "in:devices time:last_7d",
          "in:devices vendor_name:Seven",
          "in:devices stats:\"count() as n by vendor\"",
          "in:devices stats:\"max(risk_score) as m\"",
          "in:devices stats:\"count(risk_score) as m\"",
          "in:devices stats:\"sum(if(risk_score > 5, 1, 0)) as m\"",
          "in:devices stats:\"group_uniq_array(ip) as m\""
        ]
        for (const text of questions) {
          const refused = yield* question(viewer, text)
          assert.strictEqual(refused.status, 400, `${text}: ${refused.text}`)
          assert.include(refused.text, "is hidden from you", text)
        }
        for (
          const text of [
            "in:devices ip:10.7.7.7",
            "in:devices stats:\"max(risk_score) as m\"",
            "in:devices time:last_7d"
          ]
        ) {
          const answered = yield* question(admin, text)
          assert.strictEqual(answered.status, 200, answered.text)
        }
      }),
    60_000
  )
})
