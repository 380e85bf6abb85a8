import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Layer, Option } from "effect"
import * as fc from "fast-check"
import * as PgTraceSummaries from "../../../../src/layers/events/store/PgTraceSummaries.ts"
import { DatabaseEndpoint } from "../../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import { type Refreshed, TraceSummaries } from "../../../../src/services/events/TraceSummaries.ts"
import { countOf, layer as eventStore } from "../../../support/eventStore.ts"
import * as TestConnection from "../../../support/TestConnection.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"

interface Span {
  readonly tenant: string | null
  readonly trace: string
  readonly span: string
  readonly parent: string | null
  readonly name: string | null
  readonly kind: number | null
  readonly status: number | null
  readonly message: string | null
  readonly service: string | null
  readonly minutesAgo: number
  readonly nanos: number | null
}

const insert = Effect.fnUntraced(function*(spans: ReadonlyArray<Span>) {
  const sql = yield* (yield* PgConnection).client
  yield* sql`
    insert into platform.otel_traces (tenant_id, timestamp, trace_id, span_id, parent_span_id, name, kind, status_code,
      status_message, service_name, start_time_unix_nano, end_time_unix_nano)
    select tenant, now() - make_interval(mins => "minutesAgo"), trace, span, parent, name, kind, status, message, service,
      1700000000000000000 - nanos, 1700000000000000000 + nanos
    from jsonb_to_recordset(${JSON.stringify(spans)}::text::jsonb) as given (tenant text, trace text, span text,
      parent text, name text, kind int4, status int4, message text, service text, "minutesAgo" int4, nanos int8)
    on conflict do nothing`
})

const refresh = Effect.flatMap(TraceSummaries, (summaries) => summaries.refresh)

/** With other limits than the layer's. */
const refreshWith = (options: PgTraceSummaries.PgTraceSummariesOptions) =>
  Effect.provide(refresh, PgTraceSummaries.layer(options))

const clear = Effect.gen(function*() {
  const sql = yield* (yield* PgConnection).client
  yield* sql`truncate platform.otel_traces, platform.event_writer_trace_summaries, platform.otel_trace_summaries_progress`
})

interface Stored {
  readonly tenant: string
  readonly trace: string
  readonly span: string
  readonly parent: string | null
  readonly name: string | null
  readonly kind: number | null
  readonly status: number | null
  readonly message: string | null
  readonly service: string | null
  readonly at: number
  readonly begin: number | null
  readonly end: number | null
}

const extreme = <A extends string | number>(values: ReadonlyArray<A | null>, sign: 1 | -1): A | null =>
  values.reduce<A | null>(
    (found, value) =>
      value !== null && (found === null || (sign === 1 ? value > found : value < found)) ? value : found,
    null
  )

/** A trace's summary, from the documentation and not from the statement. */
const modelled = (spans: ReadonlyArray<Stored>) => {
  const roots = spans.filter(({ parent }) => parent === null || parent === "")
  const begin = extreme(spans.map((one) => one.begin), -1)
  const end = extreme(spans.map((one) => one.end), 1)
  const services = new Set(spans.flatMap(({ service }) => service === null ? [] : [service]))
  return {
    at: extreme(spans.map((one) => one.at), 1),
    rootSpanId: extreme(roots.map((one) => one.span), 1),
    rootName: extreme(roots.map((one) => one.name), 1),
    rootService: extreme(roots.map((one) => one.service), 1),
    rootKind: extreme(roots.map((one) => one.kind), 1),
    begin,
    end,
    duration: begin === null || end === null ? null : (end - begin) / 1_000_000,
    status: extreme(roots.map((one) => one.status), 1),
    message: extreme(roots.map((one) => one.message), 1),
    services: services.size === 0 ? null : Array.from(services).sort(),
    spans: spans.length,
    errors: spans.filter(({ status }) => status === 2).length
  }
}

/** What all spans give that are there now, except traces that ended before the retention. */
const recomputed = Effect.gen(function*() {
  const sql = yield* (yield* PgConnection).client
  const spans = yield* sql<Stored>`
    select coalesce(tenant_id, '') as tenant, trace_id as trace, span_id as span, parent_span_id as parent, name, kind,
      status_code as status, status_message as message, service_name as service,
      (extract(epoch from timestamp) * 1000000)::float8 as at, (start_time_unix_nano - 1700000000000000000)::float8 as begin,
      (end_time_unix_nano - 1700000000000000000)::float8 as end
    from platform.otel_traces where trace_id <> ''`
  const [kept] = yield* sql<{ since: number }>`
    select (extract(epoch from now() - interval '3 days') * 1000000)::float8 as since`
  const traces = Map.groupBy(spans, ({ tenant, trace }) => `${tenant}/${trace}`)
  return Object.fromEntries(
    Array.from(traces, ([key, all]) => [key, modelled(all)] as const)
      .filter(([, { at }]) => at !== null && at >= (kept?.since ?? 0))
      .sort(([one], [other]) => one < other ? -1 : 1)
  )
})

