/**
 * The checker files in an agent's `checkers_dir`.
 *
 * A folder that cannot be read stops the start; a file that cannot be used is reported and left out, because it concerns
 * one checker and others must not wait for it.
 */
import { Effect, FileSystem, Option, Path, Result, Schema } from "effect"
import {
  type AgentConfig,
  CheckerFile,
  checkerFromFile,
  type ConfiguredChecker
} from "../../domain/agent/AgentConfig.ts"
import * as ServiceKinds from "../../domain/monitoring/ServiceKinds.ts"
import * as ConfigFile from "../files/ConfigFile.ts"
import * as ExecProbe from "../probes/exec/ExecProbe.ts"
import * as SnmpProbe from "../probes/snmp/SnmpProbe.ts"
import { systemText } from "../process/SystemText.ts"

export class CheckersDirError extends Schema.TaggedError<CheckersDirError>()("CheckersDirError", {
  folder: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return `checkers_dir ${this.folder} cannot be read: ${this.reason}`
  }
}

/** A program that could not be run is told of when the file is read, and not by its first check. */
const withoutMistake = (file: string, checker: ConfiguredChecker): Effect.Effect<ReadonlyArray<ConfiguredChecker>> =>
  Result.match(checker.type === "exec" ? ExecProbe.parseFile(checker.details) : Result.succeed(undefined), {
    onSuccess: () => Effect.succeed([checker]),
    onFailure: ({ message }) => Effect.as(Effect.logError(`${file}: details: ${message}`), [])
  })

/** What lies over the file of this name, the last counts most. */
export type Overlays = (fileName: string) => ReadonlyArray<ConfigFile.Overlay>

const loadOne = (file: string, overlays: ReadonlyArray<ConfigFile.Overlay>) =>
  ConfigFile.loadWith(CheckerFile, file, overlays).pipe(
    Effect.map(({ value }) => Option.toArray(checkerFromFile(value))),
    Effect.tap((found) =>
      found.length > 0 || file.endsWith(`/${SnmpProbe.fileName}`)
        ? Effect.void
        : Effect.logWarning(`${file}: no name or no type; ignored`)
    ),
    Effect.flatMap((found) => Effect.forEach(found, (checker) => withoutMistake(file, checker))),
    Effect.map((found) => found.flat()),
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

/** The files of checkers, by name. */
export const names = Effect.fnUntraced(function*(folder: string) {
  if (folder === "") return []
  const fs = yield* FileSystem.FileSystem
  const found = yield* fs.readDirectory(folder).pipe(
    Effect.mapError((error) => new CheckersDirError({ folder, reason: systemText(error) }))
  )
  return found.filter((name) => name.endsWith(".json")).toSorted()
})

interface Found {
  readonly name: string
  readonly checkers: ReadonlyArray<ConfiguredChecker>
}

/** Of two files for one checker the later counts, as for the existing agent, and somebody is told. */
const withoutTwins = Effect.fnUntraced(function*(found: ReadonlyArray<Found>) {
  const byKey = new Map<string, { readonly file: string; readonly checker: ConfiguredChecker }>()
  for (const { checkers, name } of found) {
    for (const checker of checkers) {
      const key = JSON.stringify([checker.type, checker.name])
      const earlier = byKey.get(key)
      if (earlier !== undefined) {
        yield* Effect.logWarning(
          `${name}: ${checker.type} checker ${checker.name} is in ${earlier.file} too, which is ignored`
        )
      }
      byKey.delete(key)
      byKey.set(key, { file: name, checker })
    }
  }
  return [...byKey.values()].map(({ checker }) => checker)
})

/** The configuration with what the files beside it say. */
export const loadInto = Effect.fn("CheckerFiles.loadInto")(
  function*(config: AgentConfig, overlays: Overlays = () => []) {
    const path = yield* Path.Path
    const files = yield* names(config.checkersDir)
    const found = yield* Effect.forEach(
      files,
      (name) =>
        Effect.map(loadOne(path.join(config.checkersDir, name), overlays(name)), (checkers) => ({ name, checkers }))
    )
    return { ...config, checkers: yield* withoutTwins(found) }
  }
)
