/**
 * Reads a file that somebody has named: only what is a file, and only so much of it. Of `/dev/zero` there is no end, and
 * of a pipe that nobody writes to no beginning.
 */
import { Effect, FileSystem, Schema } from "effect"
import { systemText } from "../process/SystemText.ts"

export class UnreadableFile extends Schema.TaggedError<UnreadableFile>()("UnreadableFile", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.file}: ${this.detail}`
  }
}

/** The text of a file of at most `bytesMax` bytes. */
export const read = Effect.fnUntraced(function*(
  file: string,
  bytesMax: number
): Effect.fn.Return<string, UnreadableFile, FileSystem.FileSystem> {
  const files = yield* FileSystem.FileSystem
  const failed = (detail: string) => new UnreadableFile({ file, detail })
  const { size, type } = yield* Effect.mapError(files.stat(file), (error) => failed(systemText(error)))
  // Reading a folder says so itself.
  if (type !== "File" && type !== "Directory") return yield* failed(`it is no file but a ${type}`)
  if (type === "File" && size > bytesMax) return yield* failed(`it has ${size} bytes, and at most ${bytesMax} are read`)
  return yield* Effect.mapError(files.readFileString(file), (error) => failed(systemText(error)))
})
