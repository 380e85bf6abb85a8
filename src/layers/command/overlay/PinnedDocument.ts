/** The file that `PINNED_CONFIG_PATH` names, which lies over whatever else says how a program is configured. */
import { Config, Effect } from "effect"
import * as ConfigFile from "../../files/ConfigFile.ts"
import * as WholeFile from "../../files/WholeFile.ts"

const bytesMax = 2 ** 30

export const path = Config.option(Config.NonEmptyString("PINNED_CONFIG_PATH"))

export const read = Effect.fnUntraced(function*(path: string) {
  const text = yield* Effect.mapError(
    WholeFile.read(path, bytesMax),
    ({ detail }) => new ConfigFile.ConfigFileError({ path, reason: new ConfigFile.Unreadable({ detail }) })
  )
  return { name: path, text }
})
