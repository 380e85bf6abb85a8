import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as fc from "fast-check"
import * as Parser from "../../../../src/domain/srql/language/Parser.ts"
import { print } from "../../../../src/domain/srql/language/Printer.ts"
import { toJson } from "../../../../src/domain/srql/language/Query.ts"
import { judge } from "./judge.ts"
import { damaged, generator, names, real, trees } from "./queries.ts"

const tree = (text: string) => toJson(Result.getOrThrow(Parser.parse(text, names)))

const refusal = (text: string) => {
  const answer = Parser.parse(text, names)
  if (Result.isSuccess(answer)) throw new Error(`${text} was parsed`)
  return answer.failure
}

const filters = (text: string) => tree(`in:devices ${text}`).filters.map(({ field, op, value }) => [field, op, value])

describe("Parser", () => {
  it("answers with the original's tree", () => {
    assert.deepStrictEqual(
      tree("in:device hostname:%core% !type:(a,b) time:last_24h sort:last_seen,uid:asc limit:25"),
      {
        entity: "devices",
        filters: [{ field: "hostname", op: "like", value: "%core%" }, {
          field: "type",
          op: "not_in",
          value: ["a", "b"]
        }],
        order: [{ field: "last_seen", direction: "desc" }, { field: "uid", direction: "asc" }],
        limit: 25,
        time_filter: { type: "relative_hours", value: 24 },
        stats: null,
        downsample: null,
        rollup_stats: null
      }
    )
  })

  it("takes the words after stats: as its alias and grouping", () => {
    assert.deepStrictEqual(tree("in:devices stats:count() as n by risk sort:n:asc").stats, {
      raw: "count() as n by risk",
      aggregations: [{ type: "count", field: null, alias: "n by risk" }]
    })
  })

  it("merges several stats:", () => {
    assert.strictEqual(
      tree("in:devices stats:count() as n by risk stats:\"max(x) as m\"").stats?.raw,
      "count() as n, max(x) as m by risk"
    )
    assert.strictEqual(
      refusal("in:devices stats:count() as n by risk stats:\"max(x) as m by vendor\"").detail,
      "conflicting 'by' clauses across stats expressions"
    )
  })

  it("tells the operators apart", () => {
    assert.deepStrictEqual(
      filters("a:v !b:v c:>=1 d:>1 e:<=1 f:<1 g:%v !h:v% i:(1,2) !j:[3] k: l:\">5\""),
      [
        ["a", "eq", "v"],
        ["b", "not_eq", "v"],
        ["c", "gte", "1"],
        ["d", "gt", "1"],
        ["e", "lte", "1"],
        ["f", "lt", "1"],
        ["g", "like", "%v"],
        ["h", "not_like", "v%"],
        ["i", "in", ["1", "2"]],
        ["j", "not_in", ["3"]],
        ["k", "eq", ""],
        ["l", "gt", "5"]
      ]
    )
  })

  it("keeps what quotes enclose, and takes what a backslash escapes for text", () => {
    assert.deepStrictEqual(
      filters("a:\"x = 'y'\" b:\"50\\%\" c:\"\\>5\" d:\"say \\\"hi\\\"\" e:(\"a,b\",' c ') f:\"(a,b)\" g:it's\\ x"),
      [
        ["a", "eq", "x = 'y'"],
        ["b", "eq", "50%"],
        ["c", "eq", ">5"],
        ["d", "eq", "say \"hi\""],
        ["e", "in", ["a,b", " c "]],
        ["f", "eq", "(a,b)"],
        ["g", "eq", "it's x"]
      ]
    )
  })

  it("keeps in a pattern what a backslash escapes for text, and takes others as the database does", () => {
    assert.deepStrictEqual(
      filters("a:\"\\%%\" b:\"a\\_b%\" c:\"back\\\\%\" d:\"say \\\"hi\\\" %\" e:a\\_b% f:a\\b_% !g:\"\\>%\""),
      [
        ["a", "like", "\\%%"],
        ["b", "like", "a\\_b%"],
        ["c", "like", "back\\\\%"],
        ["d", "like", "say \"hi\" %"],
        ["e", "like", "a\\_b%"],
        ["f", "like", "ab_%"],
        ["g", "not_like", ">%"]
      ]
    )
  })

  it("spreads a group over its fields", () => {
    assert.deepStrictEqual(filters("os:(name:linux !version:(5,6)) uid:(sr:a)"), [
      ["os.name", "eq", "linux"],
      ["os.version", "not_in", ["5", "6"]],
      ["uid", "in", ["sr:a"]]
    ])
  })

  it.each([
    ["hostname:x", "queries must include an in:<entity> token"],
    ["in:devices hostname", "missing ':' in token"],
    ["in:flows", "unsupported entity 'flows'"],
    ["in:(devices)", "expected scalar value"],
    ["in:logs limit:0", "limit must be a positive integer"],
    ["in:logs limit:10.5", "invalid limit"],
    ["in:logs limit:99999999999999999999", "invalid limit"],
    ["in:devices time:last_2w", "unsupported time token 'last_2w'"],
    ["in:devices time:last_91d", "time range cannot exceed 90 days"],
    ["in:devices time:last_99999999999999999999999d", "time range cannot exceed 90 days"],
    ["in:devices time:[2026-01-10,]", "invalid time literal '2026-01-10'"],
    ["in:devices time:[,]", "unsupported time token '[,]'"],
    [
      `in:devices uid:(${"1,".repeat(201)})`,
      "list filters support at most 200 values"
    ],
    [`in:devices ${"uid:a ".repeat(201)}`, "queries support at most 200 filters"],
    [`in:devices os:(${"name:a ".repeat(201)})`, "queries support at most 200 filters"],
    [`in:devices sort:${"uid,".repeat(17)}`, "sort supports at most 16 fields"],
    ["in:cpu bucket:5x", "bucket supports only s|m|h|d suffixes"],
    ["in:cpu bucket:xm", "bucket duration must be an integer"],
    ["in:cpu bucket:0m", "bucket duration must be positive"],
    ["in:cpu bucket:32d", "bucket duration must be between 1s and 31d"],
    ["in:cpu agg:median", "unsupported agg 'median' (use avg|min|max|sum|count|rate)"],
    ["in:logs rollup_stats:", "rollup_stats requires a type (e.g., rollup_stats:severity)"],
    [`in:logs stats:"${"x".repeat(1025)}"`, "stats expression must be <= 1024 characters"],
    ["in:cpu !usage_percent:>5", "a comparison cannot be negated"]
  ])("refuses %s", (text, detail) => {
    assert.strictEqual(refusal(text).detail, detail)
  })

  it("says where, what was found and what was probably meant", () => {
    const { end, found, message, peerText, start, suggestion } = refusal("limit:5 in:devcies time:last_1h")

    assert.deepStrictEqual({ start, end, found, suggestion }, {
      start: 11,
      end: 18,
      found: "\"devcies\"",
      suggestion: Option.some("devices")
    })
    assert.strictEqual(peerText, "invalid request: unsupported entity 'devcies'")
    assert.include(message, "at 12: found \"devcies\", expected an entity; did you mean devices?")
  })

  it("reads quoted and bare brackets of time alike", () => {
    const range = { type: "absolute", value: { start: "2026-01-10T00:00:00Z", end: "2026-01-11T10:00:00.5Z" } }
    for (const quote of ["", "\"", "'"]) {
      const text = `in:logs time:${quote}[2026-01-10T00:00:00Z,2026-01-11T12:00:00.5+02:00]${quote}`
      assert.deepStrictEqual<unknown>(tree(text).time_filter, {
        ...range,
        value: { ...range.value, end: "2026-01-11T10:00:00.500Z" }
      })
    }
  })

  it("parses what is printed of any tree to the same tree", () => {
    fc.assert(
      fc.property(trees, (query) => {
        assert.deepStrictEqual(tree(print(query)), toJson(query), print(query))
      }),
      { numRuns: 3000 }
    )
  })

  it("prints real queries so that they mean the same", () => {
    for (const text of real) {
      assert.deepStrictEqual(tree(print(Result.getOrThrow(Parser.parse(text, names)))), tree(text))
    }
  })

  it("answers damaged queries with a tree that prints, or a place in them", () => {
    const random = generator(1)
    for (let count = 0; count < 4000; count++) judge(damaged(random))
  })
})
