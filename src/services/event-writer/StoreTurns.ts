/**
 * How many batches of all streams are decoded and written at once.
 *
 * What waits is kept as it was fetched; as rows it would be ten times as large and, worse, live long enough for the
 * garbage collector to take it for lasting. Twice what one stream takes by default, so that a stream whose table is
 * locked leaves turns to the others.
 */
import { Context, Effect, Layer, Semaphore } from "effect"

export const turnsDefault = 8

export class StoreTurns extends Context.Service<StoreTurns, {
  /** Waits for a turn, first come, first served, and gives it up at the end. */
  readonly take: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}>()("serviceradar/services/event-writer/StoreTurns") {
  static readonly layer = (turns: number = turnsDefault) =>
    Layer.effect(StoreTurns, Effect.map(Semaphore.make(turns), (semaphore) => ({ take: semaphore.withPermit })))
}
