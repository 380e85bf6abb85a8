/** Queries for the tests of the language: real ones, generated trees, and damaged texts. */
import * as fc from "fast-check"
import * as Instant from "../../../../src/domain/srql/language/Instant.ts"
import type { EntityNames } from "../../../../src/domain/srql/language/Parser.ts"
import type { Filter, Query, TimeFilter } from "../../../../src/domain/srql/language/Query.ts"

const spellings = ["devices", "device", "logs", "events", "cpu_metrics", "cpu", "interfaces", "traces", "alerts"]
const canonical: Readonly<Record<string, string>> = { device: "devices", cpu: "cpu_metrics" }

export const names: EntityNames = {
  resolve: (spelling) => spellings.includes(spelling) ? canonical[spelling] ?? spelling : undefined,
  spellings
}

/** As people and pages write them. */
export const real: ReadonlyArray<string> = [
  "in:devices hostname:%core% limit:25",
  "in:device vendor_name:\"Acme Networks\" !is_available:true",
  "in:devices device_id:(sr:a,sr:b) sort:uid:asc",
  "in:devices ip:172.16.0.0/12 time:last_3d",
  "in:devices !ip:10.1.0.10-10.1.0.99",
  "in:devices discovery_sources:(snmp,mapper) !discovery_sources:(manual)",
  "in:devices tags:(prod,edge) tags.owner:netops",
  "in:devices gateway_id:gw-7 stats:\"count() as n by vendor\" limit:5",
  "in:devices stats:count() as n by risk sort:n:asc",
  "in:interfaces uid:sr:x1 latest:true oper_status:2 sort:if_index:asc limit:50",
  "in:logs time:\"[2026-01-10T00:00:00Z,2026-01-11 12:00:00]\" sort:timestamp:asc",
  "in:logs time:[2026-01-10T00:00:00Z,]",
  "in:logs service:api time:last_1h stats:\"count() as n, group_uniq_array(severity) as levels\"",
  "in:logs !service_name:(a,b) rollup_stats:severity time:last_12h",
  "in:cpu usage_percent:>70 usage_percent:<=95 sort:usage_percent",
  "in:cpu_metrics time:last_24h bucket:15m agg:max value_field:usage_percent series:uid limit:500",
  "in:devices os:(name:linux version:5.%) stats:\"count_distinct(ip) as n by vendor\" having:n>5",
  "in:devices,events time:today limit:10",
  "in:logs body:\"it's \\\"done\\\" (really)\" !level:'x y'"
]

const span = { start: 0, end: 0 }

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom("\"", "'", "`", "\\", "%", ">", "<", "=", "(", ")", "[", "]", ",", ":", " ", "!", "a"),
    maxLength: 8
  }),
  fc.constantFrom("Acme Networks", "sr:x:1", "10.0.0.0/8", "it's", "é…", "{}", "")
)

const field = fc.constantFrom(
  "hostname",
  "os.name",
  "metadata.a-b",
  "usage_percent",
  "x",
  "uid",
  "service.name",
  "0",
  "time_x"
)

const filter: fc.Arbitrary<Filter> = fc.oneof(
  fc.record({ field, op: fc.constantFrom("eq" as const, "not_eq" as const), value: text }),
  fc.record({
    field,
    op: fc.constantFrom("like" as const, "not_like" as const),
    value: fc.tuple(text, text).map(([a, b]) => `${a.replaceAll(/[_\\]/g, "\\$&")}%${b.replaceAll(/[%\\]/g, "\\$&")}`)
  }),
  fc.record({ field, op: fc.constantFrom("gt" as const, "gte" as const, "lt" as const, "lte" as const), value: text }),
  fc.record({
    field,
    op: fc.constantFrom("in" as const, "not_in" as const),
    value: fc.array(text.filter((item) => item !== ""), { maxLength: 4 })
  })
).map((parts) => ({ ...parts, key: span, at: span }))

const instant = fc.record({
  epochSeconds: fc.integer({ min: -60_000_000_000, max: 250_000_000_000 }),
  nanos: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 }))
}).map(Instant.format)

