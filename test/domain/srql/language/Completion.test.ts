import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { queryCatalog } from "../../../../src/domain/queries/QueryCatalog.ts"
import { complete } from "../../../../src/domain/srql/language/Completion.ts"
import { planOf } from "../../queries/asking.ts"
import { worked } from "../../queries/questions.ts"

const after = (text: string) => [...complete(text, queryCatalog).candidates]

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

  it("takes the place of the end of what is written, and of nothing else", () => {
    for (const query of worked) {
      for (let end = 0; end <= query.length; end++) {
        const { candidates, replaced } = complete(query.slice(0, end), queryCatalog)
        assert.isTrue(query.slice(0, end).endsWith(replaced), query.slice(0, end))
        for (const candidate of candidates) assert.isTrue(candidate.startsWith(replaced.toLowerCase()), candidate)
      }
    }
  })

  it("is part of a query that can be planned", () => {
    for (const { name } of queryCatalog.entities) {
      for (const sort of after(`in:${name} sort:`)) {
        assert.deepStrictEqual(Result.getOrThrow(planOf(`in:${name} sort:${sort}`)).warnings, [])
      }
      for (const group of after(`in:${name} stats:"count() as n by `)) {
        assert.isTrue(Result.isSuccess(planOf(`in:${name} stats:"count() as n by ${group}"`)), `${name} by ${group}`)
      }
    }
  })
})
