/**
 * Folders in places that others may write to, taken only when nobody else can change what is in them.
 *
 * A folder under /var/tmp could have been made by anybody before us; one that we do not own, that is a link, or that
 * others may write to, is refused rather than repaired.
 */
import { Effect, FileSystem, Option } from "effect"
import * as os from "node:os"
import * as path from "node:path"
import { mayTraverse, type ServerAccount } from "./ServerAccount.ts"
import { failedAt, SetupFailed } from "./SetupFailed.ts"

/** Every folder above `target`, outermost first, and `target` itself. */
const withAncestors = (target: string): ReadonlyArray<string> => {
  const parent = path.dirname(target)
  return parent === target ? [target] : [...withAncestors(parent), target]
}

/** Whether the account may reach what is in `directory`, which need not exist yet. */
export const isReachable = (
  account: ServerAccount,
  directory: string
): Effect.Effect<boolean, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    const real = yield* fileSystem.realPath(directory).pipe(Effect.orElseSucceed(() => directory))
    for (const ancestor of withAncestors(real)) {
      const info = yield* Effect.option(fileSystem.stat(ancestor))
      if (Option.isSome(info) && !mayTraverse(account, info.value)) return false
    }
    return true
  })

/**
 * Who else could change what is in the folder while root works in it: its owner, or anybody. None when nobody can, and
 * when we are not root, who alone has more to lose than he could reach anyway.
 */
export const stranger = ({ mode, uid }: FileSystem.File.Info): Option.Option<string> => {
  if (process.getuid?.() !== 0) return Option.none()
  if (!Option.contains(uid, 0)) {
    return Option.some(`it belongs to user ${Option.getOrElse(uid, () => "unknown")}, and this program runs as root`)
  }
  return (mode & 0o002) !== 0
    ? Option.some("every user may write to it, and this program runs as root")
    : Option.none()
}

/**
 * Makes the folder and those above it, one at a time: when Node makes several at once it calls a read-only file system
 * "not found", and never returns below /proc.
 */
export const make = Effect.fn("SafeDirectory.make")(function*(directory: string, mode = 0o755) {
  const fileSystem = yield* FileSystem.FileSystem
  const isFolder = (one: string) =>
    Effect.map(Effect.option(fileSystem.stat(one)), Option.exists(({ type }) => type === "Directory"))
  for (const folder of withAncestors(path.resolve(directory))) {
    if (yield* isFolder(folder)) continue
    yield* fileSystem.makeDirectory(folder, { mode }).pipe(
      // Somebody else may have made it meanwhile.
      Effect.catchReason(
        "PlatformError",
        "AlreadyExists",
        (_reason, error) => Effect.flatMap(isFolder(folder), (isMade) => isMade ? Effect.void : Effect.fail(error))
      )
    )
  }
})

/** Makes the folder, or takes an existing one that is safe. */
export const ensure = Effect.fn("SafeDirectory.ensure")(
  function*(directory: string, mode: number) {
    const fileSystem = yield* FileSystem.FileSystem
    yield* Effect.mapError(make(directory, mode), failedAt(`making ${directory}`))
    const info = yield* fileSystem.lstat(directory).pipe(Effect.mapError(failedAt(`looking at ${directory}`)))
    const isOurs = Option.contains(info.uid, process.getuid?.() ?? -1)
    if (info.type === "Directory" && isOurs && (info.mode & 0o022) === 0) return directory
    return yield* new SetupFailed({
      step: `using ${directory}`,
      detail: "it is not a folder that only we can write to"
    })
  }
)

/** The first of the places where a folder of ours can be made that the account, if any, reaches. */
export const firstUsable = Effect.fn("SafeDirectory.firstUsable")(
  function*(places: ReadonlyArray<string>, account: Option.Option<ServerAccount>) {
    const reasons: Array<string> = []
    for (const place of places) {
      const attempt = yield* Effect.result(ensure(place, 0o711))
      if (attempt._tag === "Failure") reasons.push(attempt.failure.message)
      else if (Option.isNone(account) || (yield* isReachable(account.value, place))) return place
      else reasons.push(`${account.value.name} cannot enter ${place}`)
    }
    return yield* new SetupFailed({ step: "finding a folder", detail: reasons.join("; ") })
  }
)

/** Where binaries may be copied to. */
export const cachePlaces = (): ReadonlyArray<string> => [
  ...(process.getuid?.() === 0 ? ["/var/cache/serviceradar"] : []),
  `/var/tmp/serviceradar-${process.getuid?.() ?? "user"}`,
  path.join(os.tmpdir(), `serviceradar-${process.getuid?.() ?? "user"}`)
]

/** Where data may be kept when the wanted folder cannot be reached; temporary folders are not among them. */
export const dataPlaces = (): ReadonlyArray<string> => ["/var/lib/serviceradar"]
