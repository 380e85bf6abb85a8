import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { type Cause, Effect, Layer, Option, Queue, Terminal } from "effect"
import * as Confirmation from "../../../src/programs/dlq/Confirmation.ts"

/** A terminal on which somebody presses these keys. */
const terminal = (...keys: ReadonlyArray<string>) =>
  Layer.merge(
    NodeServices.layer,
    Layer.effect(
      Terminal.Terminal,
      Effect.gen(function*() {
        const shown: Array<string> = []
        const input = yield* Queue.unbounded<Terminal.UserInput, Cause.Done>()
        for (const key of keys) {
          Queue.offerUnsafe(input, {
            input: Option.some(key),
            key: { name: key, ctrl: false, meta: false, shift: false }
          })
        }
        Queue.endUnsafe(input)
        return Terminal.make({
          columns: Effect.succeed(80),
          rows: Effect.succeed(24),
          size: Queue.sliding<Terminal.Size, Cause.Done>(1),
          readInput: Effect.succeed(input),
          readLine: Effect.succeed(""),
          display: (text) => Effect.sync(() => void shown.push(text))
        })
      })
    )
  )

const ask = (options: { readonly yes: boolean; readonly isTerminal: boolean }) =>
  Confirmation.confirm("Drop 3 dead letters?", options)

describe("Confirmation", () => {
  it.effect("asks nobody when yes was said before", () =>
    Effect.gen(function*() {
      assert.isTrue(yield* ask({ yes: true, isTerminal: false }))
    }).pipe(Effect.provide(terminal())))

  it.effect("fails where nobody can be asked, and says how to go on", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(ask({ yes: false, isTerminal: false }))

      assert.strictEqual(error.message, "Drop 3 dead letters? There is no terminal to ask on: say --yes")
    }).pipe(Effect.provide(terminal())))

  it.effect("takes a y for yes", () =>
    Effect.gen(function*() {
      assert.isTrue(yield* ask({ yes: false, isTerminal: true }))
    }).pipe(Effect.provide(terminal("y"))))

  it.effect("takes an n, and leaving, for no", () =>
    Effect.gen(function*() {
      const no = yield* ask({ yes: false, isTerminal: true }).pipe(Effect.provide(terminal("n")))
      const left = yield* ask({ yes: false, isTerminal: true }).pipe(Effect.provide(terminal()))

      assert.deepStrictEqual([no, left], [false, false])
    }))
})
