/** The folder of one `serviceradar up`: made if need be, and nobody else's while it runs. */
import { Effect, FileSystem, Option, Schema, type Scope } from "effect"
import * as DirectoryLock from "../../../layers/process/DirectoryLock.ts"
import * as SafeDirectory from "../../../layers/process/SafeDirectory.ts"
import { systemText } from "../../../layers/process/SystemText.ts"

export class UpIsRunning extends Schema.TaggedError<UpIsRunning>()("UpIsRunning", {
  directory: Schema.String,
  pid: Schema.Int
}) {
  override get message(): string {
    return `${this.directory} is in use by the serviceradar up with process id ${this.pid}; ` +
      "stop that one, or give this one another --dir"
  }
}

/** The directory cannot be created or written, or is not ours alone. */
export class DirectoryUnusable extends Schema.TaggedError<DirectoryUnusable>()("DirectoryUnusable", {
  directory: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.directory} cannot be used for data: ${this.detail}`
  }
}

/** Until the scope closes. */
export const acquire = (
  directory: string
): Effect.Effect<void, UpIsRunning | DirectoryUnusable, FileSystem.FileSystem | Scope.Scope> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const unusable = Effect.mapError((error: { readonly message: string }) =>
      new DirectoryUnusable({ directory, detail: systemText(error) })
    )
    yield* unusable(SafeDirectory.make(directory))
    const stranger = SafeDirectory.stranger(yield* unusable(files.stat(directory)))
    if (Option.isSome(stranger)) return yield* new DirectoryUnusable({ directory, detail: stranger.value })
    yield* DirectoryLock.acquire(directory).pipe(
      Effect.catchTags({
        DirectoryInUse: ({ pid }) => Effect.fail(new UpIsRunning({ directory, pid })),
        SetupFailed: ({ detail }) => Effect.fail(new DirectoryUnusable({ directory, detail }))
      })
    )
  })
