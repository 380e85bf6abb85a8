import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect, Fiber, Layer, Option, References } from "effect"
import { TestClock } from "effect/testing"
import * as DiskStatusBuffer from "../../../../src/layers/poller/buffer/DiskStatusBuffer.ts"
import { BufferFault, type SegmentFiles } from "../../../../src/layers/poller/buffer/SegmentFiles.ts"
import { StatusBuffer, type WaitingStatus } from "../../../../src/services/poller/buffer/StatusBuffer.ts"
import { contract, namesOf, offer, parts, waiting } from "../../../services/poller/buffer/bufferContract.ts"
import { chanceOf, CrashingFiles } from "./CrashingFiles.ts"

const never = Infinity

/** Each write takes so long. */
const slowly = ({ files }: CrashingFiles, time: Duration.Input): SegmentFiles => ({
  ...files,
  create: (name) =>
    Effect.map(files.create(name), (file) => ({
      ...file,
      append: (bytes) => Effect.delay(file.append(bytes), time)
    }))
})

/** A disk of so many bytes. */
const small = ({ files }: CrashingFiles, capacity: number) => {
  const used = new Map<string, number>()
  const bytesUsed = () => [...used.values()].reduce((sum, bytes) => sum + bytes, 0)
  const full = new BufferFault({ path: "memory", step: "writing", detail: "no space left", isAbsent: false })
  const limited: SegmentFiles = {
    ...files,
    create: (name) =>
      Effect.map(files.create(name), (file) => ({
        ...file,
        append: (bytes) =>
          Effect.suspend(() => {
            if (bytesUsed() + bytes.length > capacity) return Effect.fail(full)
            used.set(name, (used.get(name) ?? 0) + bytes.length)
            return file.append(bytes)
          })
      })),
    truncate: (name, bytes) =>
      Effect.andThen(files.truncate(name, bytes), Effect.sync(() => void used.set(name, bytes))),
    remove: (name) => Effect.andThen(files.remove(name), Effect.sync(() => void used.delete(name)))
  }
  return { files: limited, bytesUsed }
}

/** As a process that is killed at the end of the course. */
const process = <A>(files: SegmentFiles, course: Effect.Effect<A, never, StatusBuffer>) =>
  Effect.gen(function*() {
    const { isReady, run } = yield* StatusBuffer
    yield* Effect.forkDetach(run, { startImmediately: true })
    yield* isReady
    return yield* course
  }).pipe(Effect.provide(Layer.fresh(DiskStatusBuffer.layer({ files }))))

const take = Effect.gen(function*() {
  const { take } = yield* StatusBuffer
  const fiber = yield* Effect.forkChild(take(parts(10, 60_000)), { startImmediately: true })
  // A report is not held up for longer by its disk.
  yield* TestClock.adjust("2 seconds")
  return Option.match(yield* Fiber.join(fiber), { onNone: () => [], onSome: namesOf })
})

