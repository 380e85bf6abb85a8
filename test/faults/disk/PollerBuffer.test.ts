import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { drainAll, namesOf, offer, parts, take } from "../../services/poller/buffer/bufferContract.ts"
import * as OwnDisk from "../../support/ownDisk.ts"
import { troubleIs, withFolder } from "../../support/waitingStatuses.ts"

const names = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `s${from + index}`)

const offerAll = (from: number, to: number) => Effect.forEach(names(from, to), (name) => offer(name, { bytes: 10_000 }))

describe("The disk of a poller's buffer", () => {
  it.live("is full: that is told, the memory carries on, and all is there when there is room again", () =>
    Effect.gen(function*() {
      const disk = yield* OwnDisk.small("2m")
      const folder = path.join(disk, "buffer")
      const fill = path.join(disk, "fill")
      const lines = yield* withFolder(folder, (lines) =>
        Effect.gen(function*() {
          yield* offerAll(0, 10)
          yield* Effect.sleep("1500 millis")
          yield* Effect.promise(() => fs.writeFile(fill, Buffer.alloc(2 ** 21)).catch(() => undefined))
          yield* offerAll(10, 100)
          yield* troubleIs(/no space left on the disk/)
          yield* Effect.promise(() => fs.rm(fill))
          yield* troubleIs(undefined)
          return lines
        }))

      assert.deepStrictEqual(yield* withFolder(folder, () => drainAll(parts(30, 60_000))), names(0, 100))
      assert.include(lines.join("\n"), "statuses are kept in memory meanwhile")
      assert.include(lines.join("\n"), "takes statuses again")
    }))

  it.live("becomes read-only: that is told, the memory carries on, and all is there when it is writable again", () =>
    Effect.gen(function*() {
      const disk = yield* OwnDisk.small("2m")
      const folder = path.join(disk, "buffer")
      yield* withFolder(folder, (lines) =>
        Effect.gen(function*() {
          // Before a segment is begun: the kernel refuses it while a file is open for writing.
          yield* OwnDisk.makeReadOnly(disk)
          yield* offerAll(0, 20)
          yield* troubleIs(/the file system is read-only/)
          assert.deepStrictEqual(namesOf(yield* take(parts(5, 60_000))), names(0, 5))
          yield* OwnDisk.makeWritable(disk)
          yield* troubleIs(undefined)
          assert.include(lines.join("\n"), "statuses are kept in memory meanwhile")
        }))

      // What was in flight then stays unsettled and goes again.
      assert.deepStrictEqual(yield* withFolder(folder, () => drainAll(parts(30, 60_000))), names(0, 20))
    }))
})
