/**
 * Places of those whose queries are answered: only so many at once, so that queries leave the machine to others, and one place
 * less for a single asker, so that nobody has all. Who finds none waits, if not too many do, and not for long; askers take turns.
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
  /** Until the scope closes. From then on no more than `most` have one, whoever had one before. */
  readonly take: (asker: string, most?: number) => Effect.Effect<void, QueryError, Scope.Scope>
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
  /** Whose turn it was, the latest last. */
  const turns = new Set<string>()
  let inUse = 0
  let most = atOnce

  const isFree = (asker: string): boolean =>
    inUse < most && (askers.get(asker) ?? 0) < Math.min(atOnceOfOne, Math.max(1, most - 1))

  const occupy = (asker: string) => {
    turns.delete(asker)
    turns.add(asker)
    inUse += 1
    askers.set(asker, (askers.get(asker) ?? 0) + 1)
  }

  const isWaiting = (asker: string): boolean => [...waiting].some((waiter) => waiter.asker === asker)

  /** The longest waiting of those who may have a place, of the asker whose turn was the longest ago. */
  const nextWaiter = (): Waiter | undefined => {
    const free = [...waiting].filter(({ asker }) => isFree(asker))
    const rank = new Map([...turns].map((asker, at) => [asker, at]))
    return free.sort((one, other) => (rank.get(one.asker) ?? -1) - (rank.get(other.asker) ?? -1))[0]
  }

  const leave = (asker: string) => {
    inUse -= 1
    const left = (askers.get(asker) ?? 1) - 1
    if (left === 0) askers.delete(asker)
    else askers.set(asker, left)
    for (let next = nextWaiter(); next !== undefined; next = nextWaiter()) {
      waiting.delete(next)
      next.isServed = true
      occupy(next.asker)
      Deferred.doneUnsafe(next.turn, Exit.void)
    }
    for (const one of turns) if (!askers.has(one) && !isWaiting(one)) turns.delete(one)
  }

  const full = Effect.suspend(() => Effect.fail(new QueryError({ reason: new TooManyQuestions({ atOnce: most }) })))

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
    take: (asker, limit = atOnce) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          most = limit
          if (isFree(asker)) return Effect.sync(() => occupy(asker))
          return waiting.size < waitingMax ? wait(asker) : full
        }),
        () => Effect.sync(() => leave(asker)),
        { interruptible: true }
      )
  }
}
