/**
 * Effect's keyed `CircuitBreaker` with what an operator of many unequal dependencies misses in it: failure classes with
 * their own thresholds, rates of failed and of slow calls, several half-open probes with a limit of time, circuits forced
 * open or closed by hand, and events that say why.
 *
 * It is Effect's breaker on a store of ours (`domain/breaker/Circuit`): admission, classification, interruption and the
 * open duration are Effect's, the state machine is ours. The class of a failure travels from the call to the store in
 * the call's context. State lives in this process and in this value, one circuit per key.
 */
import { Cause, Clock, type Context, Effect, Exit, Layer, Scope, type Stream } from "effect"
import { CircuitBreaker as Effects } from "effect/persistence"
import type * as Circuit from "../../domain/breaker/Circuit.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import { type CircuitBreakerOptions, type InvalidBreakerOptions, policyOf, problems } from "./BreakerOptions.ts"
import { type CircuitEvent, CircuitEvents, type CircuitListener } from "./internal/CircuitEvents.ts"
import { CallNotes, Circuits } from "./internal/Circuits.ts"

export type { CircuitState, Force } from "../../domain/breaker/Circuit.ts"
/** Why a call was not made: its circuit is open, or half-open with all probes under way. */
export { CircuitBreakerError, CircuitHalfOpen, CircuitOpen } from "effect/persistence/CircuitBreaker"
export { InvalidBreakerOptions } from "./BreakerOptions.ts"
export type { CircuitBreakerOptions, RateWindow } from "./BreakerOptions.ts"
export type { CircuitEvent, CircuitListener } from "./internal/CircuitEvents.ts"

export interface ExecuteOptions<Class extends string, E> {
  readonly key: string
  readonly classify: (cause: Cause.Cause<E>) => Class | "success" | "ignored"
}

export interface CircuitBreaker<Class extends string> {
  /** Runs the call if its circuit lets it; `classify` says what a failure means. An interrupted call means nothing. */
  readonly execute: <A, E, R>(
    self: Effect.Effect<A, E, R>,
    options: ExecuteOptions<Class, E>
  ) => Effect.Effect<A, E | Effects.CircuitBreakerError, R>
  readonly state: (key: string) => Effect.Effect<Circuit.CircuitState>
  /** Whether a call that succeeds now changes nothing, and need not go through `execute`. */
  readonly isCalm: (key: string) => boolean
  /** Grows with each change of the circuit's state. */
  readonly generation: (key: string) => number
  /** By hand: `open` refuses every call, `closed` lets every call pass, until `auto`. */
  readonly force: (key: string, to: Circuit.Force) => Effect.Effect<void>
  /** The same at once, at this time of day. */
  readonly forceAt: (unixMillis: number, key: string, to: Circuit.Force) => void
  /** Each change of state once, from now on; a subscriber more than `eventsMax` events behind loses the oldest. */
  readonly events: Stream.Stream<CircuitEvent>
  /** The same, at once; answers how to stop listening. */
  readonly watch: (listener: CircuitListener) => () => void
}

/** Never consulted: our store decides by class. */
const unusedPolicy = Effects.consecutive(1)

class Breaker<Class extends string> implements CircuitBreaker<Class> {
  readonly #events = new CircuitEvents()
  readonly #circuits: Circuits
  readonly #options: CircuitBreakerOptions<Class>
  readonly #scope: Scope.Scope
  /** Made for the first call that it has a say in. */
  #effects: Effects.CircuitBreaker | undefined = undefined

  constructor(options: CircuitBreakerOptions<Class>, scope: Scope.Scope) {
    this.#circuits = new Circuits(policyOf(options), options.keysMax ?? 10_000, this.#events)
    this.#options = options
    this.#scope = scope
  }

  get events(): Stream.Stream<CircuitEvent> {
    return this.#events.stream(this.#options.eventsMax ?? 1_024)
  }

