/**
 * Who waits for whom: a source that has something new wakes the aggregator, a new served set wakes the writer.
 *
 * Signals are only haste. Whoever waits looks again after a while by itself, because what it waits for can also be done
 * by another process.
 */
import { Context, type Duration, Effect, Layer, Queue } from "effect"

const make = Effect.map(Queue.sliding<void>(1), (queue) => ({
  raise: Effect.asVoid(Queue.offer(queue, undefined)),
  /** Returns at a signal that has not been taken yet, at the latest after `limit`. */
  wait: (limit: Duration.Input) => Effect.asVoid(Effect.timeoutOption(Queue.take(queue), limit))
}))

type Signal = Effect.Success<typeof make>

export class SyncSignals extends Context.Service<SyncSignals, {
  readonly sources: Signal
  readonly served: Signal
}>()("serviceradar-effect/services/sync/SyncSignals") {
  static readonly layer = Layer.effect(this, Effect.all({ sources: make, served: make }))
}
