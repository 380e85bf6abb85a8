/**
 * Keeps two programs from using one data directory at once.
 *
 * `owner.json` names the owner, and `owner.sock` beside it is where the owner listens for as long as it lives. What a
 * killed program left behind counts for nothing:
 *
 *   on the same machine     the owner lives when it listens, also in another container, or when a process of its id and
 *                           start time lives; where sockets and start times cannot be had the id alone decides
 *   after a restart of it   the owner is gone
 *   on another machine      the owner lives when `owner.json` was touched in the last minute, which it does each 15 s; a
 *                           machine that stands still for longer loses the directory without knowing it
 */
import { Clock, Duration, Effect, FileSystem, Option, Schedule, Schema, type Scope } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as ScopedLoop from "../../services/backoff/ScopedLoop.ts"
import * as FolderSocket from "./FolderSocket.ts"
import * as ProcessTable from "./ProcessTable.ts"
import { failedAt, type SetupFailed } from "./SetupFailed.ts"

/** Another live program has the directory. */
export class DirectoryInUse extends Schema.TaggedError<DirectoryInUse>()("DirectoryInUse", {
  directory: Schema.String,
  pid: Schema.Int,
  /** Of the owner; empty when it does not say. */
  host: Schema.String
}) {
  override get message(): string {
    const where = this.host === "" || this.host === os.hostname() ? "" : ` of ${this.host}`
    return `${this.directory} is in use by process ${this.pid}${where}: stop it first, or choose another folder`
  }
}

const Owner = Schema.Struct({
  pid: Schema.Int,
  startTicks: Schema.NullOr(Schema.String),
  /** Of the kernel that runs: another after each start of the machine, the same in all of its containers. */
  bootId: Schema.optionalKey(Schema.String),
  /** Process ids mean something within it. */
  pidNamespace: Schema.optionalKey(Schema.String),
  host: Schema.optionalKey(Schema.String)
})
type Owner = typeof Owner.Type

const OwnerFile = Schema.fromJsonString(Owner)
const encode = Schema.encodeSync(OwnerFile)

const ownerName = "owner.json"
const socketName = "owner.sock"
const touchEvery = Duration.seconds(15)
const touchedWithin = Duration.minutes(1)

const ticksOf = (pid: number) =>
  Effect.map(ProcessTable.startTicks(pid), Option.match({ onNone: () => null, onSome: String }))

/** Empty where the system does not say. */
const textOf = (read: () => string): string => {
  try {
    return read().trim()
  } catch {
    return ""
  }
}

const machine = () => ({
  bootId: textOf(() => fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8")),
  pidNamespace: textOf(() => fs.readlinkSync("/proc/self/ns/pid")),
  host: os.hostname()
})

const isTouched = Effect.fnUntraced(function*(file: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const info = yield* Effect.option(fileSystem.stat(file))
  const touched = Option.flatMap(info, ({ mtime }) => mtime)
  const now = yield* Clock.currentTimeMillis
  return Option.exists(touched, (at) => now - at.getTime() < Duration.toMillis(touchedWithin))
})

const isAlive = Effect.fnUntraced(function*(directory: string, owner: Owner) {
  const here = machine()
  const { bootId = here.bootId, host = here.host, pid, pidNamespace = here.pidNamespace, startTicks } = owner
  if (bootId !== here.bootId) {
    return host === here.host ? false : yield* isTouched(path.join(directory, ownerName))
  }
  if (yield* FolderSocket.isAnswered(directory, socketName)) return true
  if (pidNamespace !== here.pidNamespace) return false
  return ProcessTable.isAlive(pid) && (yield* ticksOf(pid)) === startTicks
})

const ownerOf = Effect.fnUntraced(function*(file: string) {
  const fileSystem = yield* FileSystem.FileSystem
  return yield* Effect.option(Effect.flatMap(fileSystem.readFileString(file), Schema.decodeEffect(OwnerFile)))
})

/** Who has the directory now. */
export const livingOwner = Effect.fn("DirectoryLock.livingOwner")(function*(directory: string) {
  const owner = yield* ownerOf(path.join(directory, ownerName))
  return Option.isSome(owner) && (yield* isAlive(directory, owner.value))
    ? Option.some(inUse(directory, owner.value))
    : Option.none()
})

const inUse = (directory: string, { host = "", pid }: Owner) => new DirectoryInUse({ directory, pid, host })

/** Owns the directory, which exists, until the scope closes. */
export const acquire = (
  directory: string
): Effect.Effect<void, DirectoryInUse | SetupFailed, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    const file = path.join(directory, ownerName)
    const mine = encode({ pid: process.pid, startTicks: yield* ticksOf(process.pid), ...machine() })
    const create = fileSystem.writeFileString(file, mine, { flag: "wx", mode: 0o600 })
    const takeOver = Effect.gen(function*() {
      const owner = yield* ownerOf(file)
      if (Option.isSome(owner) && (yield* isAlive(directory, owner.value))) return yield* inUse(directory, owner.value)
      yield* fileSystem.remove(file, { force: true }).pipe(Effect.mapError(failedAt(`removing ${file}`)))
      yield* create.pipe(Effect.mapError(failedAt(`writing ${file}`)))
    })
    const isMine = Effect.map(Effect.option(fileSystem.readFileString(file)), Option.contains(mine))
    yield* Effect.acquireRelease(
      create.pipe(Effect.catch(() => takeOver)),
      () => Effect.flatMap(isMine, (is) => is ? Effect.ignore(fileSystem.remove(file, { force: true })) : Effect.void)
    )
    // Of two that found the same dead owner one has removed what the other had written.
    const owner = yield* ownerOf(file)
    if (!(yield* isMine) && Option.isSome(owner)) return yield* inUse(directory, owner.value)
    // Where there can be no sockets the process id must do.
    yield* Effect.ignore(FolderSocket.listen(directory, socketName, () => Effect.void))
    yield* ScopedLoop.start(
      `Touching ${file}`,
      Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.ignore(fileSystem.utimes(file, now / 1_000, now / 1_000)))
        .pipe(
          Effect.repeat(Schedule.spaced(touchEvery))
        )
    )
  })
