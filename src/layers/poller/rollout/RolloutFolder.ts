/** Where a rollout keeps its rollback and a shadow its statuses. */
import { type Config, Effect, type FileSystem, Option, Result } from "effect"
import * as path from "node:path"
import type { PollerId } from "../../../domain/monitoring/Ids.ts"
import type { RolloutConfig } from "../../../domain/poller/rollout/Rollout.ts"
import * as StateFolder from "../../files/StateFolder.ts"
import { SetupFailed } from "../../process/SetupFailed.ts"
import { systemText } from "../../process/SystemText.ts"

/** Without a place for its rollback no rollout begins. */
export const find = Effect.fn("RolloutFolder.find")(function*(
  { folder }: Pick<RolloutConfig, "folder">,
  pollerId: PollerId
): Effect.fn.Return<string, Config.ConfigError | SetupFailed, FileSystem.FileSystem> {
  const failed = (detail: string) => new SetupFailed({ step: "taking rollout.dir", detail })
  if (Option.isSome(folder)) {
    return yield* StateFolder.usable(path.resolve(folder.value)).pipe(
      Effect.catchTag("PlatformError", (error) => Effect.fail(failed(systemText(error))))
    )
  }
  const found = yield* StateFolder.find("rollout", pollerId)
  return Result.isSuccess(found) ? found.success : yield* failed(`there is no place for it: ${found.failure}`)
})
