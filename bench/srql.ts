/**
 * What parsing and planning cost, over the questions that pages ask; what the whole way of a question costs over the same
 * statement by hand, by class; and the memory of a stream.
 *
 *   npm run bench -- srql [--rounds 2000] [--metrics 1000000] [--devices 100000] [--logs 500000] [--repeats 21]
 *     [--seconds 20] [--home FOLDER]
 *
 * At the size of the budget: --metrics 10000000 --devices 1000000 --logs 10000000; with --home the folder is kept and filled
 * once.
 */
import { Effect, Result, Stream } from "effect"
import { queryCatalog } from "../src/domain/queries/QueryCatalog.ts"
import { parse } from "../src/domain/srql/language/Parser.ts"
import { plan } from "../src/domain/srql/plan/Planner.ts"
import { Queries } from "../src/services/queries/Queries.ts"
import * as Database from "./srql/Database.ts"
import * as Overhead from "./srql/Overhead.ts"

const queries = [
  "in:devices hostname:%core% limit:25",
  "in:devices ip:172.16.0.0/12 time:last_3d tags:(prod,edge) !os.name:%windows%",
  "in:devices gateway_id:gw-7 stats:\"count() as n by vendor\" limit:5",
  "in:interfaces uid:sr:x1 latest:true oper_status:2 sort:if_index:asc limit:50",
  "in:logs service:api time:last_1h stats:\"count() as n, group_uniq_array(severity) as levels\"",
  "in:snmp_metrics if_index:3 time:last_6h bucket:5m agg:rate series:metric_name"
]

const planning = (rounds: number) => {
  const context = { tenant: "default", nowMillis: Date.now() }
  const timed = (work: () => unknown): number => {
    for (let round = 0; round < rounds; round++) work()
    const from = performance.now()
    for (let round = 0; round < rounds; round++) work()
    return (performance.now() - from) * 1000 / rounds
  }
  return queries.map((text) => {
    const query = Result.getOrThrow(parse(text, queryCatalog))
    return {
      query: text.slice(0, 40),
      parse_us: timed(() => parse(text, queryCatalog)),
      plan_us: timed(() => plan(query, queryCatalog, context))
    }
  })
}

const megabytes = () => process.memoryUsage.rss() / 2 ** 20

const newline = 10

/** Of a million rows, sent on as bytes, piece by piece as the HTTP API sends them. */
const streaming = Effect.gen(function*() {
  const { rows } = yield* Queries
  const lines = rows({ text: "in:timeseries limit:1000000", style: "web", tenant: null }).pipe(
    Stream.mapArray((some) => [some.map((row) => `${row}\n`).join("")]),
    Stream.encodeText
  )
  yield* Stream.runDrain(Stream.take(lines, 200))
  globalThis.gc?.()
  const before = megabytes()
  let most = before
  let bytes = 0
  let count = 0
  const from = performance.now()
  yield* Stream.runForEach(lines, (piece) =>
    Effect.sync(() => {
      bytes += piece.length
      for (const byte of piece) if (byte === newline) count += 1
      most = Math.max(most, megabytes())
    }))
  return { count, added: most - before, bytes, seconds: (performance.now() - from) / 1000 }
})

const round = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits

export const run = async (options: ReadonlyMap<string, string>) => {
  const number = (name: string, otherwise: number) => Number(options.get(name) ?? otherwise)
  const measured = planning(number("rounds", 2000))
  const sizes = {
    home: options.get("home"),
    metrics: number("metrics", 1_000_000),
    devices: number("devices", 100_000),
    logs: number("logs", 500_000)
  }
  const { classes, stream } = await Effect.runPromise(
    Effect.gen(function*() {
      const stream = yield* streaming
      return {
        classes: yield* Overhead.all({ repeats: number("repeats", 21), seconds: number("seconds", 20) }),
        stream
      }
    }).pipe(Effect.provide(Database.layer(sizes)), Effect.scoped)
  )
  const worst = (key: "parse_us" | "plan_us") => round(Math.max(...measured.map((one) => one[key])))
  return {
    rows: [
      ...measured.map((one) => ({
        what: `parse and plan ${one.query}`,
        value: round(one.parse_us + one.plan_us),
        unit: "µs",
        must: "≤ 200 µs"
      })),
      ...classes.flatMap(({ name, p50, p95, ratio, tenantMillis }) => [
        { what: `${name}: over the same by hand`, value: round(ratio, 2), unit: "×", must: "≤ 1.3", aim: "≤ 1.1" },
        { what: `${name}: half, and 95 %, within`, value: round(p50), unit: `ms, ${round(p95)} ms` },
        { what: `${name}: half within, for a tenant`, value: round(tenantMillis), unit: "ms" }
      ]),
      { what: `${stream.count} rows streamed, memory added`, value: round(stream.added), unit: "MiB", must: "≤ 64" },
      { what: "rows streamed a second", value: Math.round(stream.count / stream.seconds), unit: "rows/s" }
    ],
    result: {
      metrics: sizes.metrics,
      devices: sizes.devices,
      logs: sizes.logs,
      parse_us: worst("parse_us"),
      plan_us: worst("plan_us"),
      overhead_ratio: round(Math.max(...classes.map(({ ratio }) => ratio)), 2),
      p95_ms: Object.fromEntries(classes.map(({ name, p95 }) => [name, round(p95)])),
      stream_rss_mb: round(stream.added),
      stream_rows: stream.count
    }
  }
}
