import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { coreCatalog } from "../../../src/domain/core/CoreCatalog.ts"
import * as Visualization from "../../../src/domain/queries/Visualization.ts"
import { planOf, rowEntities } from "./asking.ts"

const of = (query: string) => Visualization.of(Result.getOrThrow(planOf(query)), coreCatalog)

const columnsOf = (query: string) => [...of(query)?.columns ?? []]

describe("What dashboards are told of an answer", () => {
  it("is of the entity, with types, meanings and units", () => {
    const cpu = of("in:cpu time:last_1h stats:\"avg(usage_percent) as load by device_id\"")

    assert.deepStrictEqual(cpu?.suggestions, [{
      kind: "timeseries",
      x: "timestamp",
      y: "usage_percent",
      series: "label"
    }])
    assert.deepStrictEqual(cpu?.columns.slice(0, 2), [
      { name: "timestamp", type: "timestamptz", semantic: "time" },
      { name: "gateway_id", type: "text", semantic: "id" }
    ])
    assert.deepInclude([...cpu?.columns ?? []], {
      name: "usage_percent",
      type: "float",
      semantic: "value",
      unit: "percent"
    })
    assert.deepInclude(columnsOf("in:memory"), { name: "used_bytes", type: "int", semantic: "value", unit: "bytes" })
  })

  it("says table where there is nothing to draw, and leaves some times without a meaning", () => {
    const alerts = of("in:alerts")

    assert.deepStrictEqual(alerts?.suggestions, [{ kind: "table" }])
    assert.deepInclude([...alerts?.columns ?? []], { name: "resolved_at", type: "timestamptz" })
    assert.deepInclude([...alerts?.columns ?? []], { name: "triggered_at", type: "timestamptz", semantic: "time" })
    assert.deepInclude(columnsOf("in:devices"), { name: "last_heartbeat", type: "timestamptz", semantic: "time" })
  })

  it("is of the buckets where there are some, and nothing for an entity of our own", () => {
    assert.deepStrictEqual(columnsOf("in:cpu time:last_1h bucket:5m").map(({ name }) => name), [
      "timestamp",
      "series",
      "value"
    ])
    assert.isNull(of("in:flows"))
  })

  it("is there for every other entity, and names what can be read", () => {
    for (const { name } of rowEntities.filter(({ name }) => name !== "flows")) {
      const told = of(`in:${name}`)
      assert.isNotNull(told, name)
      assert.isTrue(told.columns.every((column) => /^[a-z_]+$/.test(column.name)), name)
    }
  })
})
