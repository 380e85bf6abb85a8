/**
 * Small files of ours in folders of ours: passwords, ports, settings of servers, the address of a running program.
 *
 * Where somebody else can write, a link or a pipe may stand in the place of ours. What is read is opened without following
 * a link, must be a plain file and is bounded; what is written appears whole under a new name and takes the place of
 * whatever was there.
 */
import { Data, Effect, Option } from "effect"
import * as crypto from "node:crypto"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { describeCause, failedAt, type SetupFailed } from "./SetupFailed.ts"

/** Nothing of ours is larger. */
const bytesMax = 1_048_576
/** A pipe in the file's place must not hold us up. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const newFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

class FileProblem extends Data.TaggedError("FileProblem")<{ readonly code: string; readonly message: string }> {}

const problemOf = (cause: unknown): FileProblem =>
  new FileProblem({
    code: cause instanceof Error && "code" in cause ? String(cause.code) : "",
    message: describeCause(cause)
  })

const unusable = (message: string) => new FileProblem({ code: "", message })

const attempt = <A>(work: () => Promise<A>) => Effect.tryPromise({ try: work, catch: problemOf })

const isAbsent = ({ code }: FileProblem): boolean => code === "ENOENT" || code === "ENOTDIR"

const opened = (file: string, flags: number, mode?: number) =>
  Effect.acquireRelease(
    attempt(() => fs.open(file, flags, mode)),
    (handle) => Effect.ignore(attempt(() => handle.close()))
  )

/** None when there is no such file. */
export const read = (file: string): Effect.Effect<Option.Option<string>, SetupFailed> =>
  Effect.scoped(Effect.gen(function*() {
    const handle = yield* opened(file, readFlags)
    const info = yield* attempt(() => handle.stat())
    if (!info.isFile()) return yield* unusable("it is no plain file")
    if (info.size > bytesMax) return yield* unusable(`it has more than ${bytesMax} bytes`)
    return Option.some(yield* attempt(() => handle.readFile("utf8")))
  })).pipe(
    Effect.catchIf(isAbsent, () => Effect.succeedNone),
    Effect.mapError(failedAt(`reading ${file}`))
  )

export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Replaces the file in one step. Its folder must be there. It is ours, unless an `owner` is named. */
export const write = (
  file: string,
  text: string,
  { mode = 0o600, owner }: { readonly mode?: number; readonly owner?: Owner | undefined } = {}
): Effect.Effect<void, SetupFailed> =>
  Effect.suspend(() => {
    const fresh = path.join(path.dirname(file), `.${path.basename(file)}.${crypto.randomBytes(6).toString("hex")}`)
    return Effect.scoped(Effect.flatMap(
      opened(fresh, newFlags, mode),
      (handle) =>
        attempt(async () => {
          await handle.writeFile(text)
          await handle.chmod(mode)
          if (owner !== undefined) await handle.chown(owner.uid, owner.gid)
        })
    )).pipe(
      Effect.andThen(attempt(() => fs.rename(fresh, file))),
      Effect.tapError(() => Effect.ignore(attempt(() => fs.rm(fresh, { force: true })))),
      Effect.mapError(failedAt(`writing ${file}`))
    )
  })

/** Whether or not there was one. */
export const remove = (file: string): Effect.Effect<void, SetupFailed> =>
  Effect.mapError(attempt(() => fs.rm(file, { force: true })), failedAt(`removing ${file}`))
