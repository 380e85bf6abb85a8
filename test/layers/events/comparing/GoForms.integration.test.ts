/** What the Go writer of v1.0.76 stored, held against what this one stores of the same messages, in both forms. */
import { assert, layer } from "@effect/vitest"
import { Effect, Result } from "effect"
import { reasons } from "../../../../src/domain/events/comparing/Reasons.ts"
import type { TableName } from "../../../../src/domain/events/rows/Tables.ts"
import * as PgTableComparison from "../../../../src/layers/events/comparing/PgTableComparison.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import * as PgEventStore from "../../../../src/layers/events/store/PgEventStore.ts"
import * as PgEventTables from "../../../../src/layers/events/store/PgEventTables.ts"
import * as TablePlace from "../../../../src/layers/events/store/TablePlace.ts"
import { PgConnection } from "../../../../src/layers/postgres/connection/PgConnection.ts"
import { EventStore } from "../../../../src/services/events/EventStore.ts"
import { EventTables } from "../../../../src/services/events/EventTables.ts"
import { isEqual, TableComparison } from "../../../../src/services/events/TableComparison.ts"
import * as ForeignTables from "../../../support/foreignTables.ts"
import * as TestConnection from "../../../support/TestConnection.ts"
import { TestDatabase } from "../../../support/TestDatabase.ts"
import { json, message } from "../decode/samples.ts"

const client = Effect.flatMap(PgConnection, (connection) => connection.client)

const compare = Effect.fnUntraced(function*(left: string, right: string, table: TableName) {
  const { url } = yield* TestDatabase
  return yield* Effect.flatMap(
    TableComparison,
    (comparison) => comparison.compare(table, {}, () => Effect.void)
  ).pipe(
    Effect.provide(PgTableComparison.layer({ left: { url, schema: left }, right: { url, schema: right } }))
  )
})

const goSchema = (schema: string) =>
  Effect.gen(function*() {
    yield* ForeignTables.make(schema, "v1.0.76.sql")
    yield* ForeignTables.make(schema, "v1.0.76-events.sql")
    const sql = yield* client
    yield* sql`truncate ${sql(`${schema}.logs`)}, ${sql(`${schema}.events`)}, ${sql(`${schema}.otel_traces`)}`
    return sql
  })

const decodeAs = (form: "current" | "go-1.0.76") => EventDecoder.make({ tenantDefault: "default", form: () => form })

const store = (schema: string, form: "current" | "go-1.0.76", messages: ReadonlyArray<readonly [string, unknown]>) =>
  Effect.gen(function*() {
    const decode = decodeAs(form)
    for (const [at, [subject, value]] of messages.entries()) {
      const { content } = Result.getOrThrow(decode(message(subject, json(value), at + 1)))
      yield* EventStore.use((events) => events.write(content.table, content.rows))
    }
  }).pipe(Effect.provide(PgEventStore.layer({ place: TablePlace.inSchema(schema, form) })))

const prepare = (schema: string) =>
  EventTables.use((tables) => tables.prepare).pipe(Effect.provide(PgEventTables.layer({ schema })))

const syslog = (id: string, data: object): readonly [string, unknown] => ["events.syslog.processed", {
  specversion: "1.0",
  id,
  source: "nats://events/events.syslog",
  type: "cef_severity",
  data: { host: "r1", version: "1.1", ...data }
}]

const messages = [
  syslog("plain", { short_message: "one", timestamp: 1795903350.5, level: 3, severity: "High" }),
  syslog("float", { short_message: "two", timestamp: 1795903293.093093, level: 6, severity: "Low" }),
  syslog("timeless", { short_message: "three", level: 6, severity: "Low" }),
  syslog("mistyped", { short_message: "four", timestamp: 1795903351.5, level: "six", severity: "Low" }),
  syslog("secret", { short_message: "five", timestamp: 1795903352.5, severity: "Low", community: "example" }),
  syslog("bare", { short_message: "six", timestamp: 1795903353.5, level: 5 })
] as const

/** What the Go writer has of the messages: a microsecond less, the time of now, no fields beside one of a wrong type. */
const goRows = [
  ["plain", "2026-11-28T22:02:30.5Z", "r1", 3, "High", "one", "1.1"],
  ["float", "2026-11-28T22:01:33.093092Z", "r1", 6, "Low", "two", "1.1"],
  ["timeless", "2026-11-29T01:00:00Z", "r1", 6, "Low", "three", "1.1"],
  ["mistyped", "2026-11-28T22:02:31.5Z", "", 0, "", "", ""],
  ["secret", "2026-11-28T22:02:32.5Z", "r1", 0, "Low", "five", "1.1"],
  ["bare", "2026-11-28T22:02:33.5Z", "r1", 5, "", "six", "1.1"]
] as const

const goEvents = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* goSchema(schema)
  for (const [at, [id, time, host, level, severity, text, version]] of goRows.entries()) {
    const [subject, value] = messages[at] ?? ["", {}]
    yield* sql`insert into ${sql(`${schema}.events`)}
      (event_timestamp, id, specversion, source, type, datacontenttype, subject, host, level, severity, short_message,
        version, raw_data)
      values (${time}::timestamptz, ${id}, '1.0', 'nats://events/events.syslog', 'cef_severity', '', ${subject}, ${host},
        ${level}::int4, ${severity}, ${text}, ${version}, ${JSON.stringify(value)})`
  }
  yield* sql`insert into ${sql(`${schema}.events`)} (event_timestamp, id, subject, raw_data)
    values ('2026-11-28T22:03:00Z', '', 'events.syslog', '<13>no JSON')`
  return sql
})

