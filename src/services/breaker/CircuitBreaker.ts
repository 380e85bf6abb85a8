/**
 * Effect's keyed `CircuitBreaker` with what an operator of many unequal dependencies misses in it: failure classes with
 * their own thresholds, several half-open probes, circuits forced open or closed by hand, and events that say why.
 *
 * It is Effect's breaker on a store of ours (`domain/breaker/Circuit`): admission, classification, interruption and the
 * open duration are Effect's, the state machine is ours. The class of a failure travels from the call to the store in
 * the call's context. State lives in this process and in this value, one circuit per key.
 */
import { type Cause, Clock, Context, Duration, Effect, Exit, PubSub, type Schedule, type Scope, Stream } from "effect"
import { CircuitBreaker as Effects } from "effect/persistence"
import * as Circuit from "../../domain/breaker/Circuit.ts"
import * as Monotonic from "../clock/Monotonic.ts"

export interface CircuitBreakerOptions<Class extends string> {
  /** For each class, how many failures since the last success open the circuit. */
  readonly thresholds: Readonly<Record<Class, number>>
  /** A `Schedule` lengthens the openings of a dependency that flaps; cap it. */
  readonly openDuration: Duration.Input | Schedule.Schedule<unknown, number>
  /** Calls that try a dependency after its open time; all have to succeed. Default 1. */
  readonly probes?: number
  /** Circuits kept; one more forgets one without failures, else the oldest. Default 10,000. */
  readonly keysMax?: number
}

/** A change of state. `because` is a failure class when a failure opened the circuit. */
export interface CircuitEvent {
  readonly key: string
  readonly from: Circuit.CircuitState
  readonly to: Circuit.CircuitState
  readonly because: string
  readonly atMillis: number
}

export interface CircuitBreaker<Class extends string> {
  /** Runs the call if its circuit lets it; `classify` says what a failure means. An interrupted call means nothing. */
  readonly execute: <A, E, R>(
    self: Effect.Effect<A, E, R>,
    options: {
      readonly key: string
      readonly classify: (cause: Cause.Cause<E>) => Class | "success" | "ignored"
    }
  ) => Effect.Effect<A, E | Effects.CircuitBreakerError, R>
  readonly state: (key: string) => Effect.Effect<Circuit.CircuitState>
  /** By hand: `open` refuses every call, `closed` lets every call pass, until `auto`. */
  readonly force: (key: string, to: Circuit.Force) => Effect.Effect<void>
  /** Each change of state once, from now on; a subscriber more than 1,024 events behind loses the oldest. */
  readonly events: Stream.Stream<CircuitEvent>
}

/** The class that the running call's failure was given. */
const CallClass = Context.Reference<{ failureClass: string | undefined }>(
  "serviceradar/services/breaker/CircuitBreaker/CallClass",
  { defaultValue: () => ({ failureClass: undefined }) }
)

/** Never consulted: our store decides by class. */
const unusedPolicy = Effects.consecutive(1)

export const make = Effect.fnUntraced(function*<const Class extends string>(
  options: CircuitBreakerOptions<Class>
): Effect.fn.Return<CircuitBreaker<Class>, never, Scope.Scope> {
  const policy = { thresholds: options.thresholds, probes: options.probes ?? 1 }
  const events = yield* Effect.acquireRelease(PubSub.sliding<CircuitEvent>(1024), PubSub.shutdown)
  const circuits = new Circuits(policy, options.keysMax ?? 10_000, events, yield* Clock.Clock)
  const breaker = yield* Effects.make({ tripPolicy: unusedPolicy, openDuration: options.openDuration }).pipe(
    Effect.provideService(Effects.CircuitBreakerStore, circuits.store)
  )
  return {
    execute: (self, { key, classify }) =>
      Effect.suspend(() => {
        const call: { failureClass: string | undefined } = { failureClass: undefined }
        return breaker.execute(self, {
          key,
          classify: (exit) => {
            const found = Exit.isSuccess(exit) ? "success" : classify(exit.cause)
            if (found === "success") return Effects.success
            if (found === "ignored") return Effects.ignored
            call.failureClass = found
            return Effects.failure()
          }
        }).pipe(Effect.provideService(CallClass, call))
      }),
    state: (key) => Effect.sync(() => circuits.get(key).state),
    force: (key, to) => Effect.sync(() => circuits.force(key, to)),
    events: Stream.fromPubSub(events)
  }
})

