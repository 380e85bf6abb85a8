/**
 * Where a poller's statuses wait when its file does not say: in the first of the usual places where there may be a folder.
 *
 * Each poller has a folder of its own, so that two on one machine do not meet.
 */
import { Config, Effect, type FileSystem, Option } from "effect"
import * as crypto from "node:crypto"
import * as os from "node:os"
import * as path from "node:path"
import type { PollerId } from "../../../domain/monitoring/Ids.ts"
import type { BufferConfig } from "../../../domain/poller/PollerConfig.ts"
import * as SafeDirectory from "../../process/SafeDirectory.ts"

/** Of names on the usual file systems, with room for what stands behind it. */
const nameBytesMax = 128

/** A poller's id as the name of a folder. */
export const nameOf = (pollerId: PollerId): string => {
  const name = encodeURIComponent(pollerId.toWellFormed()).replaceAll(".", "%2E")
  return name.length <= nameBytesMax ? name : crypto.createHash("sha256").update(pollerId).digest("hex")
}

const variable = (name: string) =>
  Effect.map(Config.option(Config.String(name)), Option.filter((value) => value !== ""))

/** `STATE_DIRECTORY` is what systemd gives a service that may write nowhere else. */
const places = Effect.gen(function*() {
  const given = yield* variable("STATE_DIRECTORY")
  const own = yield* variable("XDG_STATE_HOME")
  return [
    ...Option.toArray(Option.map(given, (folders) => folders.split(":")[0] ?? folders)),
    "/var/lib/serviceradar",
    path.join(Option.getOrElse(own, () => path.join(os.homedir(), ".local", "state")), "serviceradar")
  ].filter((place) => path.isAbsolute(place))
})

const usable = Effect.fnUntraced(function*(folder: string) {
  yield* SafeDirectory.make(path.dirname(folder))
  return yield* SafeDirectory.ensure(folder, 0o700)
})

/** None: statuses are to be kept in memory. */
export const find = Effect.fn("BufferFolder.find")(function*(
  buffer: BufferConfig,
  pollerId: PollerId
): Effect.fn.Return<Option.Option<string>, Config.ConfigError, FileSystem.FileSystem> {
  if (!buffer.isOnDisk) return Option.none()
  // Also when it cannot be used: that is told until it can.
  if (Option.isSome(buffer.folder)) return Option.some(path.resolve(buffer.folder.value))
  const reasons: Array<string> = []
  for (const place of yield* places) {
    const attempt = yield* Effect.result(usable(path.join(place, "poller", nameOf(pollerId))))
    if (attempt._tag === "Success") return Option.some(attempt.success)
    reasons.push(attempt.failure.message)
  }
  yield* Effect.logWarning(
    `statuses wait in memory only while core is away, name a folder as buffer.dir: ${reasons.join("; ")}`
  )
  return Option.none()
})
