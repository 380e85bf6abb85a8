/**
 * What `up` logs about the event streams where it draws no screen: a line every half minute once there is something to
 * tell, and at once when a stream stops or goes on.
 */
import { Clock, Effect, Ref, Schedule } from "effect"
import type { StreamStatus } from "../../services/event-writer/StreamStatus.ts"
import * as LiveView from "./LiveView.ts"

const lookEvery = Schedule.fixed("1 second")
const summaryEveryMillis = 30_000

type Problems = ReadonlyMap<StreamStatus["stream"], string>

const problemsOf = (streams: ReadonlyArray<StreamStatus>): Problems =>
  new Map(streams.flatMap(({ problem, stream }) => problem === "" ? [] : [[stream, problem] as const]))

const logChanges = Effect.fnUntraced(function*(before: Problems, now: Problems) {
  for (const [stream, problem] of now) {
    if (!before.has(stream)) yield* Effect.logWarning(`events ${stream}: ${problem}`)
  }
  for (const stream of before.keys()) {
    if (!now.has(stream)) yield* Effect.logInfo(`events ${stream}: goes on`)
  }
})

/** Runs until it is interrupted. */
export const logLines = Effect.fnUntraced(function*(streams: Effect.Effect<ReadonlyArray<StreamStatus>>) {
  const known = yield* Ref.make<Problems>(new Map())
  const nextMillis = yield* Ref.make((yield* Clock.currentTimeMillis) + summaryEveryMillis)

  const look = Effect.gen(function*() {
    const all = yield* streams
    const problems = problemsOf(all)
    yield* logChanges(yield* Ref.getAndSet(known, problems), problems)
    const now = yield* Clock.currentTimeMillis
    if (now < (yield* Ref.get(nextMillis))) return
    yield* Ref.set(nextMillis, now + summaryEveryMillis)
    if (all.some(({ received }) => received > 0)) yield* Effect.logInfo(LiveView.streamSummary(all))
  })
  return yield* Effect.andThen(Effect.repeat(look, lookEvery), Effect.never)
})
