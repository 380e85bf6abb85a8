import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { DateTime, Effect, Layer, Option, Result, Schema } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { DatabaseEndpoint } from "../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import * as PgQueries from "../../../src/layers/queries/PgQueries.ts"
import { Queries, type Question } from "../../../src/services/queries/Queries.ts"
import { allowed, Attribute, declare, Expression as E, valueOf } from "../../../src/services/resource/index.ts"
import { catalog, check, complete, ofResource } from "../../../src/services/srql/index.ts"
import { generator } from "../../domain/srql/language/queries.ts"
import * as Program from "../../support/Program.ts"
import { TestDatabase } from "../../support/TestDatabase.ts"

const roles = ["viewer", "operator", "root"] as const

/** As docs/resources.md declares it, with more to tell about who may read what. */
const Ticket = declare({
  name: "ticket",
  table: "tickets",
  key: "id",
  tenant: "tenantId",
  state: "state",
  actor: { tenantId: Attribute.uuid, name: Attribute.text(80), role: Attribute.oneOf(roles) },
  bypass: (actor) => E.equals(actor.role, "root"),
  attributes: {
    tenantId: Attribute.uuid.private(),
    id: Attribute.uuid.generated("uuid"),
    title: Attribute.text(200),
    state: Attribute.oneOf(["open", "closed"]).or("open"),
    openedAt: Attribute.instant.generated("now").immutable(),
    closedBy: Attribute.text(80).optional(),
    secret: Attribute.text(80).sensitive(),
    priority: Attribute.integer.or(3),
    tags: Attribute.textList(8).or([])
  }
})
  .computes(({ actor, record }) => ({
    isLate: E.and(E.equals(record.state, "open"), E.lessThan(record.openedAt, E.ago("2 days"))),
    isMine: E.equals(E.coalesce(record.closedBy, ""), actor.name)
  }))
  .does((on) => ({ read: on.read() }))
  .permits(({ actor, allow, record }) => [
    allow(["read"], E.equals(actor.role, "operator")),
    allow(["read"], E.and(E.equals(actor.role, "viewer"), E.not(E.startsWith(record.title, "legal:"))))
  ])

const tickets = ofResource(Ticket)
const own = catalog([tickets])

const tenants = ["0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10", "0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d11"] as const

const connected = Layer.effectDiscard(Effect.gen(function*() {
  const connection = yield* PgConnection
  yield* Effect.forkScoped(connection.keep)
  yield* Program.eventually("a connection", Effect.option(connection.client), { within: "20 seconds", programs: [] })
}))

const queries = Layer.mergeAll(PgQueries.layer({ catalog: own, rules: new Map() }), connected).pipe(
  Layer.provideMerge(Layer.unwrap(Effect.map(TestDatabase, ({ url }) =>
    Layer.mergeAll(
      Layer.effect(PgClient.PgClient, PgClient.make({ url, maxConnections: 1 })).pipe(Layer.provide(Reactivity.layer)),
      PgConnection.layer({ maxConnections: 2 }).pipe(Layer.provide(DatabaseEndpoint.layer(Option.some(url))))
    )))),
  Layer.provide(TestDatabase.layer)
)

type Actor = NonNullable<Question["actor"]>

const ada = { tenantId: tenants[0], name: "Ada", role: "operator" } as const

const page = (text: string, actor: Actor | undefined) =>
  Queries.use(({ page }) => page({ text, style: "web", tenant: null, actor, limit: 1000 }))

const Row = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const decode = Schema.decodeUnknownSync(Row)
const idsOf = (rows: ReadonlyArray<string>) => rows.map((row) => String(decode(row)["id"])).sort()

const isoDay = (day: number) => DateTime.makeUnsafe(Date.now() - day * 86_400_000)

/** Of both tenants, with titles and states of all sorts. */
const records = () => {
  const random = generator(23)
  return Array.from({ length: 120 }, (_, at) => ({
    tenantId: tenants[at % 2] ?? "",
    id: `7d9a1c1e-3b43-4c9b-8f0e-${String(at).padStart(12, "0")}`,
    title: ["legal: rack", "legal:", "Rack 4", "hot", "Legal: no"][random(5)] ?? "",
    state: ["open", "closed"][random(2)] ?? "",
    openedAt: isoDay(random(5) + 0.5),
    closedBy: [null, "Ada", "Bob"][random(3)] ?? null,
    secret: `s${at}`,
    priority: random(5),
    tags: [[], ["net"], ["net", "power"]][random(3)] ?? []
  }))
}

const stored = Effect.gen(function*() {
  const sql = yield* PgClient.PgClient
  yield* sql.unsafe(`create table tickets (tenant_id uuid not null, id uuid primary key, title text, state text,
    opened_at timestamptz(3), closed_by text, secret text, priority int8, tags text[])`)
  const all = records()
  for (const { closedBy, id, openedAt, priority, secret, state, tags, tenantId, title } of all) {
    yield* sql.unsafe(
      "insert into tickets values ($1::text::uuid, $2::text::uuid, $3, $4, $5::text::timestamptz, $6, $7, $8, $9)",
      [
        tenantId,
        id,
        title,
        state,
        DateTime.formatIso(openedAt),
        closedBy,
        secret,
        priority,
        tags
      ]
    )
  }
  return all
})

