import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import * as ScopedLoop from "../../../src/services/backoff/ScopedLoop.ts"

const logged = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${[message].flat()[0]}`))
  return { lines, layer: Logger.layer([logger]) }
}

describe("ScopedLoop", () => {
  it.effect("begins a loop again that failed or died, and tells of each time", () => {
    const { layer, lines } = logged()
    return Effect.gen(function*() {
      let rounds = 0
      const loop = Effect.suspend(() => {
        rounds += 1
        if (rounds === 1) return Effect.die(new Error("a bug"))
        return rounds === 2 ? Effect.fail("no luck") : Effect.never
      })

      yield* ScopedLoop.start("The loop", loop)
      yield* TestClock.adjust("5 seconds")

      assert.strictEqual(rounds, 3)
      assert.deepStrictEqual(lines, Array(2).fill("Error The loop failed and is begun again"))
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("is over when the loop ends, and is interrupted with its scope", () => {
    const { layer, lines } = logged()
    return Effect.gen(function*() {
      let rounds = 0
      let interrupted = 0
      yield* Effect.scoped(Effect.gen(function*() {
        yield* ScopedLoop.start("The loop", Effect.sync(() => rounds += 1))
        yield* ScopedLoop.start("Another", Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted += 1)))
        yield* TestClock.adjust("1 minute")
      }))

      yield* TestClock.adjust("1 minute")

      assert.deepStrictEqual([rounds, interrupted, lines], [1, 1, []])
    }).pipe(Effect.provide(layer))
  })
})
