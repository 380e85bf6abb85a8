/**
 * The store behind Effect's breaker: one circuit per key, in this process. Each question and each record is one step, so
 * nothing comes between looking at a circuit and changing it.
 */
import { Clock, Context, Duration, Effect } from "effect"
import { CircuitBreaker as Effects } from "effect/persistence"
import * as Circuit from "../../../domain/breaker/Circuit.ts"
import * as Monotonic from "../../clock/Monotonic.ts"
import type { CircuitEvents } from "./CircuitEvents.ts"

/** What the running call came to, for the store. */
export interface CallNotes {
  /** `success` or the class of its failure; undefined until it has ended. */
  found: string | undefined
  readonly startMillis: number
}

export const CallNotes = Context.Reference<CallNotes>(
  "serviceradar/services/breaker/CircuitBreaker/CallNotes",
  { defaultValue: () => ({ found: undefined, startMillis: 0 }) }
)

/** Of the monotonic clock for the circuit, of the wall clock for who reads events. */
interface Now {
  readonly millis: number
  readonly unixMillis: number
}

const nowOf = Effect.map(Clock.Clock, (clock): Now => ({
  millis: Monotonic.millisOf(clock),
  unixMillis: clock.currentTimeMillisUnsafe()
}))

export class Circuits {
  readonly #circuits = new Map<string, Circuit.Circuit>()
  readonly #policy: Circuit.CircuitPolicy
  readonly #keysMax: number
  readonly #events: CircuitEvents
  #lastGeneration = 0

  constructor(policy: Circuit.CircuitPolicy, keysMax: number, events: CircuitEvents) {
    this.#policy = policy
    this.#keysMax = keysMax
    this.#events = events
  }

  /** For Effect's breaker, which keeps it. */
  store(): Effects.CircuitBreakerStore["Service"] {
    return {
      admit: (key) => Effect.flatMap(nowOf, (now) => this.#admit(key, now)),
      record: (call) => Effect.flatMap(CallNotes, (notes) => this.#record(call, notes)),
      state: (key) => Effect.succeed({ _tag: "Closed", key })
    }
  }

  /** A circuit that was never heard of begins after every generation there was, so late results cannot meet it. */
  get(key: string): Circuit.Circuit {
    return this.#circuits.get(key) ?? { ...Circuit.initial, generation: this.#lastGeneration + 1 }
  }

  /** Whether a call that succeeds now changes nothing: the circuit is closed, and no failure or share is counted in it. */
  isCalm({ failures, openings, state }: Circuit.Circuit): boolean {
    return state === "closed" && openings === 0 && this.#policy.window === undefined &&
      hasNone(failures)
  }

  force(key: string, to: Circuit.Force, unixMillis: number): void {
    const circuit = this.get(key)
    this.#set(key, circuit, Circuit.force(circuit, to), "forced", unixMillis)
  }

  #admit(key: string, now: Now): Effect.Effect<Effects.Admission, Effects.CircuitBreakerError> {
    const before = this.get(key)
    const admitted = Circuit.admit(before, this.#policy, now.millis)
    if (admitted._tag === "open") {
      const retryAfter = Duration.millis(admitted.retryAfterMillis)
      return Effect.fail(new Effects.CircuitBreakerError({ reason: new Effects.CircuitOpen({ key, retryAfter }) }))
    }
    if (admitted._tag === "half_open") {
      return Effect.fail(new Effects.CircuitBreakerError({ reason: new Effects.CircuitHalfOpen({ key }) }))
    }
    const { circuit, isProbe } = admitted
    this.#set(key, before, circuit, "open time passed", now.unixMillis)
    return Effect.succeed({
      generation: circuit.generation,
      probe: isProbe,
      consecutiveOpenings: circuit.openings,
      transition: undefined
    })
  }

  #record(
    call: Parameters<Effects.CircuitBreakerStore["Service"]["record"]>[0],
    { found, startMillis }: CallNotes
  ): Effect.Effect<undefined> {
    return Effect.map(nowOf, (now) => {
      const before = this.get(call.key)
      const recorded: Circuit.RecordedCall = {
        generation: call.generation,
        result: resultOf(call.outcome, found),
        openForMillis: Duration.toMillis(call.openFor),
        durationMillis: now.millis - startMillis
      }
      const after = Circuit.record(before, this.#policy, recorded, now.millis)
      const because = after.state === before.state ? "" : Circuit.reasonOf(before, this.#policy, recorded, now.millis)
      this.#set(call.key, before, after, because, now.unixMillis)
      return undefined
    })
  }

  #set(key: string, before: Circuit.Circuit, after: Circuit.Circuit, because: string, atMillis: number): void {
    if (!this.#circuits.has(key)) this.#makeRoom()
    this.#circuits.set(key, after)
    this.#lastGeneration = Math.max(this.#lastGeneration, after.generation)
    if (before.state === after.state) return
    this.#events.publish({ key, from: before.state, to: after.state, because, atMillis })
  }

  /** What an operator forced is forgotten last: nobody but the operator would force it again. */
  #makeRoom(): void {
    if (this.#circuits.size < this.#keysMax) return
    let oldest: string | undefined
    let oldestForced: string | undefined
    for (const [key, { state, failures }] of this.#circuits) {
      if (state === "forced_open" || state === "forced_closed") {
        oldestForced ??= key
        continue
      }
      oldest ??= key
      if (state !== "closed" || Object.keys(failures).length > 0) continue
      this.#circuits.delete(key)
      return
    }
    const forgotten = oldest ?? oldestForced
    if (forgotten !== undefined) this.#circuits.delete(forgotten)
  }
}

const hasNone = (failures: Circuit.Circuit["failures"]): boolean => {
  for (const failureClass in failures) if (failures[failureClass] !== 0) return false
  return true
}

/** Effect's word says only whether the call counts, see `CircuitBreaker.make`. */
const resultOf = (counts: "Success" | "Failure" | "Ignored", found: string | undefined): Circuit.CallResult => {
  if (counts === "Ignored" || found === undefined) return { _tag: "ignored" }
  return found === "success" ? { _tag: "success" } : { _tag: "failure", failureClass: found }
}
