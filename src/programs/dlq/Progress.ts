/** A line on a terminal's stderr that counts up; nothing off one, where the result is what matters. */
import { Clock, Effect, Option, type Scope } from "effect"
import * as Screen from "../../layers/terminal/Screen.ts"

/** Fewer are done before one could read it. */
const countMin = 50

const intervalMillis = 100

export interface Progress {
  readonly advance: Effect.Effect<void>
}

const silent: Progress = { advance: Effect.void }

export const make = Effect.fnUntraced(function*(
  verb: string,
  total: number,
  output: Screen.TerminalOutput & { readonly isTTY?: boolean }
): Effect.fn.Return<Progress, never, Scope.Scope> {
  if (output.isTTY !== true || total < countMin) return silent
  const screen = yield* Screen.make(output)
  let count = 0
  let drawnAt = Option.none<number>()
  return {
    advance: Effect.gen(function*() {
      count += 1
      const now = yield* Clock.currentTimeMillis
      const isDue = Option.isNone(drawnAt) || now - drawnAt.value >= intervalMillis || count === total
      if (!isDue) return
      drawnAt = Option.some(now)
      yield* screen.draw([`${verb} ${count.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}`])
    })
  }
})
