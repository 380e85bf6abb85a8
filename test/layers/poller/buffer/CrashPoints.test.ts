/**
 * A poller that is stopped between any two steps of its buffer, or in the middle of one, by a kill or a power failure.
 *
 * Whatever was accepted (written 100 ms after it was offered, which a kill survives; synced a second later, which a power
 * failure does) is at core in the end, once for a core that knows the ids of reports, and in the order of each check.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Metric, Option, References } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import * as DiskStatusBuffer from "../../../../src/layers/poller/buffer/DiskStatusBuffer.ts"
import { StatusBuffer } from "../../../../src/services/poller/buffer/StatusBuffer.ts"
import { namesOf, offer, parts } from "../../../services/poller/buffer/bufferContract.ts"
import { chanceOf, CrashingFiles } from "./CrashingFiles.ts"

type Action =
  | { readonly _tag: "Offer"; readonly count: number; readonly bytes: number }
  | { readonly _tag: "Wait"; readonly millis: number }
  | { readonly _tag: "Send"; readonly isAnswered: boolean; readonly sizeMax: number }
  | { readonly _tag: "Disk"; readonly isFull: boolean }
  | { readonly _tag: "Restart" }

type End = "kill" | "power failure"

const checks = 3

/** How core knows a report that it has already. */
type Identity = "id" | "contents"

/** What core has, of a core that takes each report once. */
class Core {
  readonly ids = new Set<string>()
  private readonly identity: Identity

  constructor(identity: Identity) {
    this.identity = identity
  }
  readonly delivered: Array<number> = []
  readonly seen = new Set<number>()

  take(batchId: string, serials: ReadonlyArray<number>) {
    for (const serial of serials) this.seen.add(serial)
    const id = this.identity === "id" ? batchId : serials.join(" ")
    if (this.ids.has(id)) return
    this.ids.add(id)
    this.delivered.push(...serials)
  }
}

const serialsOf = (names: ReadonlyArray<string>) => names.map((name) => Number(name.split("#")[1]))

/** Each serial number is of one check: the next check with each. */
const nameOf = (serial: number) => `c${serial % checks}#${serial}`

interface Course {
  readonly core: Core
  serial: number
  /** What survives the end. */
  readonly accepted: Set<number>
  /** Offered by this process from here on. */
  begin: number
  /** The disk has taken nothing for a time, and may not have tried again. */
  hasBeenFull: boolean
}

const accept = ({ accepted, begin, hasBeenFull }: Course, end: number) => {
  if (hasBeenFull) return
  for (let serial = begin; serial < end; serial++) accepted.add(serial)
}

const withBuffer = <A>(files: CrashingFiles, course: Effect.Effect<A, never, StatusBuffer>) =>
  Effect.gen(function*() {
    const { isReady, run } = yield* StatusBuffer
    const fiber = yield* Effect.forkChild(run, { startImmediately: true })
    yield* isReady
    const result = yield* course
    yield* Fiber.interrupt(fiber)
    return result
  }).pipe(
    Effect.provide(
      Layer.fresh(DiskStatusBuffer.layer({
        files: files.files,
        // Some segments for some statuses.
        segmentBytes: 4_000,
        ahead: { entriesMax: 8, bytesMax: 1_000_000 }
      }))
    )
  )

const send = Effect.fnUntraced(function*(files: CrashingFiles, core: Core, sizeMax: number, isAnswered: boolean) {
  const buffer = yield* StatusBuffer
  const batch = Option.getOrUndefined(yield* buffer.take(parts(sizeMax, 60_000)))
  // Whoever is dead sends nothing.
  if (batch === undefined || files.isDown) return false
  core.take(batch.id, serialsOf(namesOf(batch)))
  if (isAnswered) yield* buffer.settle
  return true
})

const retriedWithinMillis = 40_000

/** Runs the actions as far as the files go along. */
const live = Effect.fnUntraced(
  function*(files: CrashingFiles, course: Course, actions: ReadonlyArray<Action>, end: End) {
    for (const action of actions) {
      if (files.isDown) return
      switch (action._tag) {
        case "Offer":
          for (let count = 0; count < action.count; count++) {
            yield* offer(nameOf(course.serial), { bytes: action.bytes })
            course.serial += 1
          }
          break
        case "Wait": {
          const before = course.serial
          yield* TestClock.adjust(action.millis)
          if (files.isDown) return
          if (!files.isFull && action.millis >= retriedWithinMillis) course.hasBeenFull = false
          if (action.millis >= (end === "kill" ? 100 : 2_000)) accept(course, before)
          break
        }
        case "Send":
          yield* send(files, course.core, action.sizeMax, action.isAnswered)
          break
        case "Disk":
          files.isFull = action.isFull
          course.hasBeenFull ||= action.isFull
          break
        case "Restart":
          return
      }
    }
  }
)

const quiet = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.provide(Logger.layer([])),
    Effect.provideService(Metric.MetricRegistry, new Map())
  )

