/**
 * The port that a server of ours had in its last run: peers may remember it too, so it is asked for first.
 */
import { Effect, FileSystem, type Option } from "effect"
import * as path from "node:path"
import { failedAt, type SetupFailed } from "../SetupFailed.ts"

const fileIn = (home: string) => path.join(home, "port")

export const read = (home: string): Effect.Effect<Option.Option<number>, never, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (fileSystem) => fileSystem.readFileString(fileIn(home))).pipe(
    Effect.map(Number),
    Effect.filterOrFail((port) => Number.isInteger(port) && port > 0 && port < 65_536),
    Effect.option
  )

export const write = (home: string, port: number): Effect.Effect<void, SetupFailed, FileSystem.FileSystem> =>
  Effect.flatMap(
    FileSystem.FileSystem,
    (fileSystem) => fileSystem.writeFileString(fileIn(home), `${port}`, { mode: 0o600 })
  ).pipe(Effect.mapError(failedAt(`writing ${fileIn(home)}`)))
