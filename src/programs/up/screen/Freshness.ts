/** Until when a status tells how its service is now: three intervals of that very check. */
import { DateTime, Duration, Option } from "effect"
import type { ServiceState } from "../../../domain/monitoring/reports/ServiceState.ts"
import type { PollerConfig } from "../../../domain/poller/PollerConfig.ts"
import { keyOf } from "./StatusFeed.ts"

export interface Freshness {
  readonly nowMillis: number
  /** A status of this service that is older, in milliseconds, says nothing any more. */
  readonly staleAfter: (state: ServiceState) => number
}

const intervalsMax = 3
/** Reports carry whole seconds and wait for each other. */
const slackMillis = 2_000

/** By the interval of each check, which is the poller's where it has none of its own. */
export const staleAfter = ({ agents, pollInterval }: PollerConfig): Freshness["staleAfter"] => {
  const intervals = new Map(
    agents.flatMap(({ agentId, checks }) =>
      checks.flatMap(({ interval, serviceName, serviceType }) =>
        Option.toArray(interval).map((own) => [keyOf({ agentId, serviceName, serviceType }), own])
      )
    )
  )
  return (state) => intervalsMax * Duration.toMillis(intervals.get(keyOf(state)) ?? pollInterval) + slackMillis
}

/** Also where the clock was set back since: what is of another time than this says nothing of now. */
export const isStale = ({ nowMillis, staleAfter }: Freshness, state: ServiceState): boolean =>
  Math.abs(nowMillis - DateTime.toEpochMillis(state.reportedAt)) > staleAfter(state)
