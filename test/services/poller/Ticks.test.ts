import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Ticks from "../../../src/services/poller/Ticks.ts"

const startsOf = Effect.fnUntraced(function*(took: Duration.Input, phase?: Duration.Duration) {
  const starts: Array<number> = []
  const run = Effect.andThen(
    Effect.map(Clock.currentTimeMillis, (now) => starts.push(now / 1000)),
    Effect.sleep(took)
  )
  yield* Effect.forkChild(Ticks.repeat(run, Duration.seconds(30), phase === undefined ? {} : { phase }), {
    startImmediately: true
  })
  yield* TestClock.adjust("3 minutes")
  return starts
})

describe("Ticks", () => {
  it.effect("runs at once and then on the grid, however long a run takes within the interval", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startsOf("27 seconds"), [0, 30, 60, 90, 120, 150, 180])
    }))

  it.effect("skips the ticks that a long run missed", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startsOf("70 seconds"), [0, 90, 180])
    }))

  it.effect("takes the tick with which a run ends", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startsOf("30 seconds"), [0, 30, 60, 90, 120, 150, 180])
    }))

  it.effect("takes the tick shortly after which a run ends", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startsOf("60500 millis"), [0, 60.5, 121])
    }))

  it.effect("runs at once and then on a grid shifted by the phase", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* startsOf("1 second", Duration.seconds(12)), [0, 12, 42, 72, 102, 132, 162])
    }))

  it.effect("does not repeat the first run a moment later", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* startsOf(0, Duration.seconds(1))).slice(0, 3), [0, 31, 61])
    }))

  it.effect("tells how many ticks a long run missed", () =>
    Effect.gen(function*() {
      for (const [took, missed] of [[70, 2], [27, 0], [30, 0], [60.5, 1]] as const) {
        const skipped: Array<number> = []
        const onSkipped = (ticks: number) => Effect.sync(() => void skipped.push(ticks))
        const loop = Ticks.repeat(Effect.sleep(Duration.seconds(took)), Duration.seconds(30), { onSkipped })
        yield* Effect.forkChild(loop, { startImmediately: true })
        yield* TestClock.adjust("2 minutes")

        assert.deepStrictEqual(new Set(skipped), new Set(missed === 0 ? [] : [missed]), `${took} s`)
      }
    }))

  it.effect("may begin on the grid, after an interval or the phase", () =>
    Effect.gen(function*() {
      for (const [phase, first] of [[0, 30], [12, 12]] as const) {
        const starts: Array<number> = []
        const begin = yield* Clock.currentTimeMillis
        const run = Effect.map(Clock.currentTimeMillis, (now) => starts.push((now - begin) / 1_000))
        const options = { phase: Duration.seconds(phase), isFirstOnGrid: true }
        yield* Effect.forkChild(Ticks.repeat(run, Duration.seconds(30), options), { startImmediately: true })
        yield* TestClock.adjust("65 seconds")

        assert.deepStrictEqual(starts, [first, first + 30])
      }
    }))
})
