/**
 * Places of those whose queries are answered: only so many at once, so that queries leave the machine to others, and one place
 * less for a single asker, so that nobody has all. Who finds none waits, if not too many do, and not for long.
 */
import { Deferred, Duration, Effect, Exit, type Scope } from "effect"
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

interface Waiter {
  readonly asker: string
  readonly turn: Deferred.Deferred<void>
  isServed: boolean
}

export const make = (
  { atOnce = 4, atOnceOfOne = Math.max(1, atOnce - 1), patienceSeconds = 10, waitingMax = 100 }: PlaceLimits
): Places => {
  const waiting = new Set<Waiter>()
  const askers = new Map<string, number>()
  let inUse = 0

  const isFree = (asker: string): boolean => inUse < atOnce && (askers.get(asker) ?? 0) < atOnceOfOne

  const occupy = (asker: string) => {
    inUse += 1
    askers.set(asker, (askers.get(asker) ?? 0) + 1)
  }

  const leave = (asker: string) => {
    inUse -= 1
    const left = (askers.get(asker) ?? 1) - 1
    if (left === 0) askers.delete(asker)
    else askers.set(asker, left)
    // The longest waiting of those who may have it.
    for (const waiter of waiting) {
      if (!isFree(waiter.asker)) continue
      waiting.delete(waiter)
      waiter.isServed = true
      occupy(waiter.asker)
      Deferred.doneUnsafe(waiter.turn, Exit.void)
    }
  }

  const full = Effect.suspend(() => Effect.fail(new QueryError({ reason: new TooManyQuestions({ atOnce }) })))

  const wait = (asker: string) => {
    const waiter: Waiter = { asker, turn: Deferred.makeUnsafe(), isServed: false }
    waiting.add(waiter)
    return Deferred.await(waiter.turn).pipe(
      Effect.timeoutOrElse({ duration: Duration.seconds(patienceSeconds), orElse: () => full }),
      Effect.onExit((exit) =>
        Effect.sync(() => {
          waiting.delete(waiter)
          // Its turn came when it had left.
          if (Exit.isFailure(exit) && waiter.isServed) leave(asker)
        })
      )
    )
  }

  return {
    taken: () => inUse,
    take: (asker) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          if (isFree(asker)) return Effect.sync(() => occupy(asker))
          return waiting.size < waitingMax ? wait(asker) : full
        }),
        () => Effect.sync(() => leave(asker)),
        { interruptible: true }
      )
  }
}
