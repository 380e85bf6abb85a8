/**
 * The port that a server of ours had in its last run: peers may remember it too, so it is asked for first.
 */
import { Effect, Option } from "effect"
import * as path from "node:path"
import * as OwnFile from "../OwnFile.ts"
import type { SetupFailed } from "../SetupFailed.ts"

const fileIn = (home: string) => path.join(home, "port")

/** None when it cannot be read too: another port serves as well. */
export const read = (home: string): Effect.Effect<Option.Option<number>> =>
  OwnFile.read(fileIn(home)).pipe(
    Effect.orElseSucceed(() => Option.none<string>()),
    Effect.map(Option.map(Number)),
    Effect.map(Option.filter((port) => Number.isInteger(port) && port > 0 && port < 65_536))
  )

export const write = (home: string, port: number): Effect.Effect<void, SetupFailed> =>
  OwnFile.write(fileIn(home), `${port}`)
