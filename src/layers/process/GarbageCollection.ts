/** Collects the garbage of a program that has come to rest; see the rule in RestCollection. */
import { Clock, Effect, Schedule } from "effect"
import * as v8 from "node:v8"
import * as RestCollection from "../../domain/process/RestCollection.ts"

const lookEvery = "5 seconds"
/** What a start leaves is collected as soon as it is over. */
const atStart = { every: "1500 millis", times: 3 } as const

const newSpaces = new Set(["new_space", "new_large_object_space"])

/**
 * What is new is in room that a program fills and empties again and again as it works: with it, one that works a little had grown
 * enough after every collection, and stood still for the next a minute later. `process.memoryUsage` opens a file, and throws where
 * there are none left to open.
 */
const heapBytes = (): number =>
  v8.getHeapSpaceStatistics().reduce(
    (sum, { space_name, space_size }) => newSpaces.has(space_name) ? sum : sum + space_size,
    0
  )

/** For a loop of its own. Over at once where Node was not told to let programs collect (`--expose-gc`). */
export const keep: Effect.Effect<void> = Effect.suspend(() => {
  const collect = globalThis.gc
  if (collect === undefined) return Effect.void
  let state = RestCollection.initial
  let before = performance.eventLoopUtilization()
  const look = Effect.map(Clock.currentTimeMillis, (nowMillis) => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    const seen = { heapBytes: heapBytes(), busyShare: utilization, nowMillis }
    if (!RestCollection.isDue(state, seen)) {
      state = RestCollection.looked(state, seen)
      return
    }
    // Otherwise what was found stays with V8, in pages of which little is used.
    collect({ type: "major", execution: "sync", flavor: "last-resort" })
    state = RestCollection.collected({ heapBytes: heapBytes(), nowMillis })
  })
  const looks = Effect.repeat(Effect.delay(look, atStart.every), { times: atStart.times - 1 })
  return Effect.asVoid(Effect.andThen(looks, Effect.repeat(look, Schedule.spaced(lookEvery))))
})
