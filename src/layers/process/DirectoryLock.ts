/**
 * Keeps two programs from using one data directory at once.
 *
 * `owner.json` names the owner by process id and start time, so a lock that a killed program left behind counts for
 * nothing, even when its id belongs to somebody else by now. Without start times (not Linux) the id alone decides.
 */
import { Effect, FileSystem, Option, Schema, type Scope } from "effect"
import * as path from "node:path"
import * as ProcessTable from "./ProcessTable.ts"
import { failedAt, type SetupFailed } from "./SetupFailed.ts"

/** Another live program has the directory. */
export class DirectoryInUse extends Schema.TaggedError<DirectoryInUse>()("DirectoryInUse", {
  directory: Schema.String,
  pid: Schema.Int
}) {
  override get message(): string {
    return `${this.directory} is in use by process ${this.pid}: stop it first, or choose another folder`
  }
}

const Owner = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int, startTicks: Schema.NullOr(Schema.String) }))

const encode = Schema.encodeSync(Owner)

const ticksOf = (pid: number) =>
  Effect.map(ProcessTable.startTicks(pid), Option.match({ onNone: () => null, onSome: String }))

const livingOwner = Effect.fnUntraced(function*(file: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const owner = yield* Effect.option(Effect.flatMap(fileSystem.readFileString(file), Schema.decodeEffect(Owner)))
  if (Option.isNone(owner) || !ProcessTable.isAlive(owner.value.pid)) return Option.none<number>()
  return (yield* ticksOf(owner.value.pid)) === owner.value.startTicks
    ? Option.some(owner.value.pid)
    : Option.none<number>()
})

/** Owns the directory, which exists, until the scope closes. */
export const acquire = (
  directory: string
): Effect.Effect<void, DirectoryInUse | SetupFailed, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    const file = path.join(directory, "owner.json")
    const mine = encode({ pid: process.pid, startTicks: yield* ticksOf(process.pid) })
    const create = fileSystem.writeFileString(file, mine, { flag: "wx", mode: 0o600 })
    const takeOver = Effect.gen(function*() {
      const living = yield* livingOwner(file)
      if (Option.isSome(living)) return yield* new DirectoryInUse({ directory, pid: living.value })
      yield* fileSystem.remove(file, { force: true }).pipe(Effect.mapError(failedAt(`removing ${file}`)))
      yield* create.pipe(Effect.mapError(failedAt(`writing ${file}`)))
    })
    yield* Effect.acquireRelease(
      create.pipe(Effect.catch(() => takeOver)),
      () => Effect.ignore(fileSystem.remove(file, { force: true }))
    )
  })
