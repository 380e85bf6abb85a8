/**
 * Tells of what goes wrong again and again: at once, when it is another fault, and otherwise every ten minutes.
 */
import { Duration, Effect } from "effect"
import * as Monotonic from "../clock/Monotonic.ts"

const againMillis = Duration.toMillis(Duration.minutes(10))

export interface FaultLog {
  /** `fault` is what it is known by; the text may have numbers in it that change each time. */
  readonly tell: (of: string, fault: string, line: Effect.Effect<void>) => Effect.Effect<void>
  readonly over: (of: string) => Effect.Effect<void>
}

/** Remembers one fault of each thing: give it few. */
export const make = (): FaultLog => {
  const told = new Map<string, { readonly fault: string; readonly at: number }>()
  return {
    tell: Effect.fnUntraced(function*(of, fault, line) {
      const now = yield* Monotonic.millis
      const before = told.get(of)
      if (before !== undefined && before.fault === fault && now - before.at < againMillis) return
      told.set(of, { fault, at: now })
      yield* line
    }),
    over: (of) => Effect.sync(() => void told.delete(of))
  }
}
