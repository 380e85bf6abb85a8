/**
 * Matches an operator's regular expression against text from elsewhere, within a time limit.
 *
 * JavaScript's matcher can take for ever on an unlucky pair (`(a+)+$`), and would stop every other check with it. So it is asked in a
 * thread, of which there are two at most while somebody asks; they are kept, because a thread takes a hundred times as long to begin
 * as to match. Expressions that are only the text they look for are matched here.
 */
import { Effect, Pool, type Scope } from "effect"
import * as LiteralPattern from "../../../domain/monitoring/checks/LiteralPattern.ts"
import * as MatchThread from "./MatchThread.ts"

const threadsMax = 2
const idle = "60 seconds"

export interface BodyPattern {
  /** Fails with the reason when the expression takes too long for this body. */
  readonly matches: (pattern: string, body: string) => Effect.Effect<boolean, string>
  /** Those of the texts that match, by their places. */
  readonly matching: (pattern: string, texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<number>, string>
}

const places = (pattern: LiteralPattern.LiteralPattern, texts: ReadonlyArray<string>): ReadonlyArray<number> =>
  texts.flatMap((text, place) => LiteralPattern.matches(pattern, text) ? [place] : [])

/** Its threads end with the scope. */
export const make: Effect.Effect<BodyPattern, never, Scope.Scope> = Effect.gen(function*() {
  const threads = yield* Pool.makeWithTTL({ acquire: MatchThread.make, min: 0, max: threadsMax, timeToLive: idle })
  const matching: BodyPattern["matching"] = (pattern, texts) =>
    Effect.suspend(() => {
      const literal = LiteralPattern.of(pattern)
      if (literal !== undefined) return Effect.succeed(places(literal, texts))
      return Pool.use(threads, (thread) =>
        // Whoever is not waited for may match for ever.
        Effect.onError(thread.matching(pattern, texts), () => Pool.invalidate(threads, thread)))
    })
  return { matching, matches: (pattern, body) => Effect.map(matching(pattern, [body]), (found) => found.length > 0) }
})
