/** The model of a disk and a folder of this machine answer the same to the same steps, but for power failures. */
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { Seeded } from "../../../../src/domain/simulation/Seeded.ts"
import * as NodeSegmentFiles from "../../../../src/layers/poller/buffer/NodeSegmentFiles.ts"
import type { BufferFault, SegmentFile, SegmentFiles } from "../../../../src/layers/poller/buffer/SegmentFiles.ts"
import { Disk } from "../../../../src/services/simulation/Disk.ts"
import * as DiskFiles from "../../../simulation/parties/DiskFiles.ts"
import { temporaryFolder } from "../../../support/temporaryFolder.ts"
import * as Histories from "./Histories.ts"

const kinds: ReadonlyArray<
  readonly [number, "create" | "append" | "read" | "truncate" | "rename" | "remove" | "sync"]
> = [
  [3, "create"],
  [5, "append"],
  [4, "read"],
  [1, "truncate"],
  [1, "rename"],
  [1, "remove"],
  [1, "sync"]
]

const stepOf = (random: Seeded) => ({
  kind: Histories.pick(random, kinds),
  name: `segment-${random.between(0, 3)}`,
  other: `segment-${random.between(0, 3)}`,
  /** Which of the files that were made. */
  which: random.next(),
  offset: random.between(0, 300),
  length: random.between(0, 300),
  bytes: Uint8Array.from({ length: random.between(0, 200) }, () => random.between(0, 255))
})

const historyOf = (seed: number) => Histories.draw(Histories.randomOf("disk", seed), 10, 40, stepOf)

const told = <A>(effect: Effect.Effect<A, BufferFault>, text: (value: A) => string): Effect.Effect<string> =>
  Effect.map(Effect.result(effect), (result) =>
    Result.match(result, {
      onSuccess: text,
      onFailure: ({ isAbsent, step }) => `${step} failed${isAbsent ? ", it is absent" : ""}`
    }))

const led = Effect.fnUntraced(function*(files: SegmentFiles, history: ReturnType<typeof historyOf>) {
  const made: Array<SegmentFile> = []
  const answers: Array<string> = []
  for (const { bytes, kind, length, name, offset, other, which } of history) {
    const file = made[Math.floor(which * made.length)]
    const step = (): Effect.Effect<string> => {
      switch (kind) {
        case "create":
          return told(Effect.tap(files.create(name), (one) => Effect.sync(() => made.push(one))), () => "made")
        case "append":
          return file === undefined ? Effect.succeed("none") : told(file.append(bytes), () => "written")
        case "sync":
          return file === undefined ? told(files.syncFolder, () => "synced") : told(file.sync, () => "synced")
        case "read":
          return told(files.read(name, offset, length), (found) => Buffer.from(found).toString("hex"))
        case "truncate":
          return told(files.truncate(name, length), () => "cut")
        case "rename":
          return told(files.rename(name, other), () => "renamed")
        case "remove":
          return told(files.remove(name), () => "removed")
      }
    }
    const answer = yield* step()
    const listed = yield* told(files.list, (all) => all.map((one) => `${one.name} ${one.bytes}`).toSorted().join(", "))
    answers.push(`${kind} ${name}: ${answer}; ${listed}`)
  }
  yield* Effect.forEach(made, ({ close }) => close, { discard: true })
  return answers
})

describe("A disk", () => {
  it.live("is modelled as a folder of this machine answers", () =>
    Effect.gen(function*() {
      for (const seed of Histories.seeds) {
        const history = historyOf(seed)
        const real = yield* Effect.scoped(Effect.gen(function*() {
          return yield* led(yield* NodeSegmentFiles.make(yield* temporaryFolder), history)
        }))
        const modelled = yield* led(
          DiskFiles.make(new Disk(new Seeded("disk")), "/folder", Effect.succeed(true)),
          history
        )

        assert.deepStrictEqual(modelled, real, `seed ${seed}`)
      }
    }).pipe(Effect.provide(NodeFileSystem.layer)), Histories.timeoutMillis)
})
