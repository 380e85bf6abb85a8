/** Stops many children at once: those with the same limit share one timer, and the limits run side by side. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Shutdown from "../../../../domain/supervision/Shutdown.ts"
import { brutalStop } from "../child/BrutalStop.ts"
import type { ChildRecord } from "../child/ChildRecord.ts"

/** Returns the children that were left behind, when all others have ended. Takes as long as the longest limit. */
export const stopAll = <E>(
  records: ReadonlyArray<ChildRecord<E>>
): Effect.Effect<ReadonlySet<ChildRecord<E>>> =>
  Effect.gen(function*() {
    for (const record of records) record.ask()
    yield* Effect.yieldNow
    const groups = Map.groupBy(
      records.filter((record) => record.fiber !== undefined),
      (record) => Shutdown.limitMillis(record.bound.description.shutdown)
    )
    yield* Effect.forEach(groups, ([limitMillis, group]) => endedWithin(limitMillis, group), {
      concurrency: "unbounded",
      discard: true
    })
    const left = new Set(records.filter((record) => record.fiber !== undefined))
    for (const record of left) record.abandon()
    return left
  })

const endedWithin = <E>(limitMillis: number, records: ReadonlyArray<ChildRecord<E>>): Effect.Effect<unknown> => {
  const ended = Fiber.awaitAll(records.flatMap(({ fiber }) => fiber ?? []))
  if (limitMillis === Number.POSITIVE_INFINITY) return ended
  return limitMillis === 0
    ? brutalStop(() => records.every(({ fiber }) => fiber === undefined))
    : Effect.timeoutOption(ended, limitMillis)
}
