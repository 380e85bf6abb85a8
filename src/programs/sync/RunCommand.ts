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
import * as SourceTable from "../../layers/sync/SourceTable.ts"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import * as Aggregator from "../../services/sync/Aggregator.ts"
import * as KvWriter from "../../services/sync/KvWriter.ts"
import * as SourceRun from "../../services/sync/SourceRun.ts"
import * as ProgressDisplay from "./ProgressDisplay.ts"
import * as SyncFlags from "./SyncFlags.ts"
import * as SyncProgram from "./SyncProgram.ts"

const natsWait = "10 seconds"

const summaryOf = (name: string, result: SourceRun.RunResult) => {
  switch (result._tag) {
    case "Committed":
      return {
        source: name,
        outcome: "committed",
        devices: result.generation.devices,
        received: result.generation.received
      }
    case "Held":
      return { source: name, outcome: "held", reason: result.reason, detail: result.detail, plan: result.planId }
    case "Failed":
      return { source: name, outcome: "failed", reason: result.reason, detail: result.detail }
    case "Superseded":
      return { source: name, outcome: "superseded" }
  }
}

type Summary = ReturnType<typeof summaryOf>

const textOf = (summary: Summary): string =>
  "devices" in summary
    ? `${summary.source}: ${summary.devices} devices`
    : "plan" in summary
    ? `${summary.source}: held, what it had stays: ${summary.detail}; if this is right: serviceradar sync apply ${summary.plan}`
    : "reason" in summary
    ? `${summary.source}: failed, what it had stays: ${summary.reason}: ${summary.detail}`
    : `${summary.source}: a newer run is there already`

const writeKv = Effect.fnUntraced(function*(config: SyncConfig) {
  if (SyncProgram.kvOf(config) === "none") return []
  return yield* Effect.flatten(KvWriter.make({ prefix: config.kvPrefix, refresh: config.kvRefresh }))
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

const once = Effect.fnUntraced(function*(config: SyncConfig) {
  const sources = yield* SourceTable.make(config)
  const startedAt = yield* Clock.currentTimeMillis
  const summaries = yield* Effect.forEach(
    sources,
    ({ config: { name }, runnable }) => Effect.map(SourceRun.run(runnable), (result) => summaryOf(name, result)),
    { concurrency: "unbounded" }
  )
  const set = yield* Aggregator.aggregate(
    SyncProgram.aggregated(sources),
    SyncProgram.retractionPolicy(config)
  )
  const agents = yield* withNats(config, writeKv(config))
  const seconds = ((yield* Clock.currentTimeMillis) - startedAt) / 1000
  const { system, user } = process.cpuUsage()
  return {
    sources: summaries,
    served: Option.match(set, {
      onNone: () => null,
      onSome: ({ devices, sequence }) => ({ devices, sequence: String(sequence) })
    }),
    agents: agents.map(({ agentId, bytes, detail, outcome }) => ({ agent: agentId, outcome, bytes, detail })),
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
    yield* SyncProgram.warnings(sync)
    const report = yield* Effect.scoped(Effect.gen(function*() {
      yield* SyncProgram.prepare
      if (!flags.once) return yield* SyncProgram.serve(sync, {})
      return yield* ProgressDisplay.beside(once(sync))
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
