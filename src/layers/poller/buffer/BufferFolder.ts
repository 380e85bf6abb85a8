/** Where a poller's statuses wait when its file does not say. */
import { type Config, Effect, type FileSystem, Option, Result } from "effect"
import * as path from "node:path"
import type { PollerId } from "../../../domain/monitoring/Ids.ts"
import type { BufferConfig } from "../../../domain/poller/PollerConfig.ts"
import * as StateFolder from "../../files/StateFolder.ts"

/** None: statuses are to be kept in memory. */
export const find = Effect.fn("BufferFolder.find")(function*(
  buffer: BufferConfig,
  pollerId: PollerId
): Effect.fn.Return<Option.Option<string>, Config.ConfigError, FileSystem.FileSystem> {
  if (!buffer.isOnDisk) return Option.none()
  // Also when it cannot be used: that is told until it can.
  if (Option.isSome(buffer.folder)) return Option.some(path.resolve(buffer.folder.value))
  const found = yield* StateFolder.find("poller", pollerId)
  if (Result.isFailure(found)) {
    yield* Effect.logWarning(
      `statuses wait in memory only while core is away, name a folder as buffer.dir: ${found.failure}`
    )
  }
  return Result.getSuccess(found)
})
