/**
 * `serviceradar poller`: a poller of its own, from a configuration file.
 */
import { Effect, type FileSystem, Option } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as PollerConfig from "../../domain/poller/PollerConfig.ts"
import * as FileLogging from "../../layers/command/FileLogging.ts"
import { httpFlag } from "../../layers/command/HttpFlag.ts"
import * as Reporting from "../../layers/command/Reporting.ts"
import * as ConfigFile from "../../layers/files/ConfigFile.ts"
import * as BufferFolder from "../../layers/poller/buffer/BufferFolder.ts"
import * as RolloutFolder from "../../layers/poller/rollout/RolloutFolder.ts"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import * as PollerDiscovery from "./PollerDiscovery.ts"
import * as PollerProgram from "./PollerProgram.ts"
import * as PollerSource from "./PollerSource.ts"

const configDefault = "/etc/serviceradar/poller.json"

const http = httpFlag("127.0.0.1:8093")

const config = Flag.String("config").pipe(
  Flag.withDefault(configDefault),
  Flag.withDescription("The poller's configuration file")
)

const rolloutFolderOf = ({ pollerId, rollout }: PollerConfig.PollerConfig) =>
  Effect.transposeOption(Option.map(rollout, (one) => RolloutFolder.find(one, pollerId)))

/** The configuration, with what an operator should know of it in the log. */
const told = Effect.fnUntraced(function*(path: string, found: PollerSource.Found) {
  const { value, warnings } = found
  yield* Effect.forEach(ConfigFile.formatNotes(path, found), (note) => Effect.logWarning(note))
  yield* Effect.forEach(warnings, (warning) => Effect.logWarning(ConfigFile.formatWarning(path, warning)))
  yield* Effect.forEach(
    PollerConfig.notices(value),
    ({ key, notice }) => Effect.logWarning(`${path}: ${key}: ${notice}`)
  )
  return PollerConfig.fromFile(value)
})

const replace = Flag.Boolean("replace").pipe(
  Flag.withDefault(false),
  Flag.withDescription(
    "Take over from the poller that has the buffer folder: agent by agent, without a poll missed; then that one ends"
  )
)

export const command = Command.make(
  "poller",
  { config, http, replace },
  ({ config: path, http: address, replace: replaces }) =>
    Effect.gen(function*() {
      const context = yield* Effect.context<FileSystem.FileSystem>()
      const { first, source } = yield* PollerSource.open(path)
      return yield* Effect.gen(function*() {
        const poller = yield* told(path, first)
        yield* Effect.logInfo(
          `poller ${poller.pollerId} polls ${poller.agents.length} agents for core ${poller.coreAddress}`
        )
        const rolloutFolder = yield* rolloutFolderOf(poller)
        // A shadow has nothing that waits for core.
        const isShadow = Option.exists(poller.rollout, (rollout) => rollout.isShadow)
        const folder = isShadow ? Option.none() : yield* BufferFolder.find(poller.buffer, poller.pollerId)
        return yield* PollerProgram.run(poller, {
          replaces,
          watched: {
            path,
            since: source.stamp,
            read: Effect.flatMap(PollerSource.read(source), (found) => told(path, found)).pipe(Effect.provide(context)),
            ...(Option.isSome(source.overlay) ? { overlay: source.overlay.value } : {})
          },
          ...(Option.isSome(address) ? { http: address.value } : {}),
          ...(Option.isSome(folder) ? { bufferFolder: folder.value } : {}),
          ...(Option.isSome(rolloutFolder) ? { rolloutFolder: rolloutFolder.value } : {})
        }).pipe(Effect.provide(PollerDiscovery.layer(poller)))
      }).pipe(Reporting.withReporting("poller"), FileLogging.withLogging(first.value.logging))
    }).pipe(Effect.provide(SupervisionTree.layer))
).pipe(
  Command.withDescription(
    "Poll agents and report to core. While core is away, and across restarts, statuses wait in the folder that buffer.dir " +
      "of the configuration names, or below STATE_DIRECTORY, /var/lib/serviceradar or ~/.local/state/serviceradar"
  ),
  Command.withExamples([
    { command: "serviceradar poller --config poller.json", description: "Run a poller" },
    {
      command: "serviceradar poller --config poller.json --replace",
      description: "Run a new version, or with another file, in the place of the poller that runs"
    }
  ])
)
