/**
 * Fibers that end with a scope, as in a FiberSet; in a Ring, since fibers come and go with every call, and what a fiber knows
 * is the most that a call leaves behind.
 *
 * How one ends is for whoever has started it.
 */
import { type Context, Effect, Fiber, type Scope } from "effect"
import { Ring } from "../../domain/churn/Ring.ts"

export class FiberRing<R> {
  readonly #fork: <A, E>(effect: Effect.Effect<A, E, R>) => Fiber.Fiber<A, E>
  readonly #running = new Ring<Fiber.Fiber<unknown, unknown>>()
  #isClosed = false

  constructor(context: Context.Context<R>) {
    this.#fork = Effect.runForkWith(context)
  }

  /** After the end of the scope nothing runs any more. */
  readonly run = <A, E>(effect: Effect.Effect<A, E, R>): Fiber.Fiber<A, E> => {
    if (this.#isClosed) return this.#fork(Effect.interrupt)
    const fiber = this.#fork(effect)
    const member = this.#running.add(fiber)
    fiber.addObserver(() => this.#running.delete(member))
    return fiber
  }

  /** Interrupts those that run, and waits for their end. */
  get clear(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const running: Array<Fiber.Fiber<unknown, unknown>> = []
      for (let one = this.#running.first; one !== undefined; one = one.after) running.push(one.value)
      return Fiber.interruptAll(running)
    })
  }

  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#isClosed = true
      return this.clear
    })
  }
}

export const make = <R = never>(): Effect.Effect<FiberRing<R>, never, R | Scope.Scope> =>
  Effect.acquireRelease(Effect.map(Effect.context<R>(), (context) => new FiberRing(context)), (ring) => ring.close)