  watch(listener: CircuitListener): () => void {
    return this.#events.watch(listener)
  }

  state(key: string): Effect.Effect<Circuit.CircuitState> {
    return Effect.sync(() => this.#circuits.get(key).state)
  }

  isCalm(key: string): boolean {
    return this.#circuits.isCalm(this.#circuits.get(key))
  }

  generation(key: string): number {
    return this.#circuits.get(key).generation
  }

  force(key: string, to: Circuit.Force): Effect.Effect<void> {
    return Effect.map(Clock.currentTimeMillis, (now) => this.forceAt(now, key, to))
  }

  forceAt(unixMillis: number, key: string, to: Circuit.Force): void {
    this.#circuits.force(key, to, unixMillis)
  }

  /** Where a success changes nothing, only a failure is taken through the breaker, unless the circuit changed meanwhile. */
  execute<A, E, R>(
    self: Effect.Effect<A, E, R>,
    options: ExecuteOptions<Class, E>
  ): Effect.Effect<A, E | Effects.CircuitBreakerError, R> {
    return Effect.suspend(() => {
      const before = this.#circuits.get(options.key)
      if (!this.#circuits.isCalm(before)) return this.#admitted(self, options)
      return Effect.catchCause(self, (cause) => {
        const isSame = this.#circuits.get(options.key).generation === before.generation
        const failed = Effect.failCause(cause)
        return isSame && !Cause.hasInterrupts(cause) ? this.#admitted(failed, options) : failed
      })
    })
  }

  #breaker(): Effect.Effect<Effects.CircuitBreaker> {
    if (this.#effects !== undefined) return Effect.succeed(this.#effects)
    const { openDuration } = this.#options
    return Effects.make({ tripPolicy: unusedPolicy, openDuration }).pipe(
      Effect.provideService(Effects.CircuitBreakerStore, this.#circuits.store()),
      Scope.provide(this.#scope),
      Effect.tap((made) =>
        Effect.sync(() => {
          this.#effects = made
        })
      )
    )
  }

  #admitted<A, E, R>(
    self: Effect.Effect<A, E, R>,
    { classify, key }: ExecuteOptions<Class, E>
  ): Effect.Effect<A, E | Effects.CircuitBreakerError, R> {
    // A window can be tripped by a success too, by a slow one above all; only for failures Effect tells how long to open.
    const counted = this.#options.window === undefined ? Effects.success : Effects.failure()
    return Effect.flatMap(Effect.zip(Monotonic.millis, this.#breaker()), ([startMillis, breaker]) => {
      const call: CallNotes = { found: undefined, startMillis }
      return breaker.execute(self, {
        key,
        classify: (exit) => {
          const found = Exit.isSuccess(exit) ? "success" : classify(exit.cause)
          if (found === "ignored") return Effects.ignored
          call.found = found
          return found === "success" ? counted : Effects.failure()
        }
      }).pipe(Effect.provideService(CallNotes, call))
    })
  }
}

export const make = Effect.fnUntraced(function*<const Class extends string>(
  options: CircuitBreakerOptions<Class>
): Effect.fn.Return<CircuitBreaker<Class>, InvalidBreakerOptions, Scope.Scope> {
  const [problem] = problems(options)
  if (problem !== undefined) return yield* problem
  return new Breaker(options, yield* Effect.scope)
})

/**
 * A breaker as a service of yours, one for all who ask for it:
 *
 *   class Breakers extends Context.Service<Breakers, CircuitBreaker<"refused" | "slow">>()("app/Breakers") {}
 *   const live = CircuitBreaker.layer(Breakers, { thresholds: { refused: 2, slow: 10 }, openDuration: "30 seconds" })
 */
export const layer = <Self, const Class extends string>(
  service: Context.Service<Self, CircuitBreaker<Class>>,
  options: CircuitBreakerOptions<Class>
): Layer.Layer<Self, InvalidBreakerOptions> => Layer.effect(service, make(options))
