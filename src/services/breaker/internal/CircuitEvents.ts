/** Tells of the changes of a breaker's circuits. There are thousands of breakers, so that one nobody listens to keeps nothing. */
import { Effect, Queue, Stream } from "effect"
import type * as Circuit from "../../../domain/breaker/Circuit.ts"

/**
 * A change of state. `because` is what opened the circuit (a failure class, `failure rate` or `slow calls`), or
 * `open time passed`, `probes succeeded`, `forced`.
 */
export interface CircuitEvent {
  readonly key: string
  readonly from: Circuit.CircuitState
  readonly to: Circuit.CircuitState
  readonly because: string
  /** Unix milliseconds. */
  readonly atMillis: number
}

export type CircuitListener = (event: CircuitEvent) => void

export class CircuitEvents {
  #listeners: Set<CircuitListener> | undefined = undefined

  publish(event: CircuitEvent): void {
    for (const listener of this.#listeners ?? []) listener(event)
  }

  /** Answers how to stop listening. */
  watch(listener: CircuitListener): () => void {
    const listeners = this.#listeners ??= new Set()
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** From its beginning on; one that is more than `bufferSize` events behind loses the oldest. */
  stream(bufferSize: number): Stream.Stream<CircuitEvent> {
    return Stream.callback<CircuitEvent>(
      (queue) =>
        Effect.acquireRelease(
          Effect.sync(() => this.watch((event) => void Queue.offerUnsafe(queue, event))),
          (stop) => Effect.sync(stop)
        ),
      { bufferSize, strategy: "sliding" }
    )
  }
}
