/** `serviceradar sync`: the service, from a configuration file; with subcommands, one run or one plan of it. */
import { Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import * as FileLogging from "../../layers/command/FileLogging.ts"
import { httpFlag } from "../../layers/command/HttpFlag.ts"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import { applyCommand, planCommand } from "./PlanCommands.ts"
import { runCommand } from "./RunCommand.ts"
import * as SyncFlags from "./SyncFlags.ts"
import * as SyncProgram from "./SyncProgram.ts"
import { writeBackCommand } from "./WriteBackCommand.ts"

const http = httpFlag("127.0.0.1:8095")

export const command = Command.make(
  "sync",
  { config: SyncFlags.config, http },
  ({ config, http: address }) =>
    Effect.gen(function*() {
      const { logging, sync, warn } = yield* SyncFlags.load(config)
      return yield* Effect.gen(function*() {
        yield* warn
        yield* SyncFlags.warnings(sync)
        yield* Effect.logInfo(
          `sync reads ${sync.sources.length} sources; sweep configs go to ${
            SyncProgram.kvOf(sync)
          }, devices are in ${sync.spoolFolder}`
        )
        return yield* SyncProgram.run(
          sync,
          {
            reload: SyncFlags.reload(config),
            ...Option.match(address, { onNone: () => ({}), onSome: (one) => ({ http: one }) })
          }
        )
      }).pipe(FileLogging.withLogging(logging))
    }).pipe(Effect.provide(SupervisionTree.layer))
).pipe(
  Command.withDescription("Bring devices from Armis, NetBox and files to pollers, and sweep configs to agents"),
  Command.withExamples([
    { command: "serviceradar sync --config sync.json", description: "Run the service" },
    { command: "serviceradar sync plan --config sync.json", description: "What the next run would change" },
    { command: "serviceradar sync apply 12-15", description: "Change exactly that" }
  ]),
  Command.withSubcommands([runCommand, planCommand, applyCommand, writeBackCommand])
)
