/** The rollback as `rollback.json` in the rollout's folder. */
import { Clock, Effect, Layer, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as Rollback from "../../../domain/poller/rollout/Rollback.ts"
import { RollbackFlag, RollbackFlagError } from "../../../services/poller/rollout/RollbackFlag.ts"
import * as OwnFile from "../../process/OwnFile.ts"

export const nameOf = (folder: string): string => path.join(folder, "rollback.json")

/** Also of a folder, a link, or what may not be read. */
const isThere = (file: string) => Effect.promise(() => fs.lstat(file).then(() => true, () => false))

export const layer = (folder: string): Layer.Layer<RollbackFlag> => {
  const file = nameOf(folder)
  const failed = ({ message }: { readonly message: string }) => new RollbackFlagError({ file, detail: message })
  return Layer.succeed(RollbackFlag, {
    file,
    read: Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      const text = yield* OwnFile.read(file).pipe(
        // Somebody who wants a rollback need not write something that we can read.
        Effect.catch((error) =>
          Effect.map(isThere(file), (there) => there ? Option.some(`it is there, and ${error.message}`) : Option.none())
        )
      )
      return Option.map(text, (one) => Rollback.fromText(one, now))
    }),
    write: (rollback) => Effect.mapError(OwnFile.write(file, Rollback.toText(rollback)), failed),
    remove: Effect.mapError(OwnFile.remove(file), failed)
  })
}
