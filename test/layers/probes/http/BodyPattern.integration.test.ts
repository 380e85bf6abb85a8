import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as diagnostics from "node:diagnostics_channel"
import * as BodyPattern from "../../../../src/layers/probes/http/BodyPattern.ts"

/** What the usual matcher needs hours for. */
const unlucky = `${"a".repeat(40)}b`

describe("Expressions of operators", () => {
  it.live("match what the usual matcher would not come to an end with", () =>
    Effect.gen(function*() {
      const { matches } = yield* BodyPattern.make

      assert.isFalse(yield* matches("(a+)+$", unlucky))
      assert.isTrue(yield* matches("(a+)+b$", unlucky))
    }).pipe(Effect.scoped))

  it.live("fail where no matcher can be stopped but by its thread, and the next one is matched all the same", () =>
    Effect.gen(function*() {
      const { matches } = yield* BodyPattern.make

      assert.match(
        yield* Effect.flip(matches("(a+)+\\1$", unlucky)),
        /matching the text against .* took longer than 500ms/
      )
      assert.isTrue(yield* matches("a[ab]$", unlucky))
      assert.match(yield* Effect.flip(matches("a(", unlucky)), /Unterminated group/)
      assert.isTrue(yield* matches("a[ab]$", unlucky))
    }).pipe(Effect.scoped))

  it.live("are matched by the same two threads, however many ask at once", () =>
    Effect.gen(function*() {
      let begun = 0
      const note = () => {
        begun += 1
      }
      diagnostics.subscribe("worker_threads", note)
      yield* Effect.addFinalizer(() => Effect.sync(() => diagnostics.unsubscribe("worker_threads", note)))
      const { matching } = yield* BodyPattern.make
      const texts = Array.from({ length: 50 }, (_, index) => `text ${index}`)
      const found = yield* Effect.forEach(texts, (_, index) => matching(`^text ${index}\\b`, texts), {
        concurrency: 20
      })

      assert.deepStrictEqual(found, texts.map((_, index) => [index]))
      assert.isTrue(begun === 1 || begun === 2, `${begun} threads`)
    }).pipe(Effect.scoped))

  it.live("may be given up while they match", () =>
    Effect.gen(function*() {
      const { matches } = yield* BodyPattern.make
      for (let turn = 0; turn < 3; turn++) {
        yield* Effect.timeoutOption(matches("(a+)+\\1$", unlucky), "20 millis")
      }

      assert.isTrue(yield* matches("b$|c$", unlucky))
    }).pipe(Effect.scoped))
})