layer(queries, { excludeTestServices: true, timeout: "60 seconds" })("A resource in the catalog", (it) => {
  it.effect(
    "answers the records that its policies let the asker read, by any filter, as they read in memory",
    () =>
      Effect.gen(function*() {
        const all = yield* stored
        const filters: ReadonlyArray<readonly [string, (of: (typeof all)[number], isLate: boolean) => boolean]> = [
          ["", () => true],
          ["state:open", ({ state }) => state === "open"],
          ["!title:legal%", ({ title }) => !title.toLowerCase().startsWith("legal")],
          ["tags:(net,power)", ({ tags }) => tags.includes("net") && tags.includes("power")],
          ["priority:(1,2)", ({ priority }) => priority === 1 || priority === 2],
          ["is_late:true", (_, isLate) => isLate],
          ["closed_by:Ada !is_mine:true", () => false]
        ]
        for (const role of roles) {
          for (const tenantId of tenants) {
            const actor = { tenantId, name: "Ada", role }
            const surroundings = { actor, arguments: {}, now: yield* DateTime.now }
            const readable = all.filter((record) => valueOf(allowed(Ticket, "read"), record, surroundings) === true)
            assert.isAtLeast(readable.length, role === "root" ? 120 : 20)
            for (const [filter, passes] of filters) {
              const expected = readable.filter((record) =>
                passes(record, valueOf(Ticket.calculations.isLate, record, surroundings) === true)
              )
              const { rows } = yield* page(`in:tickets ${filter}`, actor)
              assert.deepStrictEqual(idsOf(rows), expected.map(({ id }) => id).sort(), `${role}: ${filter}`)
            }
            const counted = yield* page("in:ticket stats:\"count() as n by state\"", actor)
            const total = counted.rows.reduce((sum, row) => sum + Number(decode(row)["n"]), 0)
            assert.strictEqual(total, readable.length)
          }
        }
      }),
    60_000
  )

  it.effect("answers nobody, and knows nothing of what is private", () =>
    Effect.gen(function*() {
      const nobody = yield* Effect.flip(page("in:tickets", undefined))
      assert.include(nobody.message, "tickets are answered to somebody only (at 4")
      const { rows } = yield* page("in:tickets limit:1", ada)
      assert.deepStrictEqual(Object.keys(decode(rows[0])), [
        "id",
        "title",
        "state",
        "opened_at",
        "closed_by",
        "priority",
        "tags",
        "is_late",
        "is_mine"
      ])
      for (const text of ["in:tickets secret:s1", "in:tickets tenant_id:x", "in:tickets stats:\"max(secret) as m\""]) {
        const refused = yield* Effect.flip(page(text, ada))
        assert.match(refused.message, /unsupported/)
      }
      const sorted = yield* page("in:tickets sort:secret", ada)
      assert.deepStrictEqual(sorted.warnings, ["tickets cannot be sorted by 'secret'"])
    }))

  it.effect("binds a tenant beside the policy, also for whom policies do not count", () =>
    Effect.gen(function*() {
      const root = { ...ada, role: "root" }
      const plan = Result.getOrThrow(
        check("in:tickets", own, { tenant: tenants[1], actor: root, nowMillis: Date.now() })
      )
      assert.match(plan.sql, /WHERE tenant_id::text = \$\d+ AND TRUE/)
      const sql = yield* PgClient.PgClient
      assert.lengthOf(yield* sql.unsafe(plan.sql, plan.binds.map(({ v }) => v)), 60)
    }))

  it.effect("answers a marker for what is hidden from the asker, and nothing by which it could be found out", () =>
    Effect.gen(function*() {
      const Sealed = Ticket.reveals(({ actor, only }) => [
        only(["secret"]),
        only(["closedBy", "openedAt"], E.equals(actor.role, "operator"))
      ])
      const sealed = catalog([ofResource(Sealed)])
      const sql = yield* PgClient.PgClient
      const planned = (text: string, role: string) =>
        check(text, sealed, { tenant: null, actor: { ...ada, role }, nowMillis: Date.now() })
      const rows = (text: string, role: string) => {
        const plan = Result.getOrThrow(planned(text, role))
        return sql.unsafe(plan.sql, plan.binds.map(({ v }) => v))
      }
      const [seen] = yield* rows("in:tickets limit:1", "viewer")
      const hidden = { hidden: true }
      assert.deepInclude(seen, {
        closed_by: hidden,
        opened_at: hidden,
        secret: hidden,
        is_late: hidden,
        is_mine: hidden
      })
      const [own] = yield* rows("in:tickets limit:1", "operator")
      assert.deepInclude(own, { secret: hidden })
      assert.notDeepInclude(own, { opened_at: hidden })
      const asked = [
        "closed_by:Ada",
        "is_late:true",
        "sort:opened_at",
        "time:last_7d",
        "stats:\"count() as n by closed_by\"",
        "stats:\"max(opened_at) as m\"",
        "secret:s1"
      ]
      for (const text of asked) {
        const refused = planned(`in:tickets ${text}`, "viewer")
        assert.isTrue(Result.isFailure(refused), text)
        if (Result.isFailure(refused)) assert.include(refused.failure.message, "is hidden from you", text)
      }
      assert.isTrue(Result.isSuccess(planned("in:tickets closed_by:Ada sort:opened_at", "operator")))
    }))

  it("completes its fields", () => {
    assert.include([...complete("in:tickets pri", own).candidates], "priority:")
    assert.notInclude([...complete("in:tickets sec", own).candidates], "secret:")
  })
})
