/**
 * Keeps two programs from running a server on the same data at once.
 *
 * A file with the id and start time of its owner; a file whose owner is dead counts for nothing, so that a killed
 * program leaves no lock behind.
 */
import { Effect, FileSystem, Option, Schema, type Scope } from "effect"
import * as path from "node:path"
import * as ProcessTable from "./ProcessTable.ts"
import { failedAt, type SetupFailed } from "./SetupFailed.ts"

/** Another live program owns the directory. */
export class DirectoryOwned extends Schema.TaggedError<DirectoryOwned>()("DirectoryOwned", {
  directory: Schema.String,
  pid: Schema.Int
}) {
  override get message(): string {
    return `${this.directory} is in use by process ${this.pid}: stop it first, or choose another folder`
  }
}

const Owner = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int, startTicks: Schema.NullOr(Schema.String) }))

const readLiving = Effect.fnUntraced(function*(file: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const owner = yield* fileSystem.readFileString(file).pipe(
    Effect.flatMap(Schema.decodeEffect(Owner)),
    Effect.option
  )
  if (Option.isNone(owner) || !(yield* ProcessTable.isAlive(owner.value.pid))) return Option.none<number>()
  const startTicks = Option.getOrNull(yield* ProcessTable.startTicks(owner.value.pid))
  return startTicks === owner.value.startTicks ? Option.some(owner.value.pid) : Option.none<number>()
})

/** Owns the directory until the scope closes. */
export const acquire = (
  directory: string
): Effect.Effect<void, DirectoryOwned | SetupFailed, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    const file = path.join(directory, "owner.json")
    const mine = yield* Schema.encodeEffect(Owner)({
      pid: process.pid,
      startTicks: Option.getOrNull(yield* ProcessTable.startTicks(process.pid))
    }).pipe(Effect.orDie)
    const write = fileSystem.writeFileString(file, mine, { flag: "wx", mode: 0o600 })
    yield* Effect.acquireRelease(
      write.pipe(Effect.catch(() =>
        Effect.gen(function*() {
          const living = yield* readLiving(file)
          if (Option.isSome(living)) return yield* new DirectoryOwned({ directory, pid: living.value })
          yield* fileSystem.remove(file, { force: true }).pipe(Effect.mapError(failedAt(`removing ${file}`)))
          yield* write.pipe(Effect.mapError(failedAt(`writing ${file}`)))
        })
      )),
      () => Effect.ignore(fileSystem.remove(file, { force: true }))
    )
  })
