/** What all commands of sync have in common: a configuration file, and where its devices are. */
import { Effect } from "effect"
import * as Flag from "effect/cli/Flag"
import * as SyncConfig from "../../domain/sync/SyncConfig.ts"
import { SyncConfigFile } from "../../domain/sync/SyncConfigFile.ts"
import * as SyncConfigWarnings from "../../domain/sync/SyncConfigWarnings.ts"
import * as ConfigSource from "../../layers/command/ConfigSource.ts"
import * as ConfigFile from "../../layers/files/ConfigFile.ts"
import * as SourceTable from "../../layers/sync/SourceTable.ts"

const configDefault = "/etc/serviceradar/sync.json"

export const config = Flag.String("config").pipe(
  Flag.withDefault(configDefault),
  Flag.withDescription("The sync service's configuration file")
)

export const json = Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print JSON"))

/** Tells what an operator should know of the configuration. */
export const warnings = (config: SyncConfig.SyncConfig) =>
  Effect.forEach(
    SyncConfigWarnings.warningsOf(config, SourceTable.knownTypes),
    (warning) => Effect.logWarning(warning),
    {
      discard: true
    }
  )

/** The file, with warnings about what nobody reads. */
export const load = Effect.fnUntraced(function*(path: string) {
  yield* ConfigSource.check
  const { value, warnings } = yield* ConfigFile.load(SyncConfigFile, path)
  return {
    logging: value.logging,
    sync: SyncConfig.fromFile(value),
    warn: Effect.forEach(warnings, (warning) => Effect.logWarning(ConfigFile.formatWarning(path, warning)), {
      discard: true
    })
  }
})

/** The file as it is now, for a service that runs. */
export const reload = Effect.fnUntraced(function*(path: string) {
  const { sync, warn } = yield* load(path)
  yield* warn
  yield* warnings(sync)
  return sync
})
