/**
 * `<checkers_dir>/sweep/sweep.json`, as it is now.
 *
 * Asking again is cheap while the file is the same, and answers with the same value. A file that cannot be used changes
 * nothing, which is told once: it concerns the sweep alone.
 */
import { Effect, FileSystem, Option, Path } from "effect"
import * as SweepSettings from "../../../domain/agent/sweep/SweepSettings.ts"
import * as ConfigFile from "../../files/ConfigFile.ts"

const name = ["sweep", "sweep.json"]

type Settings = Option.Option<SweepSettings.PartialSettings>

/** The effect answers with what the file says now; none where there is no such file. */
export const make = Effect.fnUntraced(function*(checkersDir: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(checkersDir, ...name)
  let current: Settings = Option.none()
  let stamp = ""

  /** Another text when the file may be another one. */
  const look = files.stat(file).pipe(
    Effect.map(({ ino, mtime, size }) =>
      `${Option.getOrElse(ino, () => 0)} ${size} ${Option.getOrUndefined(mtime)?.getTime() ?? 0}`
    ),
    Effect.orElseSucceed(() => "")
  )

  const load = ConfigFile.load(SweepSettings.SweepFile, file).pipe(
    Effect.tap(({ warnings }) =>
      Effect.forEach(warnings, (warning) => Effect.logWarning(ConfigFile.formatWarning(file, warning)))
    ),
    Effect.map(({ value }): Settings => Option.some(SweepSettings.ofFile(value))),
    Effect.catchTag("ConfigFileError", (error) => Effect.as(Effect.logError(error.message), current))
  )

  const read: Effect.Effect<Settings, never, FileSystem.FileSystem> = Effect.gen(function*() {
    const seen = yield* look
    if (seen === stamp) return current
    stamp = seen
    current = seen === "" ? Option.none() : yield* load
    return current
  })
  return checkersDir === ""
    ? Effect.succeed<Settings>(Option.none())
    : Effect.provideService(read, FileSystem.FileSystem, files)
})
