/**
 * A folder for what a program keeps, in the first of the usual places where there may be one.
 *
 * Each poller and each agent has its own, so that two on one machine do not meet.
 */
import { Config, Effect, Option, Result } from "effect"
import * as crypto from "node:crypto"
import * as os from "node:os"
import * as path from "node:path"
import * as SafeDirectory from "../process/SafeDirectory.ts"

/** Of names on the usual file systems, with room for what stands behind it. */
const nameBytesMax = 128

/** An id as the name of a folder. */
export const nameOf = (id: string): string => {
  const name = encodeURIComponent(id.toWellFormed()).replaceAll(".", "%2E")
  return name.length <= nameBytesMax ? name : crypto.createHash("sha256").update(id).digest("hex")
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

export const usable = Effect.fnUntraced(function*(folder: string) {
  yield* SafeDirectory.make(path.dirname(folder))
  return yield* SafeDirectory.ensure(folder, 0o700)
})

/** `<place>/<kind>/<name of the id>`, or why there is none in any place. */
export const find = Effect.fnUntraced(function*(kind: "poller" | "rollout" | "agent", id: string) {
  const reasons: Array<string> = []
  for (const place of yield* places) {
    const attempt = yield* Effect.result(usable(path.join(place, kind, nameOf(id))))
    if (attempt._tag === "Success") return Result.succeed(attempt.success)
    reasons.push(attempt.failure.message)
  }
  return Result.fail(reasons.join("; "))
})
