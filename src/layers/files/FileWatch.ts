/**
 * Tells when a file has become another one: written over, replaced by a rename, or behind a link that leads elsewhere.
 *
 * It looks instead of listening: what a system tells of a file ends when the file is replaced, and says nothing on a
 * network's disk. A file that is still being written is waited for until it is the same in two looks.
 */
import { Context, Duration, Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"

const lookEvery = Duration.seconds(2)
const settledAfter = Duration.millis(250)

const absent = "absent"

/** What a look sees of the disk. A simulated world has files of its own, see `Current`. */
export interface Looks {
  readonly stampOf: (path: string) => Effect.Effect<string>
  /** In a folder; none of one that cannot be read. */
  readonly names: (folder: string) => Effect.Effect<ReadonlyArray<string>>
}

/** On this machine. */
const node: Looks = {
  stampOf: (path) =>
    Effect.promise(() =>
      fs.promises.stat(path, { bigint: true }).then(
        ({ ctimeNs, dev, ino, mtimeNs, size }) => [dev, ino, size, mtimeNs, ctimeNs].join(" "),
        () => absent
      )
    ),
  names: (folder) => Effect.promise(() => fs.promises.readdir(folder).catch(() => []))
}

/** That of this machine unless a world has another. */
export const Current: Context.Reference<Looks> = Context.Reference<Looks>("serviceradar/layers/files/FileWatch", {
  defaultValue: () => node
})

/** What is another one for every content that came by a write or a rename. */
export const stampOf = (path: string): Effect.Effect<string> => Effect.flatMap(Current, (looks) => looks.stampOf(path))

/** Of a file, and of those in a folder beside it that have such a name; a folder that cannot be read has none. */
export const stampOfAll = (
  path: string,
  folder: string,
  isWanted: (name: string) => boolean
): Effect.Effect<string> =>
  Effect.gen(function*() {
    const looks = yield* Current
    const names = folder === "" ? [] : yield* looks.names(folder)
    const files = names.filter(isWanted).toSorted().map((name) => join(folder, name))
    const stamps = yield* Effect.forEach([path, ...files], (file) => Effect.map(stampOf(file), (at) => `${file} ${at}`))
    return stamps.join("\n")
  })

const settled = (stampNow: Effect.Effect<string>, stamp: string): Effect.Effect<string> =>
  Effect.flatMap(
    Effect.delay(stampNow, settledAfter),
    (next) => next === stamp ? Effect.succeed(stamp) : settled(stampNow, next)
  )

/** One element for each time that the file has changed since the stream began, or since a stamp. Never ends. */
export const changes = (path: string, since?: string): Stream.Stream<void> => changesOf(stampOf(path), since)

/** As `changes`, of whatever has a stamp. */
export const changesOf = (stampNow: Effect.Effect<string>, since?: string): Stream.Stream<void> =>
  Stream.unwrap(Effect.map(since === undefined ? stampNow : Effect.succeed(since), (first) => {
    let known = first
    const look = Effect.gen(function*() {
      const stamp = yield* stampNow
      if (stamp === known) return false
      known = yield* settled(stampNow, stamp)
      return true
    })
    const lookUntilOther = Effect.repeat(Effect.delay(look, lookEvery), { until: (isOther) => isOther })
    return Stream.fromEffectRepeat(Effect.asVoid(lookUntilOther))
  }))