class Circuits {
  readonly #circuits = new Map<string, Circuit.Circuit>()
  readonly #policy: Circuit.CircuitPolicy
  readonly #keysMax: number
  readonly #events: PubSub.PubSub<CircuitEvent>
  readonly #clock: Clock.Clock
  #lastGeneration = 0
  readonly store: Effects.CircuitBreakerStore["Service"]

  constructor(
    policy: Circuit.CircuitPolicy,
    keysMax: number,
    events: PubSub.PubSub<CircuitEvent>,
    clock: Clock.Clock
  ) {
    this.#clock = clock
    this.#policy = policy
    this.#keysMax = keysMax
    this.#events = events
    this.store = {
      admit: (key) => Effect.flatMap(Monotonic.millis, (now) => this.#admit(key, now)),
      record: (call) => Effect.flatMap(CallClass, ({ failureClass }) => this.#record(call, failureClass)),
      state: (key) => Effect.succeed({ _tag: "Closed", key })
    }
  }

  /** A circuit that was never heard of begins after every generation there was, so late outcomes cannot meet it. */
  get(key: string): Circuit.Circuit {
    return this.#circuits.get(key) ?? { ...Circuit.initial, generation: this.#lastGeneration + 1 }
  }

  force(key: string, to: Circuit.Force): void {
    const circuit = this.get(key)
    this.#set(key, circuit, Circuit.force(circuit, to), "forced")
  }

  #admit(key: string, nowMillis: number): Effect.Effect<Effects.Admission, Effects.CircuitBreakerError> {
    const before = this.get(key)
    const admitted = Circuit.admit(before, this.#policy, nowMillis)
    if (admitted._tag === "open") {
      const retryAfter = Duration.millis(admitted.retryAfterMillis)
      return Effect.fail(new Effects.CircuitBreakerError({ reason: new Effects.CircuitOpen({ key, retryAfter }) }))
    }
    if (admitted._tag === "half_open") {
      return Effect.fail(new Effects.CircuitBreakerError({ reason: new Effects.CircuitHalfOpen({ key }) }))
    }
    const { circuit, isProbe } = admitted
    this.#set(key, before, circuit, "open time passed")
    return Effect.succeed({
      generation: circuit.generation,
      probe: isProbe,
      consecutiveOpenings: circuit.openings,
      transition: undefined
    })
  }

  #record(
    call: Parameters<Effects.CircuitBreakerStore["Service"]["record"]>[0],
    failureClass: string | undefined
  ): Effect.Effect<undefined> {
    return Effect.map(Monotonic.millis, (now) => {
      const before = this.get(call.key)
      const outcome = outcomeOf(call.outcome, failureClass)
      const { generation, openFor } = call
      const after = Circuit.record(
        before,
        this.#policy,
        { generation, outcome, openForMillis: Duration.toMillis(openFor) },
        now
      )
      this.#set(call.key, before, after, outcome._tag === "failure" ? outcome.failureClass : "probes succeeded")
      return undefined
    })
  }

  #set(key: string, before: Circuit.Circuit, after: Circuit.Circuit, because: string): void {
    if (!this.#circuits.has(key)) this.#makeRoom()
    this.#circuits.set(key, after)
    this.#lastGeneration = Math.max(this.#lastGeneration, after.generation)
    if (before.state === after.state) return
    const atMillis = this.#clock.currentTimeMillisUnsafe()
    PubSub.publishUnsafe(this.#events, { key, from: before.state, to: after.state, because, atMillis })
  }

  #makeRoom(): void {
    if (this.#circuits.size < this.#keysMax) return
    let oldest: string | undefined
    for (const [key, { state, failures }] of this.#circuits) {
      oldest ??= key
      if (state !== "closed" || Object.keys(failures).length > 0) continue
      this.#circuits.delete(key)
      return
    }
    if (oldest !== undefined) this.#circuits.delete(oldest)
  }
}

const outcomeOf = (
  outcome: "Success" | "Failure" | "Ignored",
  failureClass: string | undefined
): Circuit.CallOutcome => {
  if (outcome === "Success") return { _tag: "success" }
  return outcome === "Failure" && failureClass !== undefined ? { _tag: "failure", failureClass } : { _tag: "ignored" }
}
