/**
 * What parsing and planning cost, over the questions that pages ask.
 *
 *   npm run bench -- srql [--rounds 2000]
 */
import { Result } from "effect"
import { queryCatalog } from "../src/domain/queries/QueryCatalog.ts"
import { parse } from "../src/domain/srql/language/Parser.ts"
import { plan } from "../src/domain/srql/plan/Planner.ts"

const queries = [
  "in:devices hostname:%core% limit:25",
  "in:devices ip:172.16.0.0/12 time:last_3d tags:(prod,edge) !os.name:%windows%",
  "in:devices gateway_id:gw-7 stats:\"count() as n by vendor\" limit:5",
  "in:interfaces uid:sr:x1 latest:true oper_status:2 sort:if_index:asc limit:50",
  "in:logs service:api time:last_1h stats:\"count() as n, group_uniq_array(severity) as levels\"",
  "in:snmp_metrics if_index:3 time:last_6h bucket:5m agg:rate series:metric_name"
]

export const run = (options: ReadonlyMap<string, string>) => {
  const rounds = Number(options.get("rounds") ?? 2000)
  const context = { tenant: "default", nowMillis: Date.now() }
  const measure = (text: string) => {
    const query = Result.getOrThrow(parse(text, queryCatalog))
    const timed = (work: () => unknown): number => {
      for (let round = 0; round < rounds; round++) work()
      const from = performance.now()
      for (let round = 0; round < rounds; round++) work()
      return (performance.now() - from) * 1000 / rounds
    }
    return {
      query: text.slice(0, 40),
      parse_us: timed(() => parse(text, queryCatalog)),
      plan_us: timed(() => plan(query, queryCatalog, context))
    }
  }
  const measured = queries.map(measure)
  const worst = (key: "parse_us" | "plan_us") => Math.round(Math.max(...measured.map((one) => one[key])) * 10) / 10
  return Promise.resolve({
    rows: measured.flatMap((one) => [
      { what: `parse ${one.query}`, value: Math.round(one.parse_us * 10) / 10, unit: "µs" },
      { what: `plan ${one.query}`, value: Math.round(one.plan_us * 10) / 10, unit: "µs", must: "≤ 200 µs with parsing" }
    ]),
    result: { parse_us: worst("parse_us"), plan_us: worst("plan_us") }
  })
}
