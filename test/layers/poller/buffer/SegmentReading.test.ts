import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as SegmentFormat from "../../../../src/domain/poller/segments/SegmentFormat.ts"
import * as StoredStatus from "../../../../src/domain/poller/segments/StoredStatus.ts"
import { checksum } from "../../../../src/layers/poller/buffer/checksum.ts"
import * as NodeSegmentFiles from "../../../../src/layers/poller/buffer/NodeSegmentFiles.ts"
import * as SegmentReading from "../../../../src/layers/poller/buffer/SegmentReading.ts"
import { status } from "../../../services/poller/statuses.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"

const name = "one.statuses"
const id = "0123456789abcdef"
const frame = { checksum, seed: SegmentFormat.seedOf(id, checksum) }
const sizes = [3_000_000, 10, 1_500_000, 20]

const messageOf = (index: number): Uint8Array => new Uint8Array(sizes[index] ?? 0).fill(index + 1)

const contents = Buffer.concat([
  SegmentFormat.encodeHeader({ number: 1, id }, checksum),
  SegmentFormat.encodeRecords(
    sizes.map((_, index) => ({
      kind: "status",
      ordinal: index + 1,
      payload: StoredStatus.encode({
        key: `${index}`,
        status: { ...status(`${index}`), message: messageOf(index) },
        measuredAtMillis: index
      })
    })),
    frame
  )
])

describe("Reading what waits", () => {
  it.effect("takes large statuses at their own length, each as it was written", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => fs.writeFile(`${folder}/${name}`, contents))
      const files = yield* NodeSegmentFiles.make(folder)
      const lengths: Array<number> = []
      const counting = {
        ...files,
        read: (file: string, offset: number, length: number) => {
          lengths.push(length)
          return files.read(file, offset, length)
        }
      }
      const segment = {
        number: 1,
        name,
        id,
        frame,
        bytes: contents.length,
        statuses: 4,
        lastOrdinal: 4,
        newestMillis: 3
      }
      const { read } = SegmentReading.make(counting, [segment])

      const found: Array<SegmentReading.ReadStatus> = []
      for (let ordinal = 0; ordinal < sizes.length;) {
        const some = yield* read({ segment: 1, ordinal })
        found.push(...some)
        ordinal = some.at(-1)?.position.ordinal ?? sizes.length
      }

      assert.strictEqual(found.length, sizes.length)
      found.forEach(({ stored }, index) => {
        const message = Option.getOrThrow(stored).status.message
        assert.isTrue(Buffer.from(messageOf(index)).equals(message), `status ${index}`)
      })
      // A look, and the whole of what is longer.
      assert.isTrue(lengths.every((length) => length < 3_001_000), `${lengths}`)
    }).pipe(Effect.scoped, Effect.provide(NodeFileSystem.layer)))
})
