/**
 * The checker files in an agent's `checkers_dir`.
 *
 * A folder that cannot be read stops the start; a file that cannot be used is reported and left out, because it concerns
 * one checker and others must not wait for it.
 */
import { Effect, FileSystem, Option, Path, Schema } from "effect"
import { type AgentConfig, CheckerFile, checkerFromFile } from "../../domain/agent/AgentConfig.ts"
import * as ServiceKinds from "../../domain/monitoring/ServiceKinds.ts"
import * as ConfigFile from "../files/ConfigFile.ts"
import { systemText } from "../process/SystemText.ts"

export class CheckersDirError extends Schema.TaggedError<CheckersDirError>()("CheckersDirError", {
  folder: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `checkers_dir ${this.folder} cannot be read: ${this.reason}`
  }
}

const loadOne = (file: string) =>
  ConfigFile.load(CheckerFile, file).pipe(
    Effect.map(({ value }) => Option.toArray(checkerFromFile(value))),
    Effect.tap((found) => found.length > 0 ? Effect.void : Effect.logWarning(`${file}: no name or no type; ignored`)),
    Effect.catchTag("ConfigFileError", (error) => Effect.as(Effect.logError(error.message), []))
  )

/** Files for checks that this agent does not serve yet, with a sentence on each; none where the folder cannot be read. */
export const notices = Effect.fnUntraced(function*(folder: string) {
  if (folder === "") return []
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const found = yield* Effect.filter(
    [...ServiceKinds.unservedFiles],
    ([name]) => Effect.orElseSucceed(fs.exists(path.join(folder, name)), () => false)
  )
  return found.map(([name, type]) => `${path.join(folder, name)}: ${ServiceKinds.notice(type) ?? ""}`)
})

/** The configuration with what the files beside it say. */
export const loadInto = Effect.fn("CheckerFiles.loadInto")(function*(config: AgentConfig) {
  if (config.checkersDir === "") return config
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const names = yield* fs.readDirectory(config.checkersDir).pipe(
    Effect.mapError((error) => new CheckersDirError({ folder: config.checkersDir, reason: systemText(error) }))
  )
  const files = names.filter((name) => name.endsWith(".json")).toSorted()
  const checkers = yield* Effect.forEach(files, (name) => loadOne(path.join(config.checkersDir, name)))
  return { ...config, checkers: checkers.flat() }
})
