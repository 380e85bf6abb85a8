import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Layer, Schema } from "effect"
import type { Stored } from "../../../src/domain/records/Record.ts"
import { application, schema } from "../../../src/domain/records/Schema.ts"
import type { Definition } from "../../../src/domain/resource/Resource.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as Rows from "../../../src/layers/postgres/connection/Rows.ts"
import type { Migrations } from "../../../src/layers/postgres/migrations/Migrations.ts"
import * as SqlFiles from "../../../src/layers/postgres/migrations/SqlFiles.ts"
import { migrations } from "../../../src/layers/records/migrations/migrations.ts"
import * as PgRecords from "../../../src/layers/records/PgRecords.ts"
import { type Asker, Records } from "../../../src/services/records/Records.ts"
import { ada, olga, root, stranger, tenants, Ticket, vera } from "../../services/resource/ticket.ts"
import * as TestConnection from "../../support/TestConnection.ts"

const tickets: Migrations = {
  context: "tickets",
  schema,
  table: `${schema}.ticket_migrations`,
  steps: SqlFiles.steps({
    "0001_tickets": `create table tickets (
      tenant_id uuid not null, id uuid not null, title text collate "C" not null, owner text collate "C",
      state text not null, priority bigint not null, opened_at timestamptz not null, closed_at timestamptz, why text,
      constraint tickets_pkey primary key (tenant_id, id),
      constraint tickets_title_key unique (tenant_id, title)
    );
    select serviceradar_separate('tickets', 'tenant_id', 'select, insert, update, delete');`
  })
}

const database = PgRecords.layer.pipe(
  Layer.provideMerge(TestConnection.layerOf({ migrations: [migrations, tickets], application }))
)

const definition: Definition = Ticket.definition

const asker = (actor: Asker["actor"]): Asker => ({
  actor,
  id: `id of ${actor["name"]}`,
  name: String(actor["name"]),
  requestId: "request-1"
})

const write = (
  actor: Asker["actor"],
  action: string,
  values: Readonly<Record<string, unknown>> = {},
  more: { readonly key?: string; readonly versions?: ReadonlyArray<string> } = {}
) =>
  Records.use((records) =>
    records.write({ definition, action, asker: asker(actor), input: { values, form: "json" }, ...more })
  )

const opened = (actor: Asker["actor"], title: string, more: Readonly<Record<string, unknown>> = {}) =>
  Effect.map(write(actor, "open", { title, ...more }), (stored): Stored & { readonly id: string } => {
    if (stored === null) throw new Error("a ticket that is made is there")
    return { ...stored, id: String(stored.values["id"]) }
  })

const find = (actor: Asker["actor"], key: string) =>
  Records.use((records) => records.find({ definition, action: "read", asker: asker(actor), key }))

const ofTenant = (tenant: string) => ({ ...ada, tenantId: tenant })

const Entry = Schema.Struct({ entry: Schema.String })
const audit = (where: string) =>
  Effect.gen(function*() {
    const sql = yield* PgConnection.use(({ client }) => client)
    const rows = yield* Rows.query(
      Entry,
      sql.unsafe(
        `select concat_ws(' ', actor_name, action, outcome, reason, changes::text) as entry from serviceradar_control.audit_entries
          where ${where} order by id`
      )
    )
    return rows.map(({ entry }) => entry)
  })

const Count = Schema.Struct({ count: Schema.Int })
const eventCount = (key: string) =>
  Effect.gen(function*() {
    const sql = yield* PgConnection.use(({ client }) => client)
    const [row] = yield* Rows.query(
      Count,
      sql`select count(*)::int as count from serviceradar_control.record_events where record_key = ${key}`
    )
    return row?.count
  })

