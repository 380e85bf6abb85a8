import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Screen from "../../../src/layers/terminal/Screen.ts"

const terminal = (columns: number, rows: number) => {
  const written: Array<string> = []
  return { columns, rows, written, write: (text: string) => void written.push(text) }
}

describe("Screen", () => {
  it.effect("hides the cursor while it draws and shows it again when interrupted", () =>
    Effect.gen(function*() {
      const output = terminal(80, 24)

      yield* Effect.scoped(Effect.gen(function*() {
        const screen = yield* Screen.make(output)
        yield* screen.draw(["a"])
        return yield* Effect.interrupt
      })).pipe(Effect.exit)

      assert.strictEqual(output.written.at(0), "\u001b[?25l")
      assert.strictEqual(output.written.at(-1), "\u001b[?25h")
    }))

  it.effect("draws no more lines than fit, and starts afresh on a narrower terminal", () =>
    Effect.scoped(Effect.gen(function*() {
      const output = terminal(80, 3)
      const screen = yield* Screen.make(output)

      yield* screen.draw(["a", "b", "c"])
      output.columns = 40
      yield* screen.draw(["a"])

      assert.deepStrictEqual(output.written.slice(1), [
        Screen.frame(["a", "b"], 0),
        `\u001b[2J\u001b[H${Screen.frame(["a"], 0)}`
      ])
    })))
})
