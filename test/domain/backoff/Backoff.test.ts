import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Backoff from "../../../src/domain/backoff/Backoff.ts"

/** The waits, in milliseconds, before each of the attempts after the first. */
const waits = Effect.fnUntraced(function*(options: { from: number; to: number }, attempts: number) {
  const times: Array<number> = []
  const attempt = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    times.push(now)
    return Effect.fail("no")
  })
  const fiber = yield* Effect.forkChild(
    Effect.ignore(Effect.retry(attempt, { schedule: Backoff.capped(options), times: attempts }))
  )
  for (let index = 0; index <= attempts; index++) yield* TestClock.adjust(options.to * 2)
  yield* Fiber.join(fiber)
  return times.slice(1).map((time, index) => time - (times[index] ?? 0))
})

const Millis = Schema.Int.check(Schema.isBetween({ minimum: 10, maximum: 60_000 }))

describe("Backoff.capped", () => {
  it.effect.prop(
    "doubles from the first wait to the longest, each with a jitter of at most a fifth",
    [Millis, Millis],
    ([a, b]) =>
      Effect.gen(function*() {
        const [from, to] = a < b ? [a, b] : [b, a]

        const found = yield* waits({ from, to }, 8)

        assert.lengthOf(found, 8)
        found.forEach((wait, index) => {
          const plain = Math.min(to, from * 2 ** index)
          assert.isAtLeast(wait, Math.floor(plain * 0.8) - 1)
          assert.isAtMost(wait, Math.ceil(plain * 1.2) + 1)
        })
      })
  )

  it("says the same waits to loops that are no retries, however long they go on", () => {
    const millis = (retries: number, random: number) =>
      Duration.toMillis(Backoff.delay({ from: 100, to: "1 second" }, retries, random))

    assert.deepStrictEqual([0, 1, 2, 3, 4, 1e9].map((retries) => millis(retries, 0.5)), [
      100,
      200,
      400,
      800,
      1000,
      1000
    ])
    assert.deepStrictEqual([millis(0, 0), millis(1e9, 1)].map(Math.round), [80, 1200])
  })

  it.effect("does not let all wait equally long", () =>
    Effect.gen(function*() {
      const first = yield* Effect.forEach(Array.from({ length: 20 }), () => waits({ from: 1_000, to: 1_000 }, 1))

      assert.isAbove(new Set(first.flat()).size, 10)
    }))
})