layer(TestConnection.layer, { excludeTestServices: true, timeout: "60 seconds" })("two forms", (it) => {
  it.effect("holds events against ocsf_events, lists what is on purpose and finds what is not", () =>
    Effect.gen(function*() {
      const sql = yield* goEvents("go_left")
      yield* prepare("current_right")
      yield* store("current_right", "current", messages)

      const same = yield* compare("go_left", "current_right", "events")

      assert.deepInclude(same, { table: "events", rightTable: "ocsf_events", leftRows: 7, rightRows: 6 })
      assert.isTrue(isEqual(same), JSON.stringify(same))
      assert.strictEqual(same.equal, 1)
      assert.deepStrictEqual(
        new Set(same.reasons.map(({ reason }) => reason)),
        new Set([reasons.gelf, reasons.noTime, reasons.fields, reasons.filled, reasons.secrets, reasons.unreadable])
      )

      yield* sql`update current_right.ocsf_events set message = 'changed' where message = 'one'`
      yield* sql`delete from current_right.ocsf_events where message = 'two'`
      yield* sql`update current_right.ocsf_events set time = time + interval '2 microseconds' where message = 'six'`
      const other = yield* compare("go_left", "current_right", "events")

      assert.deepInclude(other, { missing: 1, extra: 0, differing: 2 })
      assert.deepStrictEqual(
        new Set(other.differingColumns.map(({ column }) => column)),
        new Set(["short_message", "event_timestamp"])
      )
      const turned = yield* compare("current_right", "go_left", "ocsf_events")
      assert.deepInclude(turned, { table: "ocsf_events", rightTable: "events", leftRows: 5, rightRows: 7 })
      assert.isFalse(isEqual(turned))
    }))

  it.effect("holds events in the Go writer's form against the same, and a repeated or lost one is found", () =>
    Effect.gen(function*() {
      const sql = yield* goEvents("go_one")
      yield* goSchema("go_other")
      yield* store("go_other", "go-1.0.76", messages)

      const same = yield* compare("go_one", "go_other", "events")

      assert.isTrue(isEqual(same), JSON.stringify(same))
      assert.strictEqual(same.deliberate, 4)

      yield* sql`delete from go_other.events where id = 'timeless'`
      yield* sql`insert into go_other.events select (jsonb_populate_record(e, '{"id":"again"}')).*
        from go_other.events e where id = 'plain'`
      assert.deepInclude(yield* compare("go_one", "go_other", "events"), { missing: 1, extra: 1, differing: 0 })
    }))

  it.effect("holds attributes as maps in both forms, and severities 0 and null are one", () =>
    Effect.gen(function*() {
      const sql = yield* goSchema("go_logs")
      yield* prepare("current_logs")
      const log = (body: unknown, attributes: object, span: string): readonly [string, unknown] => ["logs.app", {
        timestamp: 1_767_323_045,
        body,
        trace_id: "0af7651916cd43dd8448eb211c80319c",
        span_id: span,
        attributes
      }]
      yield* store("current_logs", "current", [
        log("a", { k: "v", ok: false, list: [1, 2], zero: 0 }, "b7ad6b7169203331"),
        log({ deep: 1 }, { k: "v" }, "b7ad6b7169203332")
      ])
      yield* sql`update current_logs.logs set severity_number = null`
      yield* sql`insert into go_logs.logs
          (timestamp, trace_id, span_id, body, attributes, severity_number, service_name, severity_text)
        select timestamp, trace_id, span_id, case body when 'a' then body else '' end, 'k=v', 0, service_name, severity_text
        from current_logs.logs`

      const same = yield* compare("go_logs", "current_logs", "logs")

      assert.isTrue(isEqual(same), JSON.stringify(same))
      assert.deepStrictEqual(
        new Set(same.reasons.map(({ reason }) => reason)),
        new Set([reasons.leftOut, reasons.bodies])
      )
      yield* sql`update go_logs.logs set attributes = 'k=w' where body = 'a'`
      assert.deepInclude(yield* compare("go_logs", "current_logs", "logs"), { differing: 1, missing: 0, extra: 0 })
      yield* prepare("other_logs")
      yield* store("other_logs", "current", [
        log("a", { k: "v", ok: false, list: [1, 3], zero: 0 }, "b7ad6b7169203331")
      ])
      assert.deepInclude(yield* compare("current_logs", "other_logs", "logs"), { differing: 1, missing: 1, extra: 0 })
    }))

  it.effect("counts every row of a table that only one side has", () =>
    Effect.gen(function*() {
      const sql = yield* goSchema("lone_left")
      yield* prepare("lone_right")
      yield* sql`drop table lone_left.sweep_host_states`
      yield* sql`insert into lone_right.sweep_host_states (host_ip, poller_id, agent_id, partition, last_sweep_time)
        values ('10.0.0.1', 'p', 'a', 'd', '2026-01-01T00:00:00Z')`

      const difference = yield* compare("lone_left", "lone_right", "sweep_host_states")

      assert.deepInclude(difference, { leftRows: 0, rightRows: 1, extra: 1 })
      assert.strictEqual(difference.examples[0]?.key["host_ip"], "10.0.0.1")
      assert.isFalse(isEqual(difference))
    }))
})
