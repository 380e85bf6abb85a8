/**
 * The checker files in an agent's `checkers_dir`.
 *
 * A folder that cannot be read stops the start; a file that cannot be used is reported and left out, because it concerns
 * one checker and others must not wait for it. One that could be used before, such as a file that is being written, stays
 * as it was.
 */
import { Effect, FileSystem, Option, Path, Result, Schema } from "effect"
import {
  type AgentConfig,
  CheckerFile,
  checkerFromFile,
  type ConfiguredChecker
} from "../../domain/agent/AgentConfig.ts"
import * as PrintableText from "../../domain/config/PrintableText.ts"
import * as ServiceKinds from "../../domain/monitoring/ServiceKinds.ts"
import * as ConfigFile from "../files/ConfigFile.ts"
import * as FileWatch from "../files/FileWatch.ts"
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
const mistakeOf = (file: string, checker: ConfiguredChecker): string | undefined =>
  Result.match(checker.type === "exec" ? ExecProbe.parseFile(checker.details) : Result.succeed(undefined), {
    onSuccess: () => undefined,
    onFailure: ({ message }) => `${file}: details: ${message}`
  })

/** What lies over the file of this name, the last counts most. */
export type Overlays = (fileName: string) => ReadonlyArray<ConfigFile.Overlay>

interface Said {
  readonly checkers: ReadonlyArray<ConfiguredChecker>
  /** The file, and what lies over it, as they were then: it is not read again while they are. Empty for one to be told of. */
  readonly when: string
  /** It cannot be used as it is now. */
  readonly isUnusable: boolean
}

/** What each file said when it could be used last, by the file's name. */
export type LastGood = Map<string, Said>

const loadOne = Effect.fnUntraced(function*(
  file: string,
  overlays: ReadonlyArray<ConfigFile.Overlay>,
  before: Said | undefined
): Effect.fn.Return<Said, never, FileSystem.FileSystem | Path.Path> {
  const when = JSON.stringify([yield* FileWatch.stampOf(file), overlays])
  if (before?.when === when) return before
  const loaded = yield* Effect.result(ConfigFile.loadWith(CheckerFile, file, overlays))
  const found = Result.map(loaded, ({ value }) => Option.toArray(checkerFromFile(value)))
  const problem = Result.match(found, {
    onFailure: ({ message }) => message,
    onSuccess: (checkers) =>
      checkers.map((checker) => mistakeOf(file, checker)).find((mistake) => mistake !== undefined)
  })
  if (problem !== undefined) {
    const checkers = before?.checkers ?? []
    yield* Effect.logError(`${problem}${checkers.length === 0 ? "" : "; what the file said before stays"}`)
    return { checkers, when: "", isUnusable: true }
  }
  const checkers = Result.getOrElse(found, () => [])
  if (checkers.length === 0 && !file.endsWith(`/${SnmpProbe.fileName}`)) {
    yield* Effect.logWarning(`${file}: no name or no type; ignored`)
    return { checkers, when: "", isUnusable: true }
  }
  return { checkers, when, isUnusable: false }
})

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

interface Found extends Said {
  readonly name: string
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

/** Of a type that nobody here answers, unless a plugin does. */
const tellUnknown = ({ plugins }: AgentConfig, found: ReadonlyArray<Found>) =>
  Effect.forEach(
    Option.isSome(plugins) ? [] : found.flatMap(({ checkers, name }) => checkers.map(({ type }) => ({ name, type }))),
    ({ name, type }) =>
      ServiceKinds.isKnown(type)
        ? Effect.void
        : Effect.logWarning(`${name}: this agent has no checks of type ${PrintableText.json(type)}`),
    { discard: true }
  )

/** The configuration with what the files beside it say, which `lastGood` keeps for the next time. */
export const loadInto = Effect.fn("CheckerFiles.loadInto")(
  function*(config: AgentConfig, overlays: Overlays = () => [], lastGood: LastGood = new Map()) {
    const path = yield* Path.Path
    const files = yield* names(config.checkersDir)
    const found = yield* Effect.forEach(
      files,
      (name) =>
        Effect.map(
          loadOne(path.join(config.checkersDir, name), overlays(name), lastGood.get(name)),
          (said): Found => ({ name, ...said })
        )
    )
    yield* tellUnknown(config, found)
    lastGood.clear()
    for (const { name, ...said } of found) lastGood.set(name, said)
    return { ...config, checkers: yield* withoutTwins(found) }
  }
)
