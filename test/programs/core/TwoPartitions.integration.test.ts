/**
 * Whoever asks for one partition of a tenant learns and changes nothing of another: every route of every resource that has
 * partitions, or what belongs to something that has; whatever the role. What is in none is seen, and left as it is.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { coreCatalog } from "../../../src/domain/core/CoreCatalog.ts"
import { exposed } from "../../../src/domain/core/PublicResources.ts"
import { defaultTenantId } from "../../../src/domain/identity/Tenant.ts"
import { Device } from "../../../src/domain/inventory/devices/Device.ts"
import { DeviceAliasState } from "../../../src/domain/inventory/devices/DeviceAliasState.ts"
import { DeviceIdentifier } from "../../../src/domain/inventory/devices/DeviceIdentifier.ts"
import { Interface } from "../../../src/domain/inventory/devices/Interface.ts"
import { MergeAudit } from "../../../src/domain/inventory/devices/MergeAudit.ts"
import { related, type Resources } from "../../../src/domain/jsonapi/Includes.ts"
import { fieldName, routesOf } from "../../../src/domain/jsonapi/Wire.ts"
import { devices } from "../../../src/domain/queries/inventory/Devices.ts"
import { type Actor, superSystem } from "../../../src/domain/records/Actor.ts"
import { application } from "../../../src/domain/records/Schema.ts"
import { publicField, publicFields } from "../../../src/domain/resource/PublicFields.ts"
import type { Definition } from "../../../src/domain/resource/Resource.ts"
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
import * as TestConnection from "../../support/TestConnection.ts"

const programs = PgQueries.layer({ catalog: coreCatalog, rules: new Map() }).pipe(
  Layer.provideMerge(PgRecords.layer),
  Layer.provideMerge(TestConnection.layerOf({ migrations, application }))
)

const here = "p-here"
const there = "p-there"
/** In every text of the other partition. */
const mark = "zweitpartition"

/** What is of a partition, or tells of something that is. */
const attacked = exposed.filter(({ definition: { name } }) =>
  ["device", "device-identifier", "device-alias-state", "interface", "merge-audit"].includes(name)
)
const resources: Resources = new Map(exposed.map((one) => [one.definition.name, one]))

const made = (definition: Definition, action: string, values: Readonly<Record<string, unknown>>) =>
  Records.use((records) =>
    records.write({
      definition,
      action,
      asker: Directory.asking(superSystem, "setup"),
      input: { values, form: "json" }
    })
  )

/** Devices of a partition, or of none, with what is known of each. */
const inhabited = Effect.fnUntraced(function*(partition: string | null, word: string) {
  for (const at of [1, 2, 3]) {
    const deviceId = `${word}:${at}`
    yield* made(Device.definition, "create", {
      uid: deviceId,
      hostname: deviceId,
      region: word,
      partitionId: partition
    })
    yield* made(DeviceIdentifier.definition, "register", {
      deviceId,
      identifierType: "mac",
      identifierValue: `${word} ${at}`,
      partition: partition ?? "default",
      source: word
    })
    yield* made(DeviceAliasState.definition, "detect", {
      deviceId,
      partition,
      aliasType: "ip",
      aliasValue: `${word} ${at}`
    })
    yield* made(Interface.definition, "record", { deviceId, ifIndex: at, ifName: word })
    yield* made(MergeAudit.definition, "record", { fromDeviceId: deviceId, toDeviceId: `${word}:0`, reason: word })
  }
})

const Digest = Schema.Struct({ digest: Schema.NullOr(Schema.String), count: Schema.Int })
const digest = Effect.fnUntraced(function*() {
  const sql = yield* PgConnection.use(({ client }) => client)
  return yield* Effect.forEach(attacked, ({ definition: { table } }) =>
    Rows.query(
      Digest,
      sql.unsafe(
        `select md5(string_agg(t::text, '|' order by t::text)) as digest, count(*)::int as count
          from serviceradar_control.${table} t where t::text not like '%mine%'`
      )
    ))
})

