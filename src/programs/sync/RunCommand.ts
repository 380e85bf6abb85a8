/**
 * `serviceradar sync run --once`: all sources once, the served set and the sweep configs, then the summary.
 *
 * Exit code 0 when every source was committed, 1 when one failed or is held: what it had before stays.
 */
import { Clock, Console, Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { SyncConfig } from "../../domain/sync/SyncConfig.ts"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import { NatsConnection } from "../../layers/nats/connection/NatsConnection.ts"
import * as SourceRow from "../../layers/sync/SourceRow.ts"
import * as SourceTable from "../../layers/sync/SourceTable.ts"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import * as Aggregator from "../../services/sync/Aggregator.ts"
import * as KvWriter from "../../services/sync/KvWriter.ts"
import * as SourceRun from "../../services/sync/SourceRun.ts"
import * as SyncOverview from "../../services/sync/SyncOverview.ts"
import * as ProgressDisplay from "./ProgressDisplay.ts"
import * as SyncFlags from "./SyncFlags.ts"
import * as SyncProgram from "./SyncProgram.ts"

const natsWait = "10 seconds"

const outcomeOf = (result: SourceRun.RunResult) => {
  switch (result._tag) {
    case "Committed":
      return {
        outcome: "committed",
        devices: result.generation.devices,
        received: result.generation.received
      } as const
    case "Held":
      return { outcome: "held", reason: result.reason, detail: result.detail, plan: result.planId } as const
    case "Failed":
      return { outcome: "failed", reason: result.reason, detail: result.detail } as const
    case "Superseded":
      return { outcome: "superseded" } as const
  }
}

const summaryOf = (overview: SyncOverview.SourceOverview, result: SourceRun.RunResult, nowMillis: number) => ({
  source: overview.source,
  ...outcomeOf(result),
  pages: overview.pages,
  devicesPerSecond: Math.round(SourceRow.devicesPerSecond(overview, nowMillis) ?? 0),
  rejected: overview.rejected,
  retractionsPending: overview.retractionsPending
})

type Summary = ReturnType<typeof summaryOf>

const textOf = (summary: Summary): string => {
  const { devicesPerSecond, pages, rejected, source } = summary
  switch (summary.outcome) {
    case "committed":
      return `${source}: ${summary.devices} devices, ${pages} pages, ${devicesPerSecond} devices/s` +
        (rejected === 0 ? "" : `, ${rejected} rejected`)
    case "held":
      return `${source}: held, what it had stays: ${summary.detail}; ${summary.retractionsPending} retractions pending; ` +
        `if this is right: serviceradar sync apply ${summary.plan}`
    case "failed":
      return `${source}: failed, what it had stays: ${summary.reason}: ${summary.detail}`
    case "superseded":
      return `${source}: a newer run is there already`
  }
}

const writeKv = Effect.fnUntraced(function*(config: SyncConfig) {
  if (SyncProgram.kvOf(config) === "none") return []
  return yield* Effect.flatten(KvWriter.make(SyncProgram.kvOptions(config)))
})

/** Beside what needs NATS; the writer's own errors say when it does not come. */
const withNats = <A, E, R>(config: SyncConfig, effect: Effect.Effect<A, E, R>) =>
  SyncProgram.kvOf(config) === "JetStream"
    ? NatsConnection.use((connection) =>
      Effect.raceFirst(
        Effect.andThen(
          Effect.ignore(Effect.timeout(Effect.eventually(connection.check), natsWait)),
          effect
        ),
        connection.keep
      )
    )
    : effect

const once = Effect.fnUntraced(function*(config: SyncConfig, sources: ReadonlyArray<SourceTable.ConfiguredSource>) {
  const startedAt = yield* Clock.currentTimeMillis
  const results = yield* Effect.forEach(
    sources,
    ({ config: { name }, runnable }) => Effect.map(SourceRun.run(runnable), (result) => ({ name, result })),
    { concurrency: "unbounded" }
  )
  const set = yield* Aggregator.aggregate(
    SyncProgram.aggregated(config),
    SyncProgram.retractionPolicy(config)
  )
  const agents = yield* withNats(config, writeKv(config))
  const now = yield* Clock.currentTimeMillis
  const seconds = (now - startedAt) / 1000
  const overviews = yield* SyncOverview.read(results.map(({ name }) => name))
  const summaries = overviews.flatMap((overview) =>
    results.filter(({ name }) => name === overview.source).map(({ result }) => summaryOf(overview, result, now))
  )
  const { system, user } = process.cpuUsage()
  return {
    sources: summaries,
    served: Option.match(set, {
      onNone: () => null,
      onSome: ({ devices, sequence }) => ({ devices, sequence: String(sequence) })
    }),
    agents: agents.map(({ agentId, bytes, detail, status }) => ({ agent: agentId, outcome: status, bytes, detail })),
    seconds,
    /** Of the whole process, its start included. */
    cpuSeconds: Math.round((user + system) / 10_000) / 100,
    rssMegabytes: Math.round(process.memoryUsage.rss() / 1e6)
  }
})

export const runCommand = Command.make("run", {
  config: SyncFlags.config,
  once: Flag.Boolean("once").pipe(
    Flag.withDefault(false),
    Flag.withDescription("All sources once, then exit; without it as `serviceradar sync`")
  ),
  json: SyncFlags.json
}, (flags) =>
  Effect.gen(function*() {
    const { sync, warn } = yield* SyncFlags.load(flags.config)
    yield* warn
    yield* SyncFlags.warnings(sync)
    const report = yield* Effect.scoped(Effect.gen(function*() {
      yield* SyncProgram.prepare
      if (!flags.once) return yield* SyncProgram.serve(sync, { reload: SyncFlags.reload(flags.config) })
      const sources = yield* SourceTable.make(sync)
      return yield* ProgressDisplay.beside(sources.map(({ config: { name } }) => name), once(sync, sources))
    })).pipe(Effect.provide(SyncProgram.layer(sync)))
    yield* Console.log(
      flags.json
        ? JSON.stringify(report)
        : [
          ...report.sources.map(textOf),
          ...report.agents.map(({ agent, bytes, detail, outcome }) =>
            `agent ${agent}: ${outcome}${bytes === 0 ? "" : `, ${bytes} bytes`}${detail === "" ? "" : `: ${detail}`}`
          ),
          report.served === null ? "the served set stays" : `serving ${report.served.devices} devices`
        ].join("\n")
    )
    const bad = report.sources.filter(({ outcome }) => outcome === "failed" || outcome === "held")
    if (bad.length > 0) {
      return yield* new NegativeAnswer({
        answer: `${bad.map(({ source }) => source).join(", ")} not brought up to date`
      })
    }
  }).pipe(Effect.provide(SupervisionTree.layer))).pipe(
    Command.withDescription("Read all sources once and bring what came to core and agents"),
    Command.withExamples([{ command: "serviceradar sync run --once --json", description: "For a script" }])
  )
