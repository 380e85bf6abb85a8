/**
 * Turns of queries that keep a core busy: so few at once that one is left to reports. While reports go before them, each is followed
 * by a rest, so that most of the time none runs, whoever the server's processes belong to. A rest ends when nothing has to be let by.
 */
import { Clock, Duration, Effect, Schedule, type Scope } from "effect"
import { QueryError, TooManyQuestions } from "../../services/queries/Queries.ts"
import * as QueryPlaces from "./QueryPlaces.ts"

/** As long as the query took, so many times; but no longer than that. */
const restFactor = 9
const restMillisMax = 30_000
/** How often whoever rests looks whether he has to. */
const lookEvery = Duration.millis(200)

export interface CostlyTurns {
  /** Until the scope closes. */
  readonly take: (asker: string) => Effect.Effect<void, QueryError, Scope.Scope>
  /** Around what is costly and cannot wait for a turn: the next ones rest after it all the same. */
  readonly around: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** How many have one. */
  readonly taken: () => number
}

export const make = (
  { atOnce, patienceSeconds = 10, ...limits }: QueryPlaces.PlaceLimits & { readonly atOnce: number },
  isPressed: Effect.Effect<boolean>
): CostlyTurns => {
  const places = QueryPlaces.make({ ...limits, patienceSeconds, atOnce, atOnceOfOne: atOnce })
  let restsUntilMillis = 0

  const mustRest = Effect.gen(function*() {
    return (yield* isPressed) && (yield* Clock.currentTimeMillis) < restsUntilMillis
  })

  const rested = Effect.sleep(lookEvery).pipe(
    Effect.andThen(mustRest),
    Effect.repeat({ while: (rests) => rests, schedule: Schedule.forever }),
    Effect.timeoutOrElse({
      duration: Duration.seconds(patienceSeconds),
      orElse: () => Effect.fail(new QueryError({ reason: new TooManyQuestions({ atOnce }) }))
    })
  )

  /** Many of them rest no longer than one. */
  const restAfter = (fromMillis: number) =>
    Effect.map(Clock.currentTimeMillis, (nowMillis) => {
      const rest = Math.min(restMillisMax, restFactor * (nowMillis - fromMillis))
      restsUntilMillis = Math.max(restsUntilMillis, nowMillis + rest)
    })
  const run = Effect.acquireRelease(Clock.currentTimeMillis, restAfter)

  return {
    around: (work) => Effect.acquireUseRelease(Clock.currentTimeMillis, () => work, restAfter),
    taken: places.taken,
    take: (asker) =>
      places.take(asker).pipe(
        Effect.andThen(Effect.flatMap(mustRest, (rests) => rests ? rested : Effect.void)),
        Effect.andThen(run),
        Effect.asVoid
      )
  }
}