const keysOf = Effect.fnUntraced(function*({ key, table }: Definition, word: string) {
  const sql = yield* PgConnection.use(({ client }) => client)
  const column = fieldName(key)
  const rows = yield* Rows.query(
    Schema.Struct({ key: Schema.String }),
    sql.unsafe(`select ${column}::text as key from serviceradar_control.${table} t where t::text like '%${word}%'`)
  )
  return rows.map((row) => row.key)
})

const api = JsonApi.mount({ base: "/api/v2", exposed })

const ask = (actor: Actor, partition: string | undefined) =>
  Effect.fnUntraced(function*(method: string, path: string, body?: unknown) {
    const askers = Askers.of({ of: ({ requestId }) => Effect.succeed(Directory.asking(actor, requestId)) })
    const response = yield* api.handle(HttpServerRequest.fromWeb(
      new Request(`http://localhost/api/v2/${path}`, {
        method,
        headers: {
          ...(partition === undefined ? {} : { "x-partition-id": partition }),
          ...(body === undefined ? {} : { "content-type": "application/vnd.api+json" })
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
    )).pipe(Effect.provideService(Askers, askers))
    const text = yield* Effect.promise(() => HttpServerResponse.toWeb(response).text())
    const answer = response.status < 300 && text !== "" ? JSON.parse(text) : {}
    return { status: response.status, text, data: answer.data, included: answer.included, meta: answer.meta }
  })

const personOf = (role: Actor["role"], isSuperUser = false): Actor => ({
  id: "a0000000-0000-4000-8000-000000000001",
  tenantId: defaultTenantId,
  name: "me",
  role,
  isSuperUser,
  scope: "admin"
})

/** Reads that could tell of the other partition. */
const readsOn = (one: (typeof exposed)[number], keys: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { definition } = one
  const home = definition.collection
  const fields = publicFields(definition).map((field) =>
    [fieldName(field), publicField(definition, field)?.kind] as const
  )
  const includes = related(definition, resources).map(({ name }) => fieldName(name))
  return [
    `${home}?page[limit]=500&page[count]=true`,
    ...[...routesOf(one).reads.keys()].map((name) => `${home}/${name}?page[limit]=500&page[count]=true`),
    ...fields.flatMap(([field, kind]) => [
      `${home}?filter[${field}][is_nil]=false&page[count]=true`,
      ...(kind === "text_list" ? [] : [`${home}?sort=-${field}&page[limit]=500`]),
      ...(kind === "text" ? [`${home}?filter[${field}][contains]=${mark}&page[count]=true`] : [])
    ]),
    ...includes.map((name) => `${home}?include=${name}&page[limit]=500`),
    ...keys.flatMap((key) => [
      `${home}/${encodeURIComponent(key)}`,
      `${home}?filter[${fieldName(definition.key)}]=${encodeURIComponent(key)}&page[count]=true`
    ])
  ]
}

layer(programs, { excludeTestServices: true, timeout: "120 seconds" })("Two partitions", (it) => {
  it.effect(
    "know nothing of each other, whatever is asked with X-Partition-Id, and whoever asks",
    () =>
      Effect.gen(function*() {
        yield* inhabited(here, "first")
        yield* inhabited(there, mark)
        yield* inhabited(null, "shared")
        const before = yield* digest()
        let seen = 0
        for (const actor of [personOf("viewer"), personOf("operator"), personOf("admin"), personOf("admin", true)]) {
          const send = ask(actor, here)
          for (const one of attacked) {
            const { definition } = one
            const keys = yield* keysOf(definition, mark)
            assert.isAbove(keys.length, 0, definition.name)
            for (const path of readsOn(one, keys)) {
              const { data, included, meta, status, text } = yield* send("GET", path)
              const about = `${actor.role} ${decodeURIComponent(path)}: ${status} ${text}`
              assert.oneOf(status, [200, 403, 404], about)
              const told = JSON.stringify(data ?? "") + JSON.stringify(included ?? "")
              assert.isFalse(told.includes(mark), about)
              for (const key of keys) assert.isFalse(told.includes(key), about)
              // Its own three, and the three that are in none.
              if (meta?.page?.total !== undefined) assert.isAtMost(meta.page.total, 6, about)
              if (told.startsWith("[{")) seen += 1
            }
            const body = (id: string) => ({ data: { type: definition.name, id, attributes: {} } })
            for (const key of keys) {
              const at = `${definition.collection}/${encodeURIComponent(key)}`
              const changes = [...routesOf(one).updates.keys()].map((name) => `${at}/${name}`)
              for (const path of [at, ...changes]) {
                const { status, text } = yield* send("PATCH", path, body(key))
                assert.oneOf(status, [404, 405], `${actor.role} PATCH ${path}: ${text}`)
              }
              assert.oneOf((yield* send("DELETE", at)).status, [404, 405])
            }
          }
        }
        assert.isAbove(seen, 100)
        assert.deepStrictEqual(yield* digest(), before)
      }),
    120_000
  )

  it.effect("are told apart by the header alone, and one that nobody has is as empty as another tenant", () =>
    Effect.gen(function*() {
      const admin = personOf("admin")
      const uids = Effect.fnUntraced(function*(partition: string | undefined) {
        const { data } = yield* ask(admin, partition)("GET", "devices?sort=uid&fields[device]=uid")
        return data.map(({ id }: { readonly id: string }) => id.split(":")[0])
      })
      assert.deepStrictEqual([...new Set(yield* uids(here))], ["first", "shared"])
      assert.deepStrictEqual([...new Set(yield* uids(there))], ["shared", mark])
      assert.deepStrictEqual([...new Set(yield* uids(undefined))], ["first", "shared", mark])
      assert.deepStrictEqual([...new Set(yield* uids("nobodys"))], ["shared"])
      const found = yield* ask(admin, "nobodys")("GET", "devices/first%3A1")
      const never = yield* ask(admin, undefined)("GET", "devices/never")
      assert.deepStrictEqual([found.status, never.status], [404, 404])
      assert.strictEqual(found.text.replace("first:1", "never"), never.text)
      for (const wrong of ["", "a b", "a,b", "../x", "é".normalize("NFD"), "x".repeat(256)]) {
        const refused = yield* Effect.exit(ask(admin, wrong)("GET", "devices"))
        // Some of them no client can send.
        if (refused._tag === "Success") assert.strictEqual(refused.value.status, 400, wrong)
      }
      const refused = yield* ask(admin, "a b")("GET", "devices")
      assert.include(refused.text, "X-Partition-Id")
    }))

  it.effect("get what is made for them, and nothing that is another's or everybody's is changed or referred to", () =>
    Effect.gen(function*() {
      const send = ask(personOf("admin"), here)
      const device = (attributes: object) => ({ data: { type: "device", attributes } })
      const own = yield* send("POST", "devices", device({ hostname: "mine" }))
      assert.strictEqual(own.status, 201, own.text)
      assert.match(own.data.id, /^sr:[0-9a-f-]{36}$/)
      assert.strictEqual(own.data.attributes.partition_id, here)
      const foreign = yield* send("POST", "devices", device({ hostname: "mine", partition_id: there }))
      assert.strictEqual(foreign.status, 403, foreign.text)
      const moved = yield* send("PATCH", `devices/${own.data.id}`, device({ partition_id: there }))
      assert.strictEqual(moved.status, 403, moved.text)
      const shared = yield* send("PATCH", "devices/shared%3A1", device({ name: "mine" }))
      assert.strictEqual(shared.status, 403, shared.text)
      const identifier = (deviceId: string) => ({
        data: {
          type: "device-identifier",
          attributes: { device_id: deviceId, identifier_type: "mac", identifier_value: `mine ${deviceId}` }
        }
      })
      const there1 = yield* send("POST", "device-identifiers", identifier(`${mark}:1`))
      const nowhere = yield* send("POST", "device-identifiers", identifier("nowhere:1"))
      assert.strictEqual(there1.status, 422, there1.text)
      assert.strictEqual(there1.text, nowhere.text)
      const made = yield* send("POST", "device-identifiers", identifier(own.data.id))
      assert.strictEqual(made.data.attributes.partition, here, made.text)
      assert.strictEqual((yield* send("GET", "audit-entries")).status, 403)
    }))

  it.effect("do not learn from a refusal what keys and identities others have", () =>
    Effect.gen(function*() {
      for (const actor of [personOf("operator"), personOf("admin"), personOf("admin", true)]) {
        const send = ask(actor, here)
        for (const one of attacked) {
          const { definition } = one
          const [key = ""] = yield* keysOf(definition, mark)
          const unknown = definition.attributes[definition.key]?.kind === "uuid" ? crypto.randomUUID() : "mine nowhere"
          const made = (id: string, how: object) =>
            send("POST", definition.collection, { data: { type: definition.name, ...how } }).pipe(
              Effect.map(({ status, text }) => ({ status, text: text.replaceAll(id, "it") }))
            )
          for (
            const how of [
              (id: string) => ({ id }),
              (id: string) => ({ attributes: { [fieldName(definition.key)]: id } })
            ]
          ) {
            const [taken, free] = [yield* made(key, how(key)), yield* made(unknown, how(unknown))]
            assert.isAtLeast(taken.status, 400, taken.text)
            assert.deepStrictEqual(taken, free, `${actor.role} ${definition.name}`)
          }
        }
        // An identifier is one partition's: what another has is free.
        const identified = (value: string) =>
          send("POST", "device-identifiers", {
            data: {
              type: "device-identifier",
              attributes: {
                device_id: "first:1",
                identifier_type: "mac",
                identifier_value: value,
                source: `mine ${actor.role} ${actor.isSuperUser}`
              }
            }
          })
        const known = yield* identified(`${mark} 1`)
        assert.strictEqual(known.status, actor.role === "operator" ? 201 : 409, known.text)
      }
    }))

  it.effect("hold in SRQL, which answers nothing that does not say in which partition it is", () =>
    Effect.gen(function*() {
      const question = Effect.fnUntraced(function*(query: string, partition?: string) {
        const asker = { tenant: "default", actor: personOf("viewer"), name: "me", isOperator: false }
        const url = `http://localhost/api/query?query=${encodeURIComponent(query)}`
        const headers = partition === undefined ? {} : { "x-partition-id": partition }
        const response = yield* queryRoute.handle(new URL(url).searchParams).pipe(
          Effect.provideService(QueryAskers, QueryAskers.of({ of: () => Effect.succeed(asker), operator: asker })),
          Effect.provideService(
            HttpServerRequest.HttpServerRequest,
            HttpServerRequest.fromWeb(new Request(url, { headers }))
          )
        )
        const text = yield* Effect.promise(() => HttpServerResponse.toWeb(response).text())
        return { status: response.status, text }
      })
      assert.strictEqual(devices.name, "devices")
      const all = yield* question("in:devices limit:100")
      assert.include(all.text, mark)
      const some = yield* question("in:devices limit:100", here)
      assert.strictEqual(some.status, 200, some.text)
      assert.notInclude(some.text, mark)
      assert.include(some.text, "first:1")
      assert.include(some.text, "shared:1")
      const counted = yield* question("in:devices hostname:%zweit% stats:\"count() as n\"", here)
      assert.deepStrictEqual(JSON.parse(counted.text).results, [0])
      for (const entity of ["device_identifiers", "device_alias_states"]) {
        // By its device: values may be those of another partition.
        assert.include((yield* question(`in:${entity} limit:100`)).text, `${mark}:1`)
        const own = yield* question(`in:${entity} limit:100`, here)
        assert.strictEqual(own.status, 200, own.text)
        assert.notInclude(own.text, `${mark}:`)
        assert.include(own.text, "first:1")
      }
      assert.strictEqual((yield* question("in:merge_audits")).status, 200)
      for (const entity of ["interfaces", "merge_audits"]) {
        const none = yield* question(`in:${entity}`, here)
        assert.strictEqual(none.status, 400, none.text)
        assert.include(none.text, "cannot be asked for by whoever asks")
      }
      const refused = yield* question("in:services", here)
      assert.strictEqual(refused.status, 400)
      assert.include(refused.text, "within a partition")
      assert.strictEqual((yield* question("in:devices", "a b")).status, 400)
    }))
})