/** The steps that were taken, and what core has after a restart with which nothing goes wrong. */
const run = Effect.fnUntraced(function*(
  actions: ReadonlyArray<Action>,
  end: End,
  downAt: number,
  seed: number,
  identity: Identity = "id"
) {
  const chance = chanceOf(seed)
  const course: Course = { core: new Core(identity), serial: 0, accepted: new Set(), begin: 0, hasBeenFull: false }
  let steps = 0
  let contents: ReadonlyMap<string, Uint8Array> = new Map()
  const lives = actions.reduce<Array<Array<Action>>>(
    (before, action) =>
      action._tag === "Restart" ? [...before, []] : [...before.slice(0, -1), [...before.at(-1) ?? [], action]],
    [[]]
  )
  for (const [index, life] of lives.entries()) {
    const files = new CrashingFiles(chance, index === 0 ? downAt : Infinity, contents)
    // Each life of a process but the first ends by a stop that is told: what it has it writes.
    yield* withBuffer(files, live(files, course, life, end))
    steps += files.steps
    if (!files.isDown) accept(course, course.serial)
    course.begin = course.serial
    course.hasBeenFull = false
    contents = files.isDown && end === "power failure" ? files.afterPowerFailure() : files.afterKill()
  }
  const files = new CrashingFiles(chance, Infinity, contents)
  yield* withBuffer(
    files,
    Effect.gen(function*() {
      while (yield* send(files, course.core, 5, true));
    })
  )
  return { ...course, steps }
}, quiet)

const verify = ({ accepted, core, serial }: Course) => {
  const missing = [...accepted].filter((one) => !core.seen.has(one))
  assert.deepStrictEqual(missing, [], "accepted and not at core")
  assert.strictEqual(new Set(core.delivered).size, core.delivered.length, `twice at core: ${core.delivered.join(" ")}`)
  for (let check = 0; check < checks; check++) {
    const own = core.delivered.filter((one) => one % checks === check)
    assert.deepStrictEqual(own, own.toSorted((one, other) => one - other), "out of order")
  }
  assert.isTrue(core.delivered.every((one) => one < serial))
}

const within = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(Effect.provide(effect, TestClock.layer()))

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      _tag: fc.constant("Offer" as const),
      count: fc.integer({ min: 1, max: 12 }),
      bytes: fc.constantFrom(0, 2, 200, 5_000)
    })
  },
  { weight: 3, arbitrary: fc.record({ _tag: fc.constant("Wait" as const), millis: fc.constantFrom(10, 100, 2_000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      _tag: fc.constant("Send" as const),
      isAnswered: fc.boolean(),
      sizeMax: fc.integer({ min: 1, max: 6 })
    })
  },
  { weight: 1, arbitrary: fc.constant<Action>({ _tag: "Restart" }) }
)

/** Cut as any other process would. */
const onFullDisk: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: action.map((one): Action => one._tag === "Send" ? { ...one, sizeMax: 5 } : one)
  },
  { weight: 2, arbitrary: fc.record({ _tag: fc.constant("Disk" as const), isFull: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant<Action>({ _tag: "Wait", millis: retriedWithinMillis }) }
)

const end: fc.Arbitrary<End> = fc.constantFrom("kill", "power failure")

const course: ReadonlyArray<Action> = [
  { _tag: "Offer", count: 7, bytes: 200 },
  { _tag: "Wait", millis: 100 },
  { _tag: "Send", isAnswered: false, sizeMax: 3 },
  { _tag: "Offer", count: 9, bytes: 900 },
  { _tag: "Wait", millis: 2_000 },
  { _tag: "Send", isAnswered: true, sizeMax: 3 },
  { _tag: "Send", isAnswered: true, sizeMax: 5 },
  { _tag: "Offer", count: 4, bytes: 5_000 },
  { _tag: "Wait", millis: 2_000 },
  { _tag: "Send", isAnswered: true, sizeMax: 6 },
  { _tag: "Offer", count: 2, bytes: 2 },
  { _tag: "Wait", millis: 100 },
  { _tag: "Send", isAnswered: false, sizeMax: 6 }
]

const holdsOn = (actions: fc.Arbitrary<Action>, identity: Identity) =>
  fc.assert(
    fc.asyncProperty(
      fc.array(actions, { maxLength: 25 }),
      end,
      fc.integer({ min: 1, max: 80 }),
      fc.integer(),
      async (actions, how, downAt, seed) => verify(await within(run(actions, how, downAt, seed, identity)))
    ),
    { numRuns: 300 }
  )

describe("A poller that is stopped", () => {
  it("loses nothing accepted and sends nothing as another report, after each step of one course", async () => {
    const whole = await within(run(course, "kill", Infinity, 1))
    verify(whole)
    assert.isAbove(whole.steps, 30)
    for (let downAt = 1; downAt <= whole.steps; downAt++) {
      for (const how of ["kill", "power failure"] as const) {
        for (const seed of [1, 2, 3, 4]) verify(await within(run(course, how, downAt, seed)))
      }
    }
  })

  it("does so on any course, with any restarts", () => holdsOn(action, "id"))

  it("does so where the disk is full at times, for a core that knows a status by the time of its report", () =>
    holdsOn(onFullDisk, "contents"))
})
