/**
 * Keeps two `serviceradar up` from using one data directory.
 *
 * The lock names its owner by process id and start time, so a lock that a killed program left behind counts for nothing,
 * even when its id belongs to somebody else by now.
 */
import { Effect, FileSystem, Option, Schema } from "effect"
import * as path from "node:path"
import * as ProcessTable from "./ProcessTable.ts"
import * as SafeDirectory from "./SafeDirectory.ts"
import { systemText } from "./SystemText.ts"

export class DirectoryInUse extends Schema.TaggedError<DirectoryInUse>()("DirectoryInUse", {
  directory: Schema.String,
  pid: Schema.Int
}) {
  override get message(): string {
    return `${this.directory} is in use by the serviceradar up with process id ${this.pid}; ` +
      "stop that one, or give this one another --dir"
  }
}

/** The directory cannot be created or written. */
export class DirectoryUnusable extends Schema.TaggedError<DirectoryUnusable>()("DirectoryUnusable", {
  directory: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.directory} cannot be used for data: ${this.detail}`
  }
}

const Owner = Schema.fromJsonString(Schema.Struct({ pid: Schema.Int, startTicks: Schema.String }))

const encode = Schema.encodeSync(Owner)

const ticksOf = (pid: number) => Effect.map(ProcessTable.startTicks(pid), Option.getOrElse(() => ""))

const livingOwner = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  const owner = yield* Effect.option(Effect.flatMap(files.readFileString(file), Schema.decodeEffect(Owner)))
  if (Option.isNone(owner) || !(yield* ProcessTable.isAlive(owner.value.pid))) return Option.none<number>()
  return (yield* ticksOf(owner.value.pid)) === owner.value.startTicks
    ? Option.some(owner.value.pid)
    : Option.none<number>()
})

/** Creates the directory if need be and owns it until the scope closes. */
export const acquire = Effect.fn("DirectoryLock.acquire")(function*(directory: string) {
  const files = yield* FileSystem.FileSystem
  const file = path.join(directory, "up.lock")
  const unusable = Effect.mapError((error: { readonly message: string }) =>
    new DirectoryUnusable({ directory, detail: systemText(error) })
  )
  yield* unusable(SafeDirectory.make(directory))
  const stranger = SafeDirectory.stranger(yield* unusable(files.stat(directory)))
  if (Option.isSome(stranger)) return yield* new DirectoryUnusable({ directory, detail: stranger.value })
  const text = encode({ pid: process.pid, startTicks: yield* ticksOf(process.pid) })
  const create = files.writeFileString(file, text, { flag: "wx" })

  const takeOver = Effect.gen(function*() {
    const living = yield* livingOwner(file)
    if (Option.isSome(living)) return yield* new DirectoryInUse({ directory, pid: living.value })
    yield* unusable(files.remove(file, { force: true }))
    yield* unusable(create)
  })
  yield* Effect.acquireRelease(
    create.pipe(Effect.catch(() => takeOver)),
    () => Effect.ignore(files.remove(file, { force: true }))
  )
})
