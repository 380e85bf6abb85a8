import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { coreCatalog } from "../../../../src/domain/core/CoreCatalog.ts"
import { complete, ofValues, valuesWanted } from "../../../../src/domain/srql/language/Completion.ts"
import { planOf, rowEntities } from "../../queries/asking.ts"
import { worked } from "../../queries/questions.ts"

const after = (text: string) => [...complete(text, coreCatalog).candidates]

describe("What may come next in a query", () => {
  it.each([
    ["", "in:"],
    ["i", "in:"],
    ["in:dev", "devices"],
    ["in:devices,ev", "events"],
    ["in:devices host", "hostname:"],
    ["in:devices !host", "!hostname:"],
    ["in:devices lim", "limit:"],
    ["in:devices meta", "metadata."],
    ["in:interfaces lat", "latest:"],
    ["in:interfaces latest:", "true"],
    ["in:devices is_available:f", "false"],
    ["in:devices time:", "last_24h"],
    ["in:devices sort:host", ""],
    ["in:devices sort:uid:asc,last", "last_seen"],
    ["in:devices sort:uid:", "desc"],
    ["in:cpu bucket:", "5m"],
    ["in:cpu bucket:5m agg:m", "max"],
    ["in:cpu bucket:5m series:ho", "host_id"],
    ["in:cpu bucket:5m value_field:f", "frequency_hz"],
    ["in:logs rollup_stats:", "severity"],
    ["in:devices stats:\"co", "count("],
    ["in:cpu stats:\"avg(us", "usage_percent"],
    ["in:devices stats:\"count() as n by ven", "vendor"]
  ])("after %j: %s", (text, candidate) => {
    const candidates = after(text)
    if (candidate === "") assert.deepStrictEqual(candidates, [])
    else assert.include(candidates, candidate)
  })

  it("are values of a field too, for which the database has to be asked", () => {
    const wanted = (text: string) => valuesWanted(text, coreCatalog)
    assert.deepStrictEqual(wanted("in:logs severity_text:ER"), {
      replaced: "ER",
      key: "severity_text",
      question: "in:logs time:last_1h stats:\"count() as n by severity_text\" limit:200"
    })
    assert.strictEqual(
      wanted("in:devices !vendor_name:")?.question,
      "in:devices stats:\"count() as n by vendor_name\" limit:200"
    )
    assert.strictEqual(wanted("in:logs service_name:(api,we")?.replaced, "we")
    for (const text of ["in:logs body:x", "in:logs sort:service_name", "severity_text:x", "in:logs severity_text"]) {
      assert.isUndefined(wanted(text), text)
    }
    for (const entity of rowEntities) {
      for (const field of entity.fields.keys()) {
        const question = wanted(`in:${entity.name} ${field}:`)?.question
        if (question !== undefined) assert.isTrue(Result.isSuccess(planOf(question)), question)
      }
    }
  })

  it("are values that begin as what is written, in quotes where they are no word", () => {
    const offered = (text: string, values: ReadonlyArray<string>) => {
      const wanted = valuesWanted(text, coreCatalog)
      return wanted === undefined ? undefined : [...ofValues(wanted, values, text).candidates]
    }
    assert.deepStrictEqual(offered("in:logs severity_text:e", ["ERROR", "INFO", "", "e%"]), ["ERROR"])
    assert.deepStrictEqual(offered("in:devices vendor_name:", ["Acme \"X\"", "b"]), ["\"Acme \\\"X\\\"\"", "b"])
    assert.deepStrictEqual(offered("in:devices vendor_name:\"ac", ["Acme One"]), ["Acme One\""])
  })

  it("takes the place of the end of what is written, and of nothing else", () => {
    for (const query of worked) {
      for (let end = 0; end <= query.length; end++) {
        const { candidates, replaced } = complete(query.slice(0, end), coreCatalog)
        assert.isTrue(query.slice(0, end).endsWith(replaced), query.slice(0, end))
        for (const candidate of candidates) assert.isTrue(candidate.startsWith(replaced.toLowerCase()), candidate)
      }
    }
  })

  it("is part of a query that can be planned", () => {
    for (const { name } of rowEntities) {
      for (const sort of after(`in:${name} sort:`)) {
        assert.deepStrictEqual(Result.getOrThrow(planOf(`in:${name} sort:${sort}`)).warnings, [])
      }
      for (const group of after(`in:${name} stats:"count() as n by `)) {
        assert.isTrue(Result.isSuccess(planOf(`in:${name} stats:"count() as n by ${group}"`)), `${name} by ${group}`)
      }
    }
  })
})