const time: fc.Arbitrary<TimeFilter> = fc.oneof(
  fc.record({ type: fc.constant("relative_minutes" as const), value: fc.nat(90 * 1440) }),
  fc.record({ type: fc.constant("relative_hours" as const), value: fc.nat(90 * 24) }),
  fc.record({ type: fc.constant("relative_days" as const), value: fc.nat(90) }),
  fc.record({ type: fc.constantFrom("today" as const, "yesterday" as const) }),
  fc.record({ type: fc.constant("absolute" as const), value: fc.record({ start: instant, end: instant }) }),
  fc.record({ type: fc.constant("absolute_open_end" as const), value: fc.record({ start: instant }) }),
  fc.record({ type: fc.constant("absolute_open_start" as const), value: fc.record({ end: instant }) })
)

const nameText = text.map((name) => name.trim().toLowerCase()).filter((name) => name !== "")

/** Every tree that the parser can answer with. */
export const trees: fc.Arbitrary<Query> = fc.record({
  entities: fc.uniqueArray(fc.constantFrom("devices", "logs", "events", "cpu_metrics"), { minLength: 1, maxLength: 3 })
    .map(([first = "devices", ...more]): Query["entities"] => [first, ...more]),
  entityAt: fc.constant(span),
  filters: fc.array(filter, { maxLength: 4 }),
  order: fc.array(
    fc.record({ field, direction: fc.constantFrom("asc" as const, "desc" as const), at: fc.constant(span) }),
    { maxLength: 3 }
  ),
  limit: fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  time: fc.option(time),
  timeAt: fc.constant(span),
  stats: fc.option(
    fc.record({ raw: text.map((raw) => raw.trim()).filter((raw) => raw !== ""), at: fc.constant(span) })
  ),
  downsample: fc.option(fc.record({
    bucketSeconds: fc.integer({ min: 1, max: 31 * 86_400 }),
    agg: fc.constantFrom(
      "avg" as const,
      "min" as const,
      "max" as const,
      "sum" as const,
      "count" as const,
      "rate" as const
    ),
    series: fc.option(nameText),
    valueField: fc.option(nameText),
    at: fc.constant(span)
  })),
  rollup: fc.option(fc.record({ type: nameText, at: fc.constant(span) })),
  having: fc.array(
    fc.record({
      alias: fc.constantFrom("n", "p95_ms", "0"),
      op: fc.constantFrom(
        "eq" as const,
        "not_eq" as const,
        "gt" as const,
        "gte" as const,
        "lt" as const,
        "lte" as const
      ),
      value: fc.constantFrom("0", "-1", "12.50", "999999999999999999"),
      at: fc.constant(span)
    }),
    { maxLength: 2 }
  ),
  overridden: fc.constant([])
})

const pieces = [
  "\"",
  "'",
  "`",
  "\\",
  "(",
  ")",
  "[",
  "]",
  ":",
  "!",
  "%",
  ">",
  ",",
  " ",
  "\u0000",
  "\ud800",
  "in:",
  "in:logs",
  "time:",
  "time:[",
  "limit:99999999999999999999",
  "stats:",
  " as ",
  " by ",
  "bucket:",
  "last_999999999999999999999d",
  "sort:a:b:c",
  "having:n>1",
  "(a:1 b:(c:1 d:2))",
  "__proto__:x",
  "constructor:x",
  "𝒳",
  "\n"
]

/** Damaged copies of real queries, and texts of nothing but trouble, up to 4 KB. */
export const damaged = (random: (bound: number) => number, from: ReadonlyArray<string> = real): string => {
  let query = random(4) === 0 ? "" : from[random(from.length)] ?? ""
  for (let left = 1 + random(6); left > 0; left--) {
    const start = random(query.length + 1)
    const to = Math.min(query.length, start + random(8))
    const piece = random(3) === 0
      ? query.slice(start, to).repeat(1 + random(40))
      : random(8) === 0
      ? String.fromCharCode(random(0x10000))
      : pieces[random(pieces.length)] ?? ""
    query = `${query.slice(0, start)}${piece}${query.slice(random(2) === 0 ? start : to)}`
  }
  return query.slice(0, 4096)
}

/** Mulberry32: numbers below `bound`, the same for the same seed. */
export const generator = (seed: number) => {
  let state = seed >>> 0
  return (bound: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}
