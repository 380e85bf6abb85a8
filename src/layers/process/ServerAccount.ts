/**
 * The unprivileged account that runs a server of ours when we are root.
 *
 * PostgreSQL refuses to run as root. `postgres` is taken where the system has it, else `nobody`; for everybody but root
 * there is nothing to change.
 */
import { Effect, FileSystem, Option } from "effect"
import { SetupFailed } from "./SetupFailed.ts"

export interface ServerAccount {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const preferredNames = ["postgres", "nobody"]

const parsePasswd = (text: string): ReadonlyArray<ServerAccount> =>
  text.split("\n").flatMap((line) => {
    const [name = "", , uid = "", gid = ""] = line.split(":")
    return /^\d+$/.test(uid) && /^\d+$/.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid) }] : []
  })

/** None when this process is not root. */
export const find: Effect.Effect<Option.Option<ServerAccount>, SetupFailed, FileSystem.FileSystem> = Effect.gen(
  function*() {
    if (process.getuid?.() !== 0) return Option.none()
    const fileSystem = yield* FileSystem.FileSystem
    const text = yield* fileSystem.readFileString("/etc/passwd").pipe(Effect.orElseSucceed(() => ""))
    const accounts = parsePasswd(text).filter((account) => account.uid !== 0)
    const account = preferredNames.flatMap((name) => accounts.filter((candidate) => candidate.name === name))[0]
    if (account !== undefined) return Option.some(account)
    return yield* new SetupFailed({
      step: "choosing an unprivileged user",
      detail: `started as root, and /etc/passwd has none of ${preferredNames.join(", ")}`
    })
  }
)

interface Permissions {
  readonly mode: number
  readonly uid: Option.Option<number>
  readonly gid: Option.Option<number>
}

/** Whether the account may enter the directory, by its mode bits; access lists are not looked at. */
export const mayTraverse = (account: ServerAccount, directory: Permissions): boolean => {
  if (Option.contains(directory.uid, account.uid)) return (directory.mode & 0o100) !== 0
  if (Option.contains(directory.gid, account.gid)) return (directory.mode & 0o010) !== 0
  return (directory.mode & 0o001) !== 0
}
