import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric, Schedule } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import * as PollerMetrics from "../../../../src/services/poller/PollerMetrics.ts"
import { drainAll, namesOf, offer, parts, take } from "../../../services/poller/buffer/bufferContract.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import { troubleIs, withFolder } from "../../../support/waitingStatuses.ts"

const names = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `s${from + index}`)

const offerAll = (from: number, to: number) => Effect.forEach(names(from, to), (name) => offer(name, { bytes: 100 }))

const drained = drainAll(parts(10, 60_000))

/** Twenty statuses that a process left in its folder. */
const leftBehind = Effect.gen(function*() {
  const folder = path.join(yield* temporaryFolder, "buffer")
  yield* withFolder(folder, () => offerAll(0, 20))
  const [segment = ""] = yield* Effect.promise(() => fs.readdir(folder))
  return { folder, segment, file: path.join(folder, segment) }
})

const change = (file: string, how: (bytes: Buffer) => Buffer) =>
  Effect.promise(async () => fs.writeFile(file, how(await fs.readFile(file))))

const modeOf = (file: string) => Effect.promise(async () => ((await fs.stat(file)).mode & 0o777).toString(8))

describe("Statuses in a real folder", () => {
  it.live("wait there for the next process, readable to nobody else", () =>
    Effect.gen(function*() {
      const { file, folder } = yield* leftBehind
      const modes = [yield* modeOf(folder), yield* modeOf(file)]
      const { lines, taken } = yield* withFolder(folder, (lines) => Effect.map(drained, (taken) => ({ lines, taken })))
      const after = yield* withFolder(folder, () => drained)

      assert.deepStrictEqual(modes, ["700", "600"])
      assert.deepStrictEqual(taken, names(0, 20))
      assert.include(lines.join("\n"), "20 statuses of before the start wait in")
      assert.deepStrictEqual(after, [])
    }))

  it.live("lose what was being written when the process was killed, and nothing before it", () =>
    Effect.gen(function*() {
      const { file, folder } = yield* leftBehind
      yield* change(file, (bytes) => bytes.subarray(0, bytes.length - 7))

      assert.deepStrictEqual(yield* withFolder(folder, () => drained), names(0, 19))
    }))

  it.live("are read as far as they can be when their file is damaged, which is set aside and named", () =>
    Effect.gen(function*() {
      const { file, folder, segment } = yield* leftBehind
      yield* change(file, (bytes) => {
        bytes.fill(0xff, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 1)
        return bytes
      })
      const { lines, taken } = yield* withFolder(folder, (lines) => Effect.map(drained, (taken) => ({ lines, taken })))

      assert.strictEqual(taken.length, 19)
      assert.deepStrictEqual(taken, names(0, 20).filter((name) => taken.includes(name)))
      assert.match(lines.join("\n"), new RegExp(`${segment} is set aside as ${segment}\\.corrupt: .* 1 are lost`))
      assert.include(yield* Effect.promise(() => fs.readdir(folder)), `${segment}.corrupt`)
    }))

  const unreadable = Effect.map(
    Metric.value(Metric.withAttributes(PollerMetrics.reportsDropped, { reason: "unreadable" })),
    ({ count }) => Number(count)
  )

  /** Where the status of this number begins, from 0. */
  const placeOf = (bytes: Buffer, number: number): number => {
    const magic = Buffer.from("a51ec0de", "hex")
    let left = number
    for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
      if (bytes[at + 12] === 0 && left-- === 0) return at
    }
    return -1
  }

  /** After the file was changed so. */
  const recovered = (how: (bytes: Buffer) => Buffer) =>
    Effect.gen(function*() {
      const { file, folder, segment } = yield* leftBehind
      yield* change(file, how)
      const after = yield* withFolder(folder, (lines) =>
        Effect.gen(function*() {
          const taken = yield* drained
          return { taken, lost: yield* unreadable, text: lines.join("\n") }
        }))
      const aside = yield* Effect.promise(() => fs.readdir(folder))
      return { ...after, isAside: aside.includes(`${segment}.corrupt`) }
    })

  it.live("are counted when they cannot be read, also where a file ends in garbage or in zeros", () =>
    Effect.gen(function*() {
      const flipped = yield* recovered((bytes) => bytes.fill("#", placeOf(bytes, 10) + 20, placeOf(bytes, 10) + 30))
      const garbage = yield* recovered((bytes) => bytes.fill(0x5a, placeOf(bytes, 10)))
      const zeros = yield* recovered((bytes) => bytes.fill(0, placeOf(bytes, 17) + 40))
      const cut = yield* recovered((bytes) => bytes.subarray(0, bytes.length - 7))
      const nothing = yield* recovered((bytes) => bytes.subarray(0, 0))

      for (const one of [flipped, garbage, zeros]) {
        assert.isTrue(one.isAside)
        assert.match(one.text, /are lost/)
        assert.isAtLeast(one.lost, 1)
        assert.approximately(one.taken.length + one.lost, 20, 3)
        assert.deepStrictEqual(one.taken, names(0, 20).filter((name) => one.taken.includes(name)))
      }
      assert.deepStrictEqual([flipped.taken.length, flipped.lost], [19, 1])
      assert.deepStrictEqual([garbage.taken.length, zeros.taken.length], [10, 17])
      assert.deepStrictEqual([cut.isAside, cut.lost], [false, 0])
      assert.deepStrictEqual([nothing.taken, nothing.isAside], [[], false])
      assert.match(nothing.text, /has 0 bytes, and is removed/)
    }))

  it.live("are read once from a file that holds them twice", () =>
    Effect.gen(function*() {
      const twice = yield* recovered((bytes) => Buffer.concat([bytes, bytes]))
      const again = yield* recovered((bytes) => Buffer.concat([bytes, bytes.subarray(28)]))

      for (const one of [twice, again]) {
        assert.deepStrictEqual([one.taken, one.lost, one.isAside], [names(0, 20), 0, true])
        assert.match(one.text, /20 statuses of it can be read, 0 are lost/)
      }
    }))

  for (
    const [what, replace] of [
      ["garbage", (file: string) => fs.writeFile(file, "no segment, but longer than the header of one")],
      ["a link", async (file: string) => {
        await fs.rename(file, `${file}.elsewhere`)
        await fs.symlink(`${file}.elsewhere`, file)
      }],
      ["a folder", async (file: string) => {
        await fs.rm(file)
        await fs.mkdir(file)
      }]
    ] as const
  ) {
    it.live(`are none where there is ${what} in the place of a file: it is set aside, and all else goes on`, () =>
      Effect.gen(function*() {
        const { file, folder, segment } = yield* leftBehind
        yield* Effect.promise(() => replace(file))
        const { lines, taken } = yield* withFolder(folder, (lines) =>
          Effect.gen(function*() {
            yield* offerAll(20, 25)
            return { lines, taken: yield* drained }
          }))

        assert.deepStrictEqual(taken, names(20, 25))
        assert.include(lines.join("\n"), `${segment} is set aside as ${segment}.corrupt`)
      }))
  }

  it.live("are written anew when somebody removes the folder beside the poller", () =>
    Effect.gen(function*() {
      const { folder } = yield* leftBehind
      const offered = yield* withFolder(folder, (lines) =>
        Effect.gen(function*() {
          yield* Effect.promise(() => fs.rm(folder, { recursive: true }))
          let count = 20
          // A file is looked at when it is synced, which it is while something is written.
          yield* Effect.suspend(() => Effect.as(offer(`s${count++}`, { bytes: 100 }), lines.join("\n"))).pipe(
            Effect.repeat({
              schedule: Schedule.spaced("20 millis"),
              until: (text) => text.includes("were removed")
            }),
            Effect.timeout("20 seconds")
          )
          return count
        }))

      // Those that a process before had left were on the disk alone.
      const taken = yield* withFolder(folder, () => drained)
      assert.deepStrictEqual(taken.filter((name) => Number(name.slice(1)) >= 20), names(20, offered))
    }))

  it.live("wait in memory while another poller has the folder, and in the folder when it has gone", () =>
    Effect.gen(function*() {
      const folder = path.join(yield* temporaryFolder, "buffer")
      const first = yield* Effect.forkScoped(withFolder(folder, () => Effect.never), { startImmediately: true })
      yield* Effect.tryPromise(() => fs.stat(path.join(folder, "owner.json"))).pipe(
        Effect.retry(Schedule.spaced("10 millis")),
        Effect.timeout("10 seconds")
      )
      yield* withFolder(folder, (lines) =>
        Effect.gen(function*() {
          const trouble = yield* troubleIs(/is in use by process \d+/)
          yield* offerAll(0, 3)
          const batch = yield* take(parts(2))
          yield* Effect.sync(() => first.interruptUnsafe())
          yield* troubleIs(undefined)

          assert.include(trouble, folder)
          assert.deepStrictEqual(namesOf(batch), ["s0", "s1"])
          assert.include(lines.join("\n"), "statuses are kept in memory meanwhile")
        }))

      // What was in flight when the folder was taken stays in memory.
      assert.deepStrictEqual(yield* withFolder(folder, () => drained), ["s2"])
    }))

  it.live("are not written where somebody else may write, or through a link", () =>
    Effect.gen(function*() {
      const parent = yield* temporaryFolder
      const open = path.join(parent, "open")
      const link = path.join(parent, "link")
      yield* Effect.promise(async () => {
        await fs.mkdir(open)
        await fs.chmod(open, 0o777)
        await fs.symlink(open, link)
      })
      for (const folder of [open, link]) {
        const taken = yield* withFolder(folder, () =>
          Effect.gen(function*() {
            yield* troubleIs(/it is not a folder that only we can write to/)
            yield* offerAll(0, 3)
            return yield* drained
          }))
        assert.deepStrictEqual(taken, names(0, 3))
      }
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(open)), [])
    }))
})
