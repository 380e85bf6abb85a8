/** Whom a check trusts: the system's certificate authorities, or those in a file on this host. */
import { Effect, FileSystem } from "effect"
import * as WholeFile from "../../files/WholeFile.ts"
import { StepFailed } from "../CheckSteps.ts"

const bytesMax = 2 ** 20

/** PEM; undefined for the system's. Read anew for each check, so that a new file needs no restart. */
export const read = (fs: FileSystem.FileSystem, file: string | undefined) =>
  file === undefined
    ? Effect.succeed(undefined)
    : WholeFile.read(file, bytesMax).pipe(
      Effect.provideService(FileSystem.FileSystem, fs),
      Effect.mapError(({ message }) => new StepFailed({ reason: `caFile: ${message}` }))
    )
