/**
 * What `up` logs about the event streams where it draws no screen: one line for all of them, every half minute once there
 * is something to tell, and at once when others are in trouble than before.
 */
import { Effect, Ref, Schedule } from "effect"
import * as Monotonic from "../../../services/clock/Monotonic.ts"
import type { StreamStatus } from "../../../services/events/StreamStatus.ts"
import * as LiveView from "./LiveView.ts"

const lookEvery = Schedule.fixed("1 second")
const summaryEveryMillis = 30_000

const troubled = (streams: ReadonlyArray<StreamStatus>): string =>
  streams.filter(({ problem }) => problem !== "").map(({ stream }) => stream).join()

/** Runs until it is interrupted. */
export const logLines = Effect.fnUntraced(function*(streams: Effect.Effect<ReadonlyArray<StreamStatus>>) {
  const known = yield* Ref.make("")
  const nextMillis = yield* Ref.make((yield* Monotonic.millis) + summaryEveryMillis)

  const look = Effect.gen(function*() {
    const all = yield* streams
    const trouble = troubled(all)
    const isNews = (yield* Ref.getAndSet(known, trouble)) !== trouble
    const now = yield* Monotonic.millis
    const isDue = now >= (yield* Ref.get(nextMillis)) && all.some(({ received }) => received > 0)
    if (!isNews && !isDue) return
    yield* Ref.set(nextMillis, now + summaryEveryMillis)
    yield* Effect.logInfo(LiveView.streamSummary(all))
  })
  return yield* Effect.andThen(Effect.repeat(look, lookEvery), Effect.never)
})
