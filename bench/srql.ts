/**
 * What parsing and planning cost, over the questions that pages ask; what the whole way of a question costs over the same
 * statement by hand, by class; and the memory that a stream of a million rows takes of core.
 *
 *   npm run bench -- srql [--rounds 2000] [--metrics 1000000] [--devices 100000] [--logs 500000] [--repeats 21]
 *     [--seconds 20] [--streams 3] [--only overhead,stream] [--classes "by name,logs of"] [--home FOLDER]
 *
 * At the size of the budget: --metrics 10000000 --devices 1000000 --logs 10000000; with --home the folder is kept and filled
 * once.
 */
import { Effect, Option, Result } from "effect"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { coreCatalog } from "../src/domain/core/CoreCatalog.ts"
import { parse } from "../src/domain/srql/language/Parser.ts"
import { plan } from "../src/domain/srql/plan/Planner.ts"
import * as Database from "./srql/Database.ts"
import * as Overhead from "./srql/Overhead.ts"
import * as Streaming from "./srql/Streaming.ts"

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
    const query = Result.getOrThrow(parse(text, coreCatalog))
    return {
      query: text.slice(0, 40),
      parse_us: timed(() => parse(text, coreCatalog)),
      plan_us: timed(() => plan(query, coreCatalog, context))
    }
  })
}

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
  const only = options.get("only")?.split(",") ?? ["overhead", "stream"]
  const rows = Math.min(1_000_000, sizes.metrics)
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-bench-core-"))
  const { classes, stream } = await Effect.runPromise(
    Effect.gen(function*() {
      return {
        stream: only.includes("stream")
          ? yield* Streaming.measure(folder, rows, number("streams", 3))
          : Option.none(),
        classes: only.includes("overhead")
          ? yield* Overhead.all(
            { repeats: number("repeats", 21), seconds: number("seconds", 20) },
            options.get("classes")?.split(",") ?? [""]
          )
          : []
      }
    }).pipe(Effect.provide(Database.layer(sizes)), Effect.scoped)
  ).finally(() => fs.rm(folder, { recursive: true, force: true }))
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
      ...Option.match(stream, {
        onNone: () => [],
        onSome: ({ before, streams, worst }) => [
          { what: "memory of core before a stream", value: round(before), unit: "MB" },
          ...streams.map(({ added, rows, seconds }) => ({
            what: `${rows} rows streamed at ${Math.round(rows / seconds)} a second, memory added`,
            value: round(added),
            unit: "MB",
            must: "≤ 64"
          })),
          { what: "the most of these", value: round(worst.added), unit: "MB", must: "≤ 64" }
        ]
      })
    ],
    result: {
      metrics: sizes.metrics,
      devices: sizes.devices,
      logs: sizes.logs,
      parse_us: worst("parse_us"),
      plan_us: worst("plan_us"),
      overhead_ratio: round(Math.max(...classes.map(({ ratio }) => ratio)), 2),
      p95_ms: Object.fromEntries(classes.map(({ name, p95 }) => [name, round(p95)])),
      stream_rss_mb: Option.getOrNull(Option.map(stream, ({ worst }) => round(worst.added))),
      stream_rows: Option.getOrNull(Option.map(stream, ({ worst }) => worst.rows))
    }
  }
}
