import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import * as DeadLetterChange from "../../../src/programs/dlq/DeadLetterChange.ts"
import { DeadLetterError, DeadLetters } from "../../../src/services/events/DeadLetters.ts"

const failure = (detail: string, isMissing: boolean) =>
  Effect.fail(new DeadLetterError({ operation: "drop", detail, isMissing }))

/** Dead letters that can be dropped, or not. */
const letters = (drop: (id: string) => Effect.Effect<void, DeadLetterError>) =>
  Layer.succeed(DeadLetters, {
    add: () => Effect.void,
    list: () => Stream.empty,
    get: () => failure("not asked for", true),
    replay: () => failure("not asked for", true),
    drop,
    counts: Effect.succeed(new Map())
  })

const ids = (count: number) => Array.from({ length: count }, (_, at) => `id-${at}`)

describe("DeadLetterChange", () => {
  it.effect("does what it can and says what failed", () =>
    Effect.gen(function*() {
      const told: Array<string> = []

      const changed = yield* DeadLetterChange.change(DeadLetterChange.drop, ids(5), {
        onEach: ({ error, id }) => Effect.sync(() => void told.push(`${id} ${error}`))
      })

      assert.deepStrictEqual(changed, {
        done: 3,
        failed: [
          { id: "id-1", error: "there is no such dead letter" },
          { id: "id-3", error: "Dead letters, drop: no answer" }
        ],
        untouched: 0
      })
      assert.deepStrictEqual(told.toSorted(), [
        "id-0 ",
        "id-1 there is no such dead letter",
        "id-2 ",
        "id-3 Dead letters, drop: no answer",
        "id-4 "
      ])
    }).pipe(
      Effect.provide(letters((id) => {
        if (id === "id-1") return failure("gone", true)
        return id === "id-3" ? failure("no answer", false) : Effect.void
      }))
    ))

  it.effect("leaves the rest alone when the server seems gone, but not when letters are", () =>
    Effect.gen(function*() {
      const change = DeadLetterChange.change(DeadLetterChange.drop, ids(1_000), { onEach: () => Effect.void })

      const away = yield* change.pipe(Effect.provide(letters(() => failure("no answer", false))))
      const missing = yield* change.pipe(Effect.provide(letters(() => failure("gone", true))))

      assert.strictEqual(away.done, 0)
      assert.isBelow(away.failed.length, 100)
      assert.strictEqual(away.failed.length + away.untouched, 1_000)
      assert.deepStrictEqual([missing.failed.length, missing.untouched], [1_000, 0])
    }))
})
