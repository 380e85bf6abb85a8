import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import type { Rollback } from "../../../../src/domain/poller/rollout/Rollback.ts"
import { fromBlock } from "../../../../src/domain/poller/rollout/Rollout.ts"
import { RollbackFlag, RollbackFlagError } from "../../../../src/services/poller/rollout/RollbackFlag.ts"
import { Rollout } from "../../../../src/services/poller/rollout/Rollout.ts"
import * as RolloutGate from "../../../../src/services/poller/rollout/RolloutGate.ts"

const world = () => {
  const disk = { flag: Option.none<Rollback>(), isFull: false }
  const flag = Layer.succeed(RollbackFlag, {
    file: "rollback.json",
    read: Effect.sync(() => disk.flag),
    write: (rollback) =>
      Effect.suspend(() => {
        if (disk.isFull) return Effect.fail(new RollbackFlagError({ file: "rollback.json", detail: "full" }))
        disk.flag = Option.some(rollback)
        return Effect.void
      }),
    remove: Effect.sync(() => {
      disk.flag = Option.none()
    })
  })
  const config = fromBlock({ error_polls_min: 100, error_window: Duration.minutes(5) })
  return { disk, layer: Layer.provide(Rollout.layer(config), flag) }
}

/** Polls ten times a second while it may, with as many errors as `errorEvery` says. */
const polling = (polls: { count: number; errorEvery: number }) =>
  Effect.gen(function*() {
    const gate = yield* RolloutGate.RolloutGate
    const poll = Effect.sync(() => {
      polls.count += 1
      gate.note(polls.count % polls.errorEvery === 0)
    })
    return yield* RolloutGate.whileOpen(Effect.forever(Effect.andThen(poll, Effect.sleep("100 millis"))))
  })

const started = Effect.fnUntraced(function*(polls: { count: number; errorEvery: number }) {
  const rollout = yield* Rollout
  yield* Effect.forkScoped(rollout.run)
  yield* Effect.forkScoped(polling(polls))
  return rollout
})

const isRolledBack = (rollout: Rollout["Service"]) =>
  Effect.map(rollout.state, ({ rollback }) => Option.isSome(rollback))

describe("A rollout", () => {
  it.effect("goes on while few polls fail, and stops polling within a second when too many do", () => {
    const { disk, layer } = world()
    return Effect.gen(function*() {
      const polls = { count: 0, errorEvery: 200 }
      const rollout = yield* started(polls)
      yield* TestClock.adjust("2 minutes")
      assert.isFalse(yield* isRolledBack(rollout))
      assert.isAbove(polls.count, 1_000)

      polls.errorEvery = 2
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(yield* isRolledBack(rollout))
      assert.include(Option.getOrThrow(disk.flag).reason, "at most 1 % may")
      const before = polls.count
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(polls.count, before)
    }).pipe(Effect.provide(layer))
  })

  it.effect("follows the flag's coming and going, and begins to count anew", () => {
    const { disk, layer } = world()
    return Effect.gen(function*() {
      const polls = { count: 0, errorEvery: Infinity }
      const rollout = yield* started(polls)
      yield* TestClock.adjust("1 minute")
      disk.flag = Option.some({ atMillis: yield* Clock.currentTimeMillis, reason: "by hand" })
      yield* TestClock.adjust("1 second")
      const before = polls.count
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(polls.count, before)

      disk.flag = Option.none()
      yield* TestClock.adjust("2 seconds")
      assert.isFalse(yield* isRolledBack(rollout))
      assert.isAbove(polls.count, before)
      assert.isBelow((yield* rollout.state).polls, 50)
    }).pipe(Effect.provide(layer))
  })

  it.effect("stays rolled back while the flag cannot be written, and writes it when it can be", () => {
    const { disk, layer } = world()
    return Effect.gen(function*() {
      const rollout = yield* started({ count: 0, errorEvery: Infinity })
      disk.isFull = true
      const error = yield* Effect.flip(rollout.rollBack("by hand"))
      assert.include(error.message, "full")
      yield* TestClock.adjust("1 minute")
      assert.isTrue(yield* isRolledBack(rollout))

      disk.isFull = false
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(Option.isSome(disk.flag))
      yield* rollout.resume
      assert.isFalse(yield* isRolledBack(rollout))
      assert.isTrue(Option.isNone(disk.flag))
    }).pipe(Effect.provide(layer))
  })

  it.effect("polls nothing at all when the flag is there at the start", () => {
    const { disk, layer } = world()
    disk.flag = Option.some({ atMillis: 0, reason: "from before the restart" })
    return Effect.gen(function*() {
      const polls = { count: 0, errorEvery: Infinity }
      yield* started(polls)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(polls.count, 0)
    }).pipe(Effect.provide(layer))
  })
})
