/** Whom a check trusts: the system's certificate authorities, or those in a file on this host. */
import { Effect, FileSystem } from "effect"
import * as WholeFile from "../../files/WholeFile.ts"
import { StepFailed } from "../CheckSteps.ts"

const bytesMax = 2 ** 20
/** As OpenSSL knows it, which takes a file without any for one that trusts nobody. */
const certificate = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/

/** PEM; undefined for the system's. Read anew for each check, so that a new file needs no restart. */
export const read = (fs: FileSystem.FileSystem, file: string | undefined) =>
  file === undefined
    ? Effect.succeed(undefined)
    : WholeFile.read(file, bytesMax).pipe(
      Effect.provideService(FileSystem.FileSystem, fs),
      Effect.mapError(({ message }) => new StepFailed({ reason: `caFile: ${message}` })),
      Effect.filterOrFail(
        (text) => certificate.test(text),
        () => new StepFailed({ reason: `caFile: ${file}: there is no certificate in it` })
      )
    )
