/**
 * Places of those whose queries are answered: only so many at once, so that queries leave the machine to others, and one place
 * less for a single asker, so that nobody has all. Who finds none waits, if not too many do, and not for long.
 */
import { Duration, Effect, RcMap, type Scope, Semaphore } from "effect"
import { QueryError, TooManyQuestions } from "../../services/queries/Queries.ts"

export interface PlaceLimits {
  /** More have to wait; default 4. */
  readonly atOnce?: number
  /** Default one less than `atOnce`, and at least one. */
  readonly atOnceOfOne?: number
  /** How long they wait before they are refused; default 10. */
  readonly patienceSeconds?: number
  /** Who comes when so many wait is refused; default 100. */
  readonly waitingMax?: number
}

export interface Places {
  /** Until the scope closes. */
  readonly take: (asker: string) => Effect.Effect<void, QueryError, Scope.Scope>
  /** How many have one. */
  readonly taken: () => number
}

const taken = (places: Semaphore.Semaphore) =>
  Effect.acquireRelease(places.take(1), () => places.release(1), { interruptible: true })

export const make = Effect.fnUntraced(function*(limits: PlaceLimits): Effect.fn.Return<Places, never, Scope.Scope> {
  const { atOnce = 4, patienceSeconds = 10, waitingMax = 100 } = limits
  const atOnceOfOne = Math.min(atOnce, limits.atOnceOfOne ?? Math.max(1, atOnce - 1))
  const places = yield* Semaphore.make(atOnce)
  const askers = yield* RcMap.make({ lookup: (_: string) => Semaphore.make(atOnceOfOne) })
  let waiting = 0
  let inUse = 0

  const full = Effect.suspend(() => Effect.fail(new QueryError({ reason: new TooManyQuestions({ atOnce }) })))

  const place = Effect.fnUntraced(function*(asker: string) {
    // One's own first: who waits for that takes no place from others.
    yield* taken(yield* RcMap.get(askers, asker))
    yield* taken(places)
  })

  const counted = Effect.acquireRelease(
    Effect.sync(() => inUse += 1),
    () => Effect.sync(() => inUse -= 1)
  )

  return {
    taken: () => inUse,
    take: (asker) =>
      Effect.suspend(() => {
        if (waiting >= waitingMax) return full
        waiting += 1
        return place(asker).pipe(
          Effect.timeoutOrElse({ duration: Duration.seconds(patienceSeconds), orElse: () => full }),
          Effect.ensuring(Effect.sync(() => waiting -= 1)),
          Effect.andThen(Effect.asVoid(counted))
        )
      })
  }
})