const summaries = Effect.gen(function*() {
  const sql = yield* (yield* PgConnection).client
  const found = yield* sql<Readonly<Record<string, unknown>> & { readonly key: string }>`
    select tenant_id || '/' || trace_id as key, (extract(epoch from timestamp) * 1000000)::float8 as at,
      root_span_id as "rootSpanId", root_span_name as "rootName", root_service_name as "rootService",
      root_span_kind as "rootKind", (start_time_unix_nano - 1700000000000000000)::float8 as begin,
      (end_time_unix_nano - 1700000000000000000)::float8 as end, duration_ms as duration, status_code as status,
      status_message as message, service_set as services, span_count::int as spans, error_count::int as errors
    from platform.event_writer_trace_summaries`
  return Object.fromEntries(
    found.map(({ key, ...rest }) => [key, rest] as const).sort(([one], [other]) => one < other ? -1 : 1)
  )
})

const maybe = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: null })

const word = fc.constantFrom("a", "b", "c", "d")

const span: fc.Arbitrary<Span> = fc.record({
  tenant: fc.constantFrom("acme", "zeta"),
  trace: fc.constantFrom("", "t1", "t2", "t3", "t4", "t5"),
  span: fc.stringMatching(/^[0-9a-f]{4}$/),
  parent: maybe(fc.constantFrom("", "p")),
  name: maybe(word),
  kind: maybe(fc.integer({ min: 0, max: 5 })),
  status: maybe(fc.integer({ min: 0, max: 2 })),
  message: maybe(word),
  service: maybe(word),
  // Three days have 4,320 minutes, and a few after the limit come every time.
  minutesAgo: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 4_000, max: 5_000 })),
  nanos: maybe(fc.integer({ min: 0, max: 1_000_000_000 }))
})

const life = fc.array(fc.oneof(fc.constant("refresh" as const), fc.array(span, { maxLength: 12 })), { maxLength: 12 })

const plain: Span = {
  tenant: "acme",
  trace: "t",
  span: "s",
  parent: null,
  name: "GET /",
  kind: 2,
  status: 0,
  message: null,
  service: "web",
  minutesAgo: 0,
  nanos: 1_000_000
}

const numbered = (count: number): ReadonlyArray<Span> =>
  Array.from({ length: count }, (_, at) => ({ ...plain, trace: `t${at}` }))

const store = PgTraceSummaries.layer({ overlap: Duration.zero }).pipe(Layer.provideMerge(eventStore()))

const done = (counts: Partial<Refreshed>): Refreshed => ({ written: 0, removed: 0, isSkipped: false, ...counts })