describe("Statuses in a folder", () => {
  describe("as long as all goes well", () => {
    contract((limits) =>
      Layer.suspend(() => DiskStatusBuffer.layer({ files: new CrashingFiles(chanceOf(1), never).files, ...limits }))
    )
  })
  describe("that hold hardly anything in memory", () => {
    contract((limits) =>
      Layer.suspend(() =>
        DiskStatusBuffer.layer({
          files: new CrashingFiles(chanceOf(1), never).files,
          ...limits,
          ahead: { entriesMax: 120, bytesMax: 1_000_000 }
        })
      )
    )
  })
  it.effect("are settled for the next process when core took them while the disk was still at them", () =>
    Effect.gen(function*() {
      const files = new CrashingFiles(chanceOf(1), never)
      yield* process(
        slowly(files, "3 seconds"),
        Effect.gen(function*() {
          yield* offer("a#1")
          assert.deepStrictEqual(yield* take, ["a#1"])
          yield* Effect.flatMap(StatusBuffer, ({ settle }) => settle)
          yield* TestClock.adjust("1 minute")
        })
      )

      const next = new CrashingFiles(chanceOf(2), never, files.afterKill())
      assert.deepStrictEqual(yield* process(next.files, take), [])
    }))

  it.effect("make room on a disk that they have filled, as soon as core has them", () =>
    Effect.gen(function*() {
      const files = new CrashingFiles(chanceOf(1), never)
      const disk = small(files, 10_000)
      yield* process(
        disk.files,
        Effect.gen(function*() {
          const { settle, trouble } = yield* StatusBuffer
          for (let serial = 0; serial < 20; serial++) {
            yield* offer(`a#${serial}`, { bytes: 1_000 })
            yield* TestClock.adjust("100 millis")
          }
          assert.isTrue(Option.isSome(yield* trouble))
          for (let taken = yield* take; taken.length > 0; taken = yield* take) yield* settle
          yield* TestClock.adjust("31 seconds")

          assert.deepStrictEqual(yield* trouble, Option.none())
          // The file that is being written stays.
          assert.isAtMost(disk.bytesUsed(), 2_000)
          yield* offer("a#20")
          yield* TestClock.adjust("2 seconds")
        })
      )

      const next = new CrashingFiles(chanceOf(2), never, files.afterKill())
      assert.deepStrictEqual(yield* process(next.files, take), ["a#20"])
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))

  it.effect("do not go with those that a full disk does not take, so that the next process sends the same report", () =>
    Effect.gen(function*() {
      const files = new CrashingFiles(chanceOf(1), never)
      yield* process(
        small(files, 1_800).files,
        Effect.gen(function*() {
          yield* offer("a#1", { bytes: 1_000 })
          yield* TestClock.adjust("2 seconds")
          yield* offer("a#2", { bytes: 1_000 })
          assert.deepStrictEqual(yield* take, ["a#1"])
        })
      )

      const next = new CrashingFiles(chanceOf(2), never, files.afterPowerFailure())
      assert.deepStrictEqual(yield* process(next.files, take), ["a#1"])
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))

  it.effect("do not go with those of the process after, so that the process after that sends the same report", () =>
    Effect.gen(function*() {
      const files = new CrashingFiles(chanceOf(1), never)
      yield* process(files.files, Effect.andThen(offer("a#1"), TestClock.adjust("1 second")))

      const next = new CrashingFiles(chanceOf(2), never, files.afterKill())
      const taken = yield* process(next.files, Effect.andThen(offer("a#2"), take))

      assert.deepStrictEqual(taken, ["a#1"])
    }))
  const large = 300_000
  const lengthsOf = (statuses: ReadonlyArray<WaitingStatus>) => statuses.map((one) => one.status.message.length)
  const settleAndTake = Effect.flatMap(StatusBuffer, ({ settle }) => Effect.andThen(settle, take))

  it.effect("leave no large message to the collector once core has it and no report shows it again", () =>
    Effect.gen(function*() {
      const files = new CrashingFiles(chanceOf(1), never)
      yield* process(
        files.files,
        Effect.gen(function*() {
          const given = yield* Effect.all([waiting("a#1", { bytes: large }), waiting("a#2", { bytes: 100_000 })])
          const { offer } = yield* StatusBuffer
          yield* Effect.forEach(given, offer)
          assert.deepStrictEqual(yield* take, ["a#1", "a#2"])
          assert.deepStrictEqual(lengthsOf(given), [large, 100_000])
          assert.deepStrictEqual(yield* settleAndTake, [])

          assert.deepStrictEqual(lengthsOf(given), [0, 100_000])
        })
      )
    }))

  it.effect("keep a large message that core has before the disk does, which is still at it", () =>
    Effect.gen(function*() {
      const files = new CrashingFiles(chanceOf(1), never)
      yield* process(
        slowly(files, "10 seconds"),
        Effect.gen(function*() {
          const given = yield* waiting("a#1", { bytes: large })
          const { offer } = yield* StatusBuffer
          yield* offer(given)
          assert.deepStrictEqual(yield* take, ["a#1"])
          assert.deepStrictEqual(yield* settleAndTake, [])

          assert.deepStrictEqual(lengthsOf([given]), [large])
        })
      )
    }))

  it.effect("are on the disk within a second, also when the time of day has been set back", () =>
    Effect.gen(function*() {
      const files = new CrashingFiles(chanceOf(1), never)
      yield* process(
        files.files,
        Effect.gen(function*() {
          yield* TestClock.setTime(7_200_000)
          yield* offer("a#1")
          yield* TestClock.adjust("2 seconds")
          yield* TestClock.setTime(10_000)
          yield* offer("a#2")
          yield* TestClock.adjust("2 seconds")
        })
      )

      const next = new CrashingFiles(chanceOf(2), never, files.afterPowerFailure())
      assert.deepStrictEqual(yield* process(next.files, take), ["a#1", "a#2"])
    }))
})