layer(database, { excludeTestServices: true, timeout: "60 seconds" })("Records in PostgreSQL", (it) => {
  it.effect("are made with an audit entry and an event, and found again as they were", () =>
    Effect.gen(function*() {
      const { id, values } = yield* opened(olga, "Rack 4 is hot", { owner: "Olga" })
      assert.deepInclude(values, {
        tenantId: tenants[0],
        title: "Rack 4 is hot",
        state: "open",
        priority: 3,
        reason: null
      })
      assert.isTrue(DateTime.isDateTime(values["openedAt"]))
      assert.deepStrictEqual((yield* find(vera, id)).values, values)
      const [entry, ...others] = yield* audit(`record_key = '${id}'`)
      assert.deepStrictEqual(others, [])
      assert.match(String(entry), /^Olga open done {2}.*"title": \[null, "Rack 4 is hot"\]/)
      assert.strictEqual(yield* eventCount(id), 1)
    }))

  it.effect("change version with each change, and keep away who has seen an older one", () =>
    Effect.gen(function*() {
      const { id, version } = yield* opened(ada, "Version")
      const renamed = yield* write(ada, "rename", { title: "Version 2" }, { key: id, versions: [version] })
      assert.notStrictEqual(renamed?.version, version)
      const late = yield* Effect.flip(write(ada, "rename", { title: "Version 3" }, { key: id, versions: [version] }))
      assert.strictEqual(late._tag, "Changed")
      assert.strictEqual((yield* find(ada, id)).values["title"], "Version 2")
    }))

  it.effect("are refused as the declaration says, and a denial is audited", () =>
    Effect.gen(function*() {
      const { id } = yield* opened(ada, "Refusals")
      const denied = yield* Effect.flip(write(vera, "hold", {}, { key: id }))
      assert.strictEqual(denied._tag, "Forbidden")
      assert.deepStrictEqual(yield* audit(`record_key = '${id}' and outcome = 'denied'`), [
        "Vera hold denied hold of ticket is not allowed {}"
      ])
      const early = yield* Effect.flip(write(ada, "reopen", {}, { key: id }))
      assert.deepInclude(early, { _tag: "InvalidTransition", from: "open", to: "open" })
      const invalid = yield* Effect.flip(write(ada, "open", { title: "", priority: 9 }))
      assert.deepInclude(invalid, { _tag: "Invalid" })
      const twice = yield* Effect.flip(write(ada, "open", { title: "Refusals" }))
      assert.deepInclude(twice, { _tag: "Conflict", identity: "title", fields: ["title"] })
      assert.strictEqual((yield* Effect.flip(write(ada, "hold", {}, { key: "no uuid" })))._tag, "NotFound")
    }))

  it.effect("of another tenant are not there", () =>
    Effect.gen(function*() {
      const { id } = yield* opened(ada, "Mine")
      assert.strictEqual((yield* Effect.flip(find(stranger, id)))._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(write(stranger, "hold", {}, { key: id })))._tag, "NotFound")
      // The other may have the same title.
      yield* opened(stranger, "Mine")
    }))

  it.effect("are destroyed once", () =>
    Effect.gen(function*() {
      const { id } = yield* opened(ada, "Short")
      assert.isNull(yield* write(ada, "remove", {}, { key: id }))
      assert.strictEqual((yield* Effect.flip(write(ada, "remove", {}, { key: id })))._tag, "NotFound")
      assert.strictEqual(yield* eventCount(id), 2)
    }))

  it.effect("are changed one after the other by many at once, and only one of them closes it", () =>
    Effect.gen(function*() {
      const { id } = yield* opened(ada, "Race")
      const attempts = yield* Effect.all(
        Array.from({ length: 8 }, () => Effect.exit(write(ada, "close", { reason: "done" }, { key: id }))),
        { concurrency: 8 }
      )
      assert.lengthOf(attempts.filter(({ _tag }) => _tag === "Success"), 1)
      assert.strictEqual(yield* eventCount(id), 2)
    }))

  it.effect("are listed page by page in any order, forwards and back, nulls in their place", () =>
    Effect.gen(function*() {
      const actor = ofTenant("11111111-1111-4111-8111-111111111111")
      for (const [at, owner] of ["b", null, "a", "b", null, "Z", "c"].entries()) {
        yield* opened(actor, `T${at}`, { owner, priority: 1 + at % 3 })
      }
      const orders = [
        [{ field: "owner", isDescending: false }],
        [{ field: "owner", isDescending: true }],
        [{ field: "priority", isDescending: true }, { field: "owner", isDescending: false }],
        []
      ]
      const { list } = yield* Records
      for (const order of orders) {
        const sorting = order.map(({ field, isDescending }) => ({
          of: {
            _tag: "Reference",
            source: "record",
            name: field,
            kind: field === "owner" ? "text" : "integer"
          } as const,
          isDescending
        }))
        const ask = { definition, action: "read", asker: asker(actor), order: sorting }
        const whole = yield* list({ ...ask, limit: 100, isCounted: true })
        assert.strictEqual(whole.total, 7)
        const titles = whole.records.map(({ values }) => values["title"])
        const placeOf = ({ values }: Stored) => [
          ...order.map(({ field }) => values[field] ?? null),
          values["id"] ?? null
        ]
        for (const [at, record] of whole.records.entries()) {
          const after = yield* list({ ...ask, limit: 2, place: { side: "after", values: placeOf(record) } })
          assert.deepStrictEqual(after.records.map(({ values }) => values["title"]), titles.slice(at + 1, at + 3))
          assert.strictEqual(after.hasMore, titles.length > at + 3)
          const before = yield* list({ ...ask, limit: 2, place: { side: "before", values: placeOf(record) } })
          assert.deepStrictEqual(
            before.records.map(({ values }) => values["title"]),
            titles.slice(Math.max(0, at - 2), at)
          )
        }
      }
    }))

  it.effect("are kept apart by row-level security alone, whoever the super user is", () =>
    Effect.gen(function*() {
      const { id } = yield* opened(ada, "Second wall")
      const { list } = yield* Records
      const without: Definition = {
        ...definition,
        tenant: undefined,
        bypass: undefined,
        policies: [
          { actions: Object.keys(definition.actions), condition: { _tag: "Literal", kind: "boolean", value: true } }
        ]
      }
      const seen = yield* list({ definition: without, action: "read", asker: asker(stranger), order: [], limit: 1000 })
      assert.isAbove(seen.records.length, 0)
      assert.isTrue(seen.records.every(({ values }) => values["tenantId"] === tenants[1]))
      const { write } = yield* Records
      const input = { values: { title: "Stolen" }, form: "json" } as const
      const change = write({ definition: without, action: "rename", asker: asker(stranger), input, key: id })
      assert.strictEqual((yield* Effect.flip(change))._tag, "NotFound")
      const moved = write({
        definition: without,
        action: "move",
        asker: asker(ada),
        input: { values: { to: tenants[1] }, form: "json" },
        key: id
      })
      assert.strictEqual((yield* Effect.flip(moved))._tag, "RecordsRefused")
      assert.strictEqual((yield* find(ada, id)).values["title"], "Second wall")
      assert.strictEqual((yield* Effect.flip(find(root, id)))._tag, "NotFound")
    }))
})