layer(store, { excludeTestServices: true, timeout: "60 seconds" })("PgTraceSummaries", (it) => {
  it.effect("equal a full recomputation, in whatever order spans and refreshes come", () =>
    Effect.gen(function*() {
      const context = yield* Effect.context<PgConnection | TraceSummaries>()
      const run = Effect.runPromiseWith(context)

      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(life, async (steps) => {
            await run(clear)
            for (const step of steps) {
              if (step === "refresh") await run(refresh)
              else await run(insert(step))
            }
            await run(refresh)

            assert.deepStrictEqual(await run(summaries), await run(recomputed))
          }),
          { numRuns: 60 }
        )
      )
    }))

  it.effect("are written only when something changed", () =>
    Effect.gen(function*() {
      yield* clear
      yield* insert(numbered(5))

      const first = yield* refresh
      const again = yield* refreshWith({ overlap: Duration.minutes(5) })
      yield* insert([{ ...plain, trace: "t3", span: "late", minutesAgo: 2_000, status: 2 }])
      const late = yield* refresh

      assert.deepStrictEqual([first, again, late], [done({ written: 5 }), done({}), done({ written: 1 })])
      assert.deepInclude((yield* summaries)["acme/t3"], { spans: 2, errors: 1 })
    }))

  it.effect("have the spans of a transaction that was open during a refresh", () =>
    Effect.gen(function*() {
      yield* clear
      const sql = yield* (yield* PgConnection).client
      yield* insert(numbered(1))

      yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* sql.reserve
        yield* session.execute("begin", [], undefined)
        yield* session.execute(
          "insert into platform.otel_traces (tenant_id, timestamp, trace_id, span_id) values ('acme', now(), 'slow', 's')",
          [],
          undefined
        )
        yield* refresh
        yield* insert(numbered(2))
        yield* refresh
        yield* session.execute("commit", [], undefined)
      }))
      yield* refresh

      assert.deepStrictEqual(Object.keys(yield* summaries), ["acme/slow", "acme/t0", "acme/t1"])
    }))

  it.effect("are made in windows at first, and go on where a failure left them", () =>
    Effect.gen(function*() {
      yield* clear
      const sql = yield* (yield* PgConnection).client
      yield* insert(numbered(48))
      yield* sql`update platform.otel_traces set created_at = now() - substr(trace_id, 2)::int * interval '1 hour'`
      yield* sql`create function platform.refuse() returns trigger language plpgsql as
        $$ begin if new.trace_id = 't20' then raise 'not yet'; end if; return new; end $$`
      yield* sql`create trigger refuse before insert on platform.event_writer_trace_summaries
        for each row execute function platform.refuse()`

      const error = yield* Effect.flip(refreshWith({ window: Duration.hours(4) }))
      const before = Object.keys(yield* summaries).length
      yield* sql`drop trigger refuse on platform.event_writer_trace_summaries`
      const after = yield* refreshWith({ window: Duration.hours(4), overlap: Duration.zero })

      assert.include(error.message, "not yet")
      assert.strictEqual(before, 24)
      assert.deepStrictEqual(after, done({ written: 24 }))
    }))

  it.effect("take smaller windows when one takes too long", () =>
    Effect.gen(function*() {
      yield* clear
      const sql = yield* (yield* PgConnection).client
      const { url } = yield* TestDatabase
      yield* insert(numbered(40))
      yield* sql`update platform.otel_traces set created_at = now() - substr(trace_id, 2)::int * interval '1 hour'`
      yield* sql`create or replace function platform.dawdle() returns trigger language plpgsql as
        $$ begin perform pg_sleep(0.02); return new; end $$`
      yield* sql`create trigger dawdle before insert on platform.event_writer_trace_summaries
        for each row execute function platform.dawdle()`
      const impatient = PgConnection.layer({ parameters: { statement_timeout: "400ms" } }).pipe(
        Layer.provide(DatabaseEndpoint.layer(Option.some(url)))
      )

      const refreshed = yield* Effect.gen(function*() {
        const connection = yield* PgConnection
        yield* Effect.forkScoped(connection.keep)
        yield* TestConnection.awaitReady
        return yield* refreshWith({ window: Duration.days(3) })
      }).pipe(Effect.provide(impatient), Effect.scoped)
      yield* sql`drop trigger dawdle on platform.event_writer_trace_summaries`

      assert.deepStrictEqual(refreshed, done({ written: 40 }))
    }))

  it.effect("are refreshed by one program at a time", () =>
    Effect.gen(function*() {
      yield* clear
      yield* insert(numbered(50))

      const rounds = yield* Effect.all(Array.from({ length: 6 }, () => refresh), { concurrency: "unbounded" })

      assert.strictEqual(rounds.reduce((sum, { written }) => sum + written, 0), 50)
      assert.isFalse((yield* refresh).isSkipped)
    }))

  it.effect("are removed, in slices, when their traces are old", () =>
    Effect.gen(function*() {
      yield* clear
      const sql = yield* (yield* PgConnection).client
      yield* sql`insert into platform.event_writer_trace_summaries (tenant_id, trace_id, timestamp)
        select 'acme', at::text, now() - interval '4 days' from generate_series(1, 12000) at`
      yield* insert(numbered(3))

      assert.deepStrictEqual(yield* refresh, done({ written: 3, removed: 12_000 }))
      assert.lengthOf(Object.keys(yield* summaries), 3)
      assert.strictEqual(yield* countOf("otel_traces"), 3)
    }))

  it.effect("leave a materialized view of that name to its owner", () =>
    Effect.gen(function*() {
      const sql = yield* (yield* PgConnection).client
      yield* sql`alter table platform.event_writer_trace_summaries rename to moved`
      yield* sql`create materialized view platform.otel_trace_summaries as select 1 as one`

      assert.isTrue((yield* refresh).isSkipped)
      yield* sql`drop materialized view platform.otel_trace_summaries`
      yield* sql`alter table platform.moved rename to event_writer_trace_summaries`
    }))
})
