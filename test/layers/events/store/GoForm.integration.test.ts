/** A database of v1.0.76 is written as its readers read it, and as its own writer would. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import type { EventRow } from "../../../../src/domain/events/storing/Suspects.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import * as PgEventStore from "../../../../src/layers/events/store/PgEventStore.ts"
import * as PgEventTables from "../../../../src/layers/events/store/PgEventTables.ts"
import * as PgTableHome from "../../../../src/layers/events/store/PgTableHome.ts"
import { PgConnection } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import { EventStore } from "../../../../src/services/events/EventStore.ts"
import { EventTables } from "../../../../src/services/events/EventTables.ts"
import { TableHome } from "../../../../src/services/events/TableHome.ts"
import * as ForeignTables from "../../../support/foreignTables.ts"
import * as TestConnection from "../../../support/TestConnection.ts"
import { message } from "../decode/samples.ts"

type Options = PgTableHome.PgTableHomeOptions

const writer = (options: Options) =>
  Layer.unwrap(Effect.map(TableHome, (home) =>
    Layer.mergeAll(
      PgEventStore.layer({ place: home.choice }),
      PgEventTables.layer({ place: home.choice, tables: () => ["events", "logs", "otel_metrics", "otel_traces"] })
    ))).pipe(
      Layer.provideMerge(PgTableHome.layer(options)),
      Layer.provideMerge(TestConnection.layer)
    )

const auto: Options = { schema: undefined, tables: "auto" }

const rowsOf = (form: "go-1.0.76" | "current") => {
  const decode = EventDecoder.make({ tenantDefault: "default", form: () => form })
  return (subject: string, data: Uint8Array | string, sequence = 1): ReadonlyArray<EventRow> =>
    Result.getOrThrow(decode(message(subject, typeof data === "string" ? Buffer.from(data) : data, sequence))).content
      .rows
}

const query = <A extends object>(text: string) =>
  Effect.flatMap(PgConnection, ({ client }) => Effect.flatMap(client, (sql) => sql.unsafe<A>(text)))

const goEvent = JSON.stringify({
  specversion: "1.0",
  id: "ev-1",
  source: "nats://events/events.syslog",
  type: "cef_severity",
  datacontenttype: "application/json",
  data: {
    version: "1.1",
    host: "r1",
    short_message: "CEF:0|V|P|1|2|Scan|9|x",
    timestamp: 1795903350.5,
    level: 6,
    severity: "Very High",
    _remote_addr: "default:192.0.2.1",
    full_message: null
  }
})

/** As `beside-go` has it: one record without trace and span. */
const noTrace = Buffer.from(
  "CkoKHgocCgxzZXJ2aWNlLm5hbWUSDAoKb2wtbm90cmFjZRIoCg4KBXNjb3BlEgUxLjIuMxIWCXgEA4eQVOwYEAkaBElORk8qAwoBYg==",
  "base64"
)

const shaped = Buffer.from(
  "Ct4BCmcKGwoMc2VydmljZS5uYW1lEgsKCW9sLXNldi0wMQoYCg9zZXJ2aWNlLnZlcnNpb24SBQoDMS4wChwKE3NlcnZpY2UuaW5zdGFuY2UuaWQSBQoDaS0xChAKCWhvc3QubmFtZRIDCgFoEnMKDgoFc2NvcGUSBTEuMi4zEmEJwFK09o1U7BgQBRoFREVCVUcqEAoOYm9keSBvbC1zZXYtMDEyCAoBaxIDCgF2MgcKAW4SAhgFRQEAAABKENAAAAAAAAAAAAAAAAAAAAFSCNEAAAAAAAABWcVStPaNVOwY",
  "base64"
)

