/**
 * Tells when a file has become another one: written over, replaced by a rename, or behind a link that leads elsewhere.
 *
 * It looks instead of listening: what a system tells of a file ends when the file is replaced, and says nothing on a
 * network's disk. A file that is still being written is waited for until it is the same in two looks.
 */
import { Duration, Effect, Stream } from "effect"
import * as fs from "node:fs"

const lookEvery = Duration.seconds(2)
const settledAfter = Duration.millis(250)

const absent = "absent"

/** What is another one for every content that came by a write or a rename. */
export const stampOf = (path: string): Effect.Effect<string> =>
  Effect.promise(() =>
    fs.promises.stat(path, { bigint: true }).then(
      ({ ctimeNs, dev, ino, mtimeNs, size }) => [dev, ino, size, mtimeNs, ctimeNs].join(" "),
      () => absent
    )
  )

const settled = (path: string, stamp: string): Effect.Effect<string> =>
  Effect.flatMap(
    Effect.delay(stampOf(path), settledAfter),
    (next) => next === stamp ? Effect.succeed(stamp) : settled(path, next)
  )

/** One element for each time that the file has changed since the stream began, or since a stamp. Never ends. */
export const changes = (path: string, since?: string): Stream.Stream<void> =>
  Stream.unwrap(Effect.map(since === undefined ? stampOf(path) : Effect.succeed(since), (first) => {
    let known = first
    const look = Effect.gen(function*() {
      const stamp = yield* stampOf(path)
      if (stamp === known) return false
      known = yield* settled(path, stamp)
      return true
    })
    return Stream.fromEffectRepeat(Effect.delay(look, lookEvery)).pipe(
      Stream.filter((isOther) => isOther),
      Stream.map(() => undefined)
    )
  }))
