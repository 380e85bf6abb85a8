/**
 * Gathers the values that processors route to it into batches, by key, until a batch has its size, its bytes, a value
 * that closes it, or its age; then hands it to a handler, several batches at once if asked.
 *
 * Only a batcher's own `to` makes a route to it, so a value of the wrong type cannot reach its handler.
 */
import type { Duration, Effect } from "effect"
import { millisOf } from "../clock/DurationInput.ts"
import type { Batch, Route, Verdicts } from "./Batch.ts"
import { type BatcherPorts, runBatcher } from "./internal/BatcherStage.ts"

export interface BatcherOptions<V, E, R> {
  /** Values per batch. Default 100. */
  readonly size?: number
  /** How long the first value of a batch may wait. Default 1 second. */
  readonly timeout?: Duration.Input
  /** A batch stays within this, unless one value alone is larger. Needs `bytesOf`. */
  readonly bytesMax?: number
  readonly bytesOf?: (value: V) => number
  /** A value that closes its batch at once, such as the last of a group. */
  readonly closes?: (value: V) => boolean
  /** Batches handled at once. Default 1. With `partitionBy` one partition always goes to the same worker. */
  readonly concurrency?: number
  /** Open batches at once; one more closes the oldest. Default 1,000. */
  readonly keysMax?: number
  readonly handle: (batch: Batch<V>) => Effect.Effect<Verdicts<E> | void, E, R>
}

export interface BatcherLimits {
  readonly size: number
  readonly timeoutMillis: number
  readonly bytesMax: number
  readonly concurrency: number
  readonly keysMax: number
}

export interface Batcher<out Name extends string, in V, out E, out R> {
  readonly name: Name
  readonly limits: BatcherLimits
  /** Routes a message's value here; values of one key share batches. */
  readonly to: (value: V, key?: string) => Route<Name>
  /** The stage's life; it ends by interruption or by a defect of its own. */
  readonly run: <In, EP, O, RA>(ports: BatcherPorts<In, E | EP, O, RA>) => Effect.Effect<void, never, R | RA>
}

export const batcher = <const Name extends string, V, E, R>(
  name: Name,
  options: BatcherOptions<V, E, R>
): Batcher<Name, V, E, R> => {
  class RouteHere implements Route<Name> {
    readonly batcher = name
    readonly value: V
    readonly key: string
    constructor(value: V, key: string) {
      this.value = value
      this.key = key
    }
  }
  const limits: BatcherLimits = {
    size: options.size ?? 100,
    timeoutMillis: millisOf(options.timeout ?? "1 second"),
    bytesMax: options.bytesMax ?? Infinity,
    concurrency: options.concurrency ?? 1,
    keysMax: options.keysMax ?? 1000
  }
  const work = {
    name,
    concurrency: limits.concurrency,
    handle: options.handle,
    batching: { ...limits, bytesOf: options.bytesOf ?? (() => 0), closes: options.closes ?? (() => false) },
    isHere: (route: Route): route is RouteHere => route instanceof RouteHere
  }
  return {
    name,
    limits,
    to: (value, key = "") => new RouteHere(value, key),
    run: (ports) => runBatcher(work, ports)
  }
}
