/**
 * `serviceradar sync plan` and `sync apply`: what a run would change, before it does, and then exactly that.
 *
 * A plan keeps what its run brought. Applying it is one step; it is refused when one of its sources has changed since,
 * and changes nothing when it was applied before. A service beside it serves the new state within seconds.
 */
import { Console, Effect, Option } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import * as SourceTable from "../../layers/sync/SourceTable.ts"
import * as SourceRun from "../../services/sync/SourceRun.ts"
import { type Plan, type PlanItem, Spool } from "../../services/sync/Spool.ts"
import * as ProgressDisplay from "./ProgressDisplay.ts"
import * as SyncFlags from "./SyncFlags.ts"
import * as SyncProgram from "./SyncProgram.ts"

const examples = (sign: string, keys: ReadonlyArray<string>, count: number): ReadonlyArray<string> => [
  ...keys.map((key) => `  ${sign} ${key}`),
  ...(count > keys.length ? [`  ${sign} … ${count - keys.length} more`] : [])
]

const itemText = ({ detail, devices, diff, generation, held, source }: PlanItem): string =>
  generation === 0
    ? `${source}: nothing to apply, the run was not complete: ${held}: ${detail}`
    : [
      `${source}: ${devices} devices; ${diff.adds} added, ${diff.changes} changed, ${diff.retractions} gone, ` +
      `${diff.unchanged} as before`,
      ...(held === "" ? [] : [`  a service would hold this back: ${detail}`]),
      ...examples("+", diff.examples.adds, diff.adds),
      ...examples("~", diff.examples.changes, diff.changes),
      ...examples("-", diff.examples.retractions, diff.retractions)
    ].join("\n")

const planText = (isRetracting: boolean) => (plan: Plan): string =>
  [
    ...plan.items.map(itemText),
    ...(isRetracting && plan.items.some(({ diff }) => diff.retractions > 0)
      ? ["Core is told of those that are gone from all sources, and deletes them"]
      : []),
    `To do exactly this: serviceradar sync apply ${plan.id}`
  ].join("\n")

export const planCommand = Command.make("plan", {
  config: SyncFlags.config,
  list: Flag.Boolean("list").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Only the plans that are kept already, such as those of runs that are held")
  ),
  json: SyncFlags.json
}, ({ config, json, list }) =>
  Effect.gen(function*() {
    const { sync, warn } = yield* SyncFlags.load(config)
    yield* warn
    const plans = yield* Effect.scoped(Effect.gen(function*() {
      const spool = yield* Spool
      if (list) return (yield* spool.plans).filter(({ state }) => state === "open")
      const sources = yield* SourceTable.make(sync)
      const items = yield* ProgressDisplay.beside(
        sources.map(({ config: { name } }) => name),
        Effect.forEach(sources, ({ runnable }) => SourceRun.plan(runnable), { concurrency: "unbounded" })
      )
      return [yield* spool.hold(items)]
    })).pipe(Effect.provide(SyncProgram.spoolLayer(sync)))
    yield* Console.log(
      json
        ? JSON.stringify(list ? plans : plans[0])
        : plans.length === 0
        ? "no plans are kept"
        : plans.map(planText(Option.isSome(sync.retractionRetention))).join("\n\n")
    )
    const incomplete = plans.flatMap(({ items }) => items).filter(({ generation }) => generation === 0)
    if (!list && incomplete.length > 0) {
      const names = incomplete.map(({ source }) => source).join(", ")
      return yield* new NegativeAnswer({ answer: `${names} could not be read completely` })
    }
  })).pipe(
    Command.withDescription("Read all sources and show what that would change, without changing it"),
    Command.withExamples([
      { command: "serviceradar sync plan", description: "What is added, changed and gone" },
      { command: "serviceradar sync plan --list", description: "What waits for somebody to decide" }
    ])
  )

export const applyCommand = Command.make("apply", {
  plan: Argument.String("plan").pipe(Argument.withDescription("The plan's id, as `sync plan` printed it")),
  config: SyncFlags.config,
  json: SyncFlags.json
}, ({ config, json, plan: planId }) =>
  Effect.gen(function*() {
    const { sync } = yield* SyncFlags.load(config)
    const applied = yield* Spool.use((spool) => spool.apply(planId)).pipe(
      Effect.provide(SyncProgram.spoolLayer(sync)),
      Effect.catchTag("PlanRefused", ({ message }) =>
        Effect.andThen(Console.error(message), Effect.fail(new NegativeAnswer({ answer: message }))))
    )
    const names = applied.items.filter(({ generation }) =>
      generation !== 0
    ).map(({ source }) => source)
    yield* Console.log(json ? JSON.stringify(applied) : `Applied to ${names.join(", ")}`)
  })).pipe(
    Command.withDescription("Apply a plan; exit code 1 when a source has changed since it was made"),
    Command.withExamples([{ command: "serviceradar sync apply 12-15", description: "Exactly that plan" }])
  )
