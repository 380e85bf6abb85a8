/**
 * The clock of a process: the world's time, as its host's clock shows it.
 *
 * The time of day may be stepped and the oscillator may run fast or slow. A monotonic reading never goes back, and timers
 * count on it: a step of the time of day moves none of them.
 */
import { type Clock, Duration, Effect } from "effect"
import type { Appointment } from "../../domain/simulation/Agenda.ts"
import type { Machine } from "./WorldParts.ts"

/** The process whose clock it is. */
interface Owner {
  readonly host: Machine
  readonly later: (millis: number, act: () => void) => Appointment
}

export class HostClock implements Clock.Clock {
  readonly #process: Owner
  readonly currentTimeMillis: Effect.Effect<number>
  readonly currentTimeNanos: Effect.Effect<bigint>
  readonly monotonicTimeNanos: Effect.Effect<bigint>

  constructor(process: Owner) {
    this.#process = process
    this.currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
    this.currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
    this.monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())
  }

  currentTimeMillisUnsafe(): number {
    return Math.floor(this.#process.host.wallMicros / 1_000)
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(Math.floor(this.#process.host.wallMicros)) * 1_000n
  }

  monotonicTimeNanosUnsafe(): bigint {
    return BigInt(Math.floor(this.#process.host.monotonicMicros)) * 1_000n
  }

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback<void>((resume) => {
      const timer = this.#process.later(millis, () => resume(Effect.void))
      return Effect.sync(timer.cancel)
    })
  }
}
