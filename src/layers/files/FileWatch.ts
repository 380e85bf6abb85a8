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
  /** Of each, in their order. */
  readonly stampsOf: (paths: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>>
  /** In a folder; none of one that cannot be read. */
  readonly names: (folder: string) => Effect.Effect<ReadonlyArray<string>>
}

/** The threads of Node that look at files are few, and others need them too. */
const atOnceMax = 2

/** None of these is ever missing: what cannot be looked at is `absent`. */
const stamped = (path: string, told: (stamp: string) => void): void =>
  fs.stat(path, { bigint: true }, (error, stats) => {
    if (error !== null) return told(absent)
    const { ctimeNs, dev, ino, mtimeNs, size } = stats
    told([dev, ino, size, mtimeNs, ctimeNs].join(" "))
  })

/** Nothing of Effect and no promise for each: an agent looks at a thousand files each two seconds. */
const stampAll = (paths: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.callback((resume) => {
    const stamps: Array<string> = []
    let [begun, done, isWanted] = [0, 0, true]
    const next = () => {
      const at = begun
      const path = paths[at]
      if (path === undefined || !isWanted) return
      begun += 1
      stamped(path, (stamp) => {
        stamps[at] = stamp
        done += 1
        if (done === paths.length) resume(Effect.succeed(stamps))
        else next()
      })
    }
    if (paths.length === 0) resume(Effect.succeed(stamps))
    for (let turn = 0; turn < atOnceMax; turn++) next()
    return Effect.sync(() => {
      isWanted = false
    })
  })

/** On this machine. */
const node: Looks = {
  stampOf: (path) => Effect.callback((resume) => stamped(path, (stamp) => resume(Effect.succeed(stamp)))),
  stampsOf: stampAll,
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
    const files = [path, ...names.filter(isWanted).toSorted().map((name) => join(folder, name))]
    const stamps = yield* looks.stampsOf(files)
    return files.map((file, at) => `${file} ${stamps[at]}`).join("\n")
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
