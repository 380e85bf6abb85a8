/** `<checkers_dir>/sweep/sweep.json`. */
import { Effect, FileSystem, Option, Path } from "effect"
import * as SweepSettings from "../../../domain/agent/sweep/SweepSettings.ts"
import * as ConfigFile from "../../files/ConfigFile.ts"

const name = ["sweep", "sweep.json"]

/** None where there is no such file, and for one that cannot be used: that is told, and concerns the sweep alone. */
export const load = Effect.fn("SweepFile.load")(function*(checkersDir: string) {
  if (checkersDir === "") return Option.none()
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(checkersDir, ...name)
  if (!(yield* Effect.orElseSucceed(files.exists(file), () => false))) return Option.none()
  return yield* ConfigFile.load(SweepSettings.SweepFile, file).pipe(
    Effect.tap(({ warnings }) =>
      Effect.forEach(warnings, (warning) => Effect.logWarning(ConfigFile.formatWarning(file, warning)))
    ),
    Effect.map(({ value }) => Option.some(SweepSettings.ofFile(value))),
    Effect.catchTag("ConfigFileError", (error) => Effect.as(Effect.logError(error.message), Option.none()))
  )
})
