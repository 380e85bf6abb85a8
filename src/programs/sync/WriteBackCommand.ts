/**
 * `serviceradar sync write-back`: tell sources which of their devices core cannot reach, now.
 *
 * For every source that names a property, also those for which the service does not do it by itself: so that a person
 * can look at a dry run first. Exit code 1 when a source failed or refused a value.
 */
import { Console, Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import * as WriteBackTable from "../../layers/sync/writeback/WriteBackTable.ts"
import * as WriteBack from "../../services/sync/writeback/WriteBack.ts"
import * as SyncFlags from "./SyncFlags.ts"
import * as SyncProgram from "./SyncProgram.ts"
import * as WriteBackText from "./WriteBackText.ts"

const refuse = (answer: string) => Effect.andThen(Console.error(answer), Effect.fail(new NegativeAnswer({ answer })))

export const writeBackCommand = Command.make("write-back", {
  config: SyncFlags.config,
  source: Flag.String("source").pipe(Flag.optional, Flag.withDescription("Only this source")),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Show what would be written, and write nothing")
  ),
  all: Flag.Boolean("all").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Also values that were written before, for a source that has lost them")
  ),
  json: SyncFlags.json
}, ({ all, config, dryRun, json, source }) =>
  Effect.gen(function*() {
    const { sync, warn } = yield* SyncFlags.load(config)
    yield* warn
    const reports = yield* Effect.scoped(Effect.gen(function*() {
      const chosen = WriteBackTable.writable(sync).filter(({ name }) => Option.isNone(source) || name === source.value)
      // Not turned on is no permission to write; to look is allowed.
      const off = dryRun ? [] : chosen.filter(({ writeBack }) => !writeBack.isOn)
      if (off.length > 0) {
        const names = off.map(({ name }) => `sources.${name}.write_back`).join(", ")
        return yield* refuse(`${names} is not true in ${config}: only --dry-run is possible`)
      }
      if (chosen.length === 0) return yield* refuse(`no such source of type "armis" with a custom_field in ${config}`)
      return yield* Effect.forEach(
        chosen,
        (one) =>
          Effect.flatMap(
            WriteBackTable.make(one),
            (writable) => WriteBack.run(writable, { isDryRun: dryRun, isAll: all })
          ),
        { concurrency: "unbounded" }
      )
    })).pipe(Effect.provide(SyncProgram.spoolLayer(sync)))
    yield* Console.log(json ? JSON.stringify(reports) : WriteBackText.table(reports))
    const failed = reports.filter(({ outcome }) => outcome === "failed")
    if (failed.length > 0) {
      return yield* new NegativeAnswer({
        answer: `${failed.map((one) => one.source).join(", ")} not brought up to date`
      })
    }
  })).pipe(
    Command.withDescription("Tell Armis which of its devices core cannot reach, as a custom property"),
    Command.withExamples([
      { command: "serviceradar sync write-back --dry-run", description: "What would be written" },
      { command: "serviceradar sync write-back --all --json", description: "Everything again, for a script" }
    ])
  )
