import { assert, describe, it } from "@effect/vitest"
import { Metric, Schema } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as PollerMetrics from "../../src/services/poller/PollerMetrics.ts"

const folder = path.resolve(import.meta.dirname, "../../deploy/grafana")

const Dashboard = Schema.fromJsonString(Schema.Struct({
  title: Schema.String,
  panels: Schema.Array(Schema.Struct({
    title: Schema.String,
    targets: Schema.Array(Schema.Struct({ expr: Schema.String, legendFormat: Schema.String }))
  }))
}))

/** Their types by their names. */
const known = (modules: ReadonlyArray<object>): ReadonlyMap<string, string> => {
  const metrics = new Map<string, string>()
  const visit = (value: unknown): void => {
    if (Metric.isMetric(value)) metrics.set(value.id, value.type)
    else if (typeof value === "object" && value !== null) { for (const one of Object.values(value)) visit(one) }
  }
  modules.forEach(visit)
  return metrics
}

/** As docs/poller.md has them; a metric does not tell its own. */
const labelsOf: Readonly<Record<string, ReadonlyArray<string>>> = {
  poll_duration_seconds: ["agent_class"],
  poller_agents: ["state"],
  report_buffer_dropped_total: ["reason"]
}

/** Functions and words of the query language. */
const words: ReadonlySet<string> = new Set(["histogram_quantile", "sum", "max", "rate", "by"])

/** Of every metric that is scraped. */
const anyLabels = ["le", "instance"]

const problemsOf = (expr: string, metrics: ReadonlyMap<string, string>): ReadonlyArray<string> => {
  const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = ""]) => labels.split(/, */))
  const selected = [...expr.matchAll(/(\w+)=~?"/g)].map(([, label = ""]) => label)
  const bare = expr.replaceAll(/by \([^)]*\)/g, "").replaceAll(/\{[^}]*\}/g, "").replaceAll(/\[[^\]]*\]/g, "")
  const names = [...bare.matchAll(/[a-z_]\w*/g)].map(([name]) => name).filter((name) => !words.has(name))
  const bases = names.map((name) => name.replace(/_bucket$/, ""))
  const isKnown = (name: string, base: string) =>
    metrics.has(base) && (metrics.get(base) === "Histogram") === (base !== name)
  const labels = new Set([...anyLabels, ...bases.flatMap((base) => labelsOf[base] ?? [])])
  return [
    ...names.filter((name, index) => !isKnown(name, bases[index] ?? name)).map((name) => `no metric ${name}`),
    ...[...grouped, ...selected].filter((label) => !labels.has(label)).map((label) => `no label ${label}`),
    ...(names.length === 0 ? ["no metric at all"] : [])
  ]
}

describe("Dashboards", () => {
  const metrics = known([PollerMetrics])
  for (const name of fs.readdirSync(folder).filter((one) => one.endsWith(".json"))) {
    it(`${name} asks for metrics and labels that there are`, () => {
      const { panels } = Schema.decodeUnknownSync(Dashboard)(fs.readFileSync(path.join(folder, name), "utf8"))
      assert.isAbove(panels.length, 0)
      assert.deepStrictEqual(
        panels.flatMap(({ targets, title }) =>
          targets.flatMap(({ expr }) => problemsOf(expr, metrics).map((problem) => `${title}: ${problem}`))
        ),
        []
      )
    })
  }

  it("that ask for what there is not are told of", () => {
    assert.deepStrictEqual(problemsOf("sum(rate(polls_total{instance=~\"$a\"}[$__rate_interval]))", metrics), [])
    assert.deepStrictEqual(problemsOf("sum by (agent_id) (rate(polls_todal[1m]))", metrics), [
      "no metric polls_todal",
      "no label agent_id"
    ])
    assert.deepStrictEqual(problemsOf("rate(poll_lateness_seconds[1m])", metrics), ["no metric poll_lateness_seconds"])
  })
})