describe("the form of v1.0.76", () => {
  it.live(
    "is chosen where its tables are, in public, and stores events as its pages read them (go-file-table-events.json)",
    () =>
      Effect.gen(function*() {
        yield* ForeignTables.make("public", "v1.0.76-events.sql")
        yield* ForeignTables.make("public", "v1.0.76.sql")
        const before = yield* query(`select table_name, column_name from information_schema.columns
        where table_schema = 'public' order by 1, 2`)
        yield* EventTables.use((tables) => tables.prepare)
        const store = yield* EventStore

        const rows = rowsOf("go-1.0.76")("events.syslog.processed", goEvent)
        const first = yield* store.write("events", rows)
        const again = yield* store.write("events", rows)

        assert.deepStrictEqual((yield* TableHome.use((home) => home.choice)).schema, "public")
        assert.deepStrictEqual([first, again], [{ inserted: 1, repeated: 0 }, { inserted: 0, repeated: 1 }])
        const [stored] = yield* query<object>(
          `select event_timestamp::timestamptz at time zone 'UTC' as at, id, source, type,
        subject, host, remote_addr, level, severity, short_message, version, raw_data from events where id = 'ev-1'`
        )
        assert.deepStrictEqual(JSON.parse(JSON.stringify(stored)), {
          at: "2026-11-28T22:02:30.500Z",
          id: "ev-1",
          source: "nats://events/events.syslog",
          type: "cef_severity",
          subject: "events.syslog.processed",
          host: "r1",
          remote_addr: "default:192.0.2.1",
          level: 6,
          severity: "Very High",
          short_message: "CEF:0|V|P|1|2|Scan|9|x",
          version: "1.1",
          raw_data: goEvent
        })
        // Nothing was added that a later migration could stumble over.
        const after = yield* query(`select table_name, column_name from information_schema.columns
        where table_schema = 'public' order by 1, 2`)
        assert.deepStrictEqual(after, before)
        assert.deepStrictEqual(
          yield* query("select 1 from information_schema.schemata where schema_name = 'platform'"),
          []
        )
      }).pipe(Effect.provide(writer(auto))),
    30_000
  )

  it.live(
    "doubles nothing when the Go writer is gone back to, and makes up no span (otlp-logs-no-trace-context-adopted.json)",
    () =>
      Effect.gen(function*() {
        yield* ForeignTables.make("public", "v1.0.76-events.sql")
        yield* ForeignTables.make("public", "v1.0.76.sql")
        yield* EventTables.use((tables) => tables.prepare)
        const store = yield* EventStore
        const rows = rowsOf("go-1.0.76")
        // A float of which the Go writer loses a microsecond.
        const gelf = { ...JSON.parse(goEvent), id: "ev-2" }
        gelf.data.timestamp = 1795903293.093093
        yield* store.write("events", rows("events.syslog.processed", JSON.stringify(gelf)))
        yield* store.write("logs", rows("events.otel.logs", noTrace))

        // What the Go writer makes of the same messages: seconds and fraction apart, empty text for what is not there.
        yield* query(`insert into events (event_timestamp, id, severity)
        values (timestamptz '2026-11-28 22:01:33.093092+00', 'ev-2', 'Very High')
        on conflict (event_timestamp, id) do update set severity = excluded.severity`)
        yield* query(`insert into logs (timestamp, trace_id, span_id, body) select timestamp, '', '', 'b' from logs
        where service_name = 'ol-notrace' on conflict do nothing`)

        const events = yield* query("select id from events where id = 'ev-2'")
        const logs = yield* query(`select trace_id, span_id, attributes, resource_attributes from logs
        where service_name = 'ol-notrace' or body = 'b'`)
        assert.strictEqual(events.length, 1)
        assert.deepStrictEqual(logs, [{
          trace_id: "",
          span_id: "",
          attributes: "",
          resource_attributes: "service.name=ol-notrace"
        }])
      }).pipe(Effect.provide(writer(auto))),
    30_000
  )

  it.live("has attributes as the other pages read them (otlp-attributes-shape.json)", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("public", "v1.0.76-events.sql")
      yield* ForeignTables.make("public", "v1.0.76.sql")
      yield* EventTables.use((tables) => tables.prepare)
      yield* EventStore.use((store) => store.write("logs", rowsOf("go-1.0.76")("events.otel.logs", shaped)))

      const [stored] = yield* query<object>(`select attributes, resource_attributes, scope_name, severity_text from logs
        where service_name = 'ol-sev-01'`)

      assert.deepStrictEqual(stored, {
        attributes: "k=v,n=5",
        resource_attributes: "service.name=ol-sev-01,service.version=1.0,service.instance.id=i-1,host.name=h",
        scope_name: "scope",
        severity_text: "DEBUG"
      })
    }).pipe(Effect.provide(writer(auto))), 30_000)

  it.live("makes again a table that was dropped, as the Go writer has it", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("public", "v1.0.76-events.sql")
      yield* ForeignTables.make("public", "v1.0.76.sql")
      yield* query("drop table logs")

      yield* EventTables.use((tables) => tables.prepare)

      const written = yield* EventStore.use((store) =>
        store.write("logs", rowsOf("go-1.0.76")("events.otel.logs", noTrace))
      )
      assert.strictEqual(written.inserted, 1)
      const columns = yield* query<{ name: string }>(
        "select column_name as name from information_schema.columns where table_name = 'logs' order by ordinal_position"
      )
      assert.deepStrictEqual(columns.map(({ name }) => name).sort(), [
        "attributes",
        "body",
        "created_at",
        "resource_attributes",
        "scope_name",
        "scope_version",
        "service_instance",
        "service_name",
        "service_version",
        "severity_number",
        "severity_text",
        "span_id",
        "timestamp",
        "trace_id"
      ])
    }).pipe(Effect.provide(writer(auto))), 30_000)

  it.live("refuses to choose between two schemas with tables of others, and says how to", () =>
    Effect.gen(function*() {
      yield* ForeignTables.make("public", "v1.0.76-events.sql")
      yield* ForeignTables.make("platform", "final.sql")

      const error = yield* Effect.flip(EventTables.use((tables) => tables.prepare))

      assert.include(error.message, "platform and public: say which by EVENT_WRITER_SCHEMA")
    }).pipe(Effect.provide(writer(auto))), 30_000)

  it.live(
    "honours the search path of the connection, and what was asked for more than what is there",
    () =>
      Effect.gen(function*() {
        yield* ForeignTables.make("radar", "final.sql")
        const choices = yield* Effect.forEach(
          [auto, { schema: "beside", tables: "auto" } as const],
          (options) => Effect.provide(TableHome.use((home) => home.choice), PgTableHome.layer(options))
        )
        yield* query("alter role current_user set search_path = radar, public")
        assert.deepStrictEqual(choices.map(({ form, schema }) => [schema, form]), [
          ["platform", "current"],
          ["beside", "current"]
        ])
      }).pipe(Effect.provide(writer(auto))),
    30_000
  )
})
