import { assert, describe, it } from "@effect/vitest"
import { tables } from "../../../../src/domain/events/rows/Tables.ts"
import * as AdoptionPlan from "../../../../src/domain/events/storing/AdoptionPlan.ts"

const column = (name: string, type: string, given: Partial<AdoptionPlan.FoundColumn> = {}) => ({
  name,
  type,
  isNullable: true,
  hasDefault: false,
  ...given
})

const needed = { isNullable: false }

const found = (given: Partial<AdoptionPlan.FoundTable>): AdoptionPlan.FoundTable => ({
  kind: "table",
  isHypertable: false,
  columns: [],
  uniqueKeys: [],
  ...given
})

const names: Readonly<Record<string, string>> = {
  int4: "integer",
  int8: "bigint",
  float8: "double precision",
  timestamptz: "timestamp with time zone"
}

/** The columns of a table of ours, with some changed. */
const columnsOf = (table: AdoptionPlan.WantedTable, changes: Readonly<Record<string, AdoptionPlan.FoundColumn>> = {}) =>
  Object.entries(table.columns).map(([name, { nullable, type }]) =>
    changes[name] ?? column(name, names[type] ?? type, { isNullable: nullable })
  )

const plan = (table: AdoptionPlan.WantedTable, given: Partial<AdoptionPlan.FoundTable>) =>
  AdoptionPlan.make(table, found(given))

describe("AdoptionPlan", () => {
  it.each(Object.values(tables))("has nothing to do for our own $name", (table) => {
    const made = plan(table, { columns: columnsOf(table), uniqueKeys: [table.key] })

    assert.deepInclude(made, { addColumns: [], addKey: undefined, problems: [], notes: [] })
    assert.isTrue(made.targets.every(({ column, name, whenNull }) => name === column && whenNull === "null"))
  })

  it("adds what is missing, and a key where rows would be stored twice", () => {
    const columns = columnsOf(tables.netflow_metrics).filter(({ name }) => name !== "tenant_id" && name !== "ingest_id")

    const made = plan(tables.netflow_metrics, { columns })

    assert.deepStrictEqual(made.addColumns, [{ name: "tenant_id", type: "text" }, { name: "ingest_id", type: "uuid" }])
    assert.deepStrictEqual(made.addKey, ["tenant_id", "timestamp", "ingest_id"])
  })

  it("needs no key of its own where another holds, and says what that one loses", () => {
    const key = ["timestamp", "gateway_id", "metric_name"]

    const made = plan(tables.timeseries_metrics, { columns: columnsOf(tables.timeseries_metrics), uniqueKeys: [key] })

    assert.isUndefined(made.addKey)
    assert.deepStrictEqual(made.notes, [
      "timeseries_metrics keeps one of several rows that are equal in timestamp, gateway_id, metric_name, as its key asks"
    ])
  })

  it("does not trust a key with a column that may be null", () => {
    const made = plan(tables.timeseries_metrics, {
      columns: columnsOf(tables.timeseries_metrics),
      uniqueKeys: [["timestamp", "device_id"]]
    })

    assert.deepStrictEqual(made.addKey, tables.timeseries_metrics.key)
  })

  it("writes a renamed column under its former name", () => {
    const columns = columnsOf(tables.timeseries_metrics, { gateway_id: column("poller_id", "text", needed) })

    const made = plan(tables.timeseries_metrics, { columns })

    assert.deepInclude(made.targets, { column: "gateway_id", name: "poller_id", type: "text", whenNull: "null" })
    assert.deepStrictEqual(made.addKey, ["tenant_id", "timestamp", "poller_id", "series_key"])
  })

  it("never makes up an id for a log without a span, though the key asks for one (otlp-logs-no-trace-context-adopted.json)", () => {
    const columns = columnsOf(tables.logs, {
      trace_id: column("trace_id", "text", needed),
      span_id: column("span_id", "text", needed)
    })

    const made = plan(tables.logs, { columns, uniqueKeys: [["timestamp", "trace_id", "span_id"]] })

    const whenNull = Object.fromEntries(made.targets.map((target) => [target.name, target.whenNull]))
    assert.deepInclude(whenNull, { trace_id: "empty", span_id: "empty", body: "null" })
    assert.isUndefined(made.addKey)
  })

  it.each([
    ["another type", column("value", "numeric"), "numeric", "double precision"],
    ["no room for null", column("if_index", "integer", needed), "not null", "nullable, as some rows have no value"],
    [
      "a foreign column that is needed",
      column("site", "text", needed),
      "not null without a default",
      "nullable or with a default, as our rows have no value for it"
    ]
  ])("names %s, and does nothing then", (_, changed, found, wanted) => {
    const columns = columnsOf(tables.timeseries_metrics, { [changed.name]: changed })

    const made = plan(tables.timeseries_metrics, {
      columns: columns.includes(changed) ? columns : [...columns, changed]
    })

    assert.deepInclude(made, { addColumns: [], addKey: undefined })
    assert.deepStrictEqual(made.problems, [{ table: "timeseries_metrics", column: changed.name, found, wanted }])
  })

  it("does not take a view for a table", () => {
    const made = plan(tables.logs, { kind: "view" })

    assert.deepStrictEqual(made.problems, [{ table: "logs", column: "", found: "a view", wanted: "a table" }])
  })
})
