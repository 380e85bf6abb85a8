/** Makes the agents that came a part of the poller, lets go those that went, and tells core of both. */
import { Clock, Effect, Stream } from "effect"
import type { AgentId } from "../../../domain/monitoring/Ids.ts"
import type { Arrival } from "../../../domain/poller/discovery/Arrival.ts"
import * as ArrivalStatus from "../../../domain/poller/discovery/ArrivalStatus.ts"
import { CoreReporter } from "../CoreReporter.ts"
import { Fleet, identityOf } from "../Fleet.ts"
import * as Reconfiguration from "../Reconfiguration.ts"
import { Arrivals, type Present } from "./Arrivals.ts"

interface News {
  readonly arrival: Arrival
  readonly state: ArrivalStatus.ArrivalState
}

const newsOf = (known: ReadonlyMap<AgentId, Arrival>, { arrivals, lapsed }: Present): ReadonlyArray<News> => {
  const there = new Set(arrivals.map(({ agentId }) => agentId))
  return [
    ...arrivals.filter((one) => known.get(one.agentId) !== one).map((arrival) => ({
      arrival,
      state: "registered" as const
    })),
    ...[...known.values()].filter(({ agentId }) => !there.has(agentId)).map((arrival) => ({
      arrival,
      state: lapsed.has(arrival.agentId) ? "lost" as const : "left" as const
    }))
  ]
}

const tell = Effect.fnUntraced(function*(news: ReadonlyArray<News>) {
  const { config } = yield* Fleet.use(({ current }) => current)
  const reporter = yield* CoreReporter
  // Told once: it is no check whose present state goes along from now on.
  yield* reporter.reconfigure(
    Reconfiguration.reported(config),
    new Set(news.map(({ arrival }) => ArrivalStatus.keyOf(arrival)))
  )
  const measuredAtMillis = yield* Clock.currentTimeMillis
  yield* Effect.forEach(news, ({ arrival, state }) =>
    Effect.andThen(
      reporter.report({
        key: ArrivalStatus.keyOf(arrival),
        status: ArrivalStatus.make(identityOf(config), arrival, state),
        measuredAtMillis,
        isUrgent: true
      }),
      Effect.logInfo(`agent ${arrival.agentId} (${arrival.address}, by ${arrival.source}) ${state}`)
    ), { discard: true })
})

/** Never ends by itself. */
export const run = Effect.gen(function*() {
  const arrivals = yield* Arrivals
  let known: ReadonlyMap<AgentId, Arrival> = new Map()
  const settle = Effect.fnUntraced(function*(present: Present) {
    const news = newsOf(known, present)
    known = new Map(present.arrivals.map((arrival) => [arrival.agentId, arrival]))
    if (news.length === 0) return
    yield* Reconfiguration.applyAgain
    yield* tell(news)
  })
  return yield* Effect.andThen(Stream.runForEach(arrivals.changes, settle), Effect.never)
})
