import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { coreCatalog } from "../../../../src/domain/core/CoreCatalog.ts"
import { superSystem } from "../../../../src/domain/records/Actor.ts"
import { parse } from "../../../../src/domain/srql/language/Parser.ts"
import * as Again from "../../../../src/domain/srql/plan/Again.ts"
import { plan } from "../../../../src/domain/srql/plan/Planner.ts"
import { question, worked } from "../../queries/questions.ts"
import { generator } from "../language/queries.ts"

const earlier = { tenant: null, actor: superSystem, nowMillis: Date.UTC(2026, 0, 31, 23, 59, 59, 999) }
const later = { ...earlier, nowMillis: Date.UTC(2026, 1, 3, 4, 5, 6, 7) }

const planned = (text: string, context = earlier) =>
  Result.flatMap(
    parse(text, coreCatalog),
    (query) => Result.map(plan(query, coreCatalog, context), (plan) => ({ query, plan }))
  )

describe("a query that is asked again", () => {
  it("has the statement and the values of one that is planned anew, whatever it asks", () => {
    const random = generator(1)
    const texts = [
      ...worked,
      ...Array.from({ length: 5_000 }, () => question(random)),
      "in:cpu time:last_24h bucket:15m agg:max series:uid",
      "in:logs time:today rollup_stats:severity",
      "in:logs,traces time:last_1h",
      "in:api_tokens time:last_24h"
    ]
    let moved = 0
    for (const text of texts) {
      const first = planned(text)
      if (Result.isFailure(first) || !Again.isPossible(first.success.plan)) continue
      const { plan, query } = first.success
      const values = Again.valuesAt(query, plan, later)
      const anew = planned(text, later)
      if (Result.isFailure(anew)) {
        assert.isTrue(Result.isFailure(values), text)
        continue
      }
      assert.strictEqual(plan.sql, anew.success.plan.sql, text)
      assert.deepStrictEqual(Result.getOrThrow(values), anew.success.plan.binds.map(({ v }) => v), text)
      if (plan.binds.some(({ v }, at) => v !== anew.success.plan.binds[at]?.v)) moved += 1
    }
    assert.isAbove(moved, 100)
  })

  it("is planned anew where its rows are computed for a time", () => {
    const { plan } = Result.getOrThrow(planned("in:api_tokens is_expired:true"))
    assert.isFalse(Again.isPossible(plan))
  })

  it("is refused when its time range has become too wide", () => {
    const { plan, query } = Result.getOrThrow(planned("in:logs time:[2026-01-30T00:00:00Z,]"))
    const much = Again.valuesAt(query, plan, { ...later, nowMillis: Date.UTC(2026, 11, 31) })
    assert.include(Result.getOrThrow(Result.flip(much)).detail, "time range cannot exceed 90 days")
  })
})
