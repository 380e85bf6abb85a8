/**
 * The statuses of the configured checks as core has them in its database, read over core's own HTTP interface.
 *
 * States that an earlier run left there do not count, and neither do services that are no longer configured.
 */
import { DateTime, Effect, Schema } from "effect"
import { ServiceState } from "../../../domain/monitoring/reports/ServiceState.ts"
import type { PollerConfig } from "../../../domain/poller/PollerConfig.ts"
import * as ManagementClient from "../../../layers/http/ManagementClient.ts"
import type { SeenState } from "./StatusChanges.ts"

/** What `--json` prints for each status. */
export interface StatusReport {
  readonly agentId: string
  readonly serviceName: string
  readonly serviceType: string
  /** As last reported, also when that is long ago. */
  readonly available: boolean
  /** No status for more than three intervals of its check: nobody knows how it is now. */
  readonly stale: boolean
  readonly responseTimeNanos: number
  /** The check's own document as it is stored, usually JSON. */
  readonly message: string
  /** ISO 8601. */
  readonly at: string
}

export const toReport = ({ isStale, state }: SeenState): StatusReport => ({
  agentId: state.agentId,
  serviceName: state.serviceName,
  serviceType: state.serviceType,
  available: state.available,
  stale: isStale,
  responseTimeNanos: state.responseTimeNanos,
  message: state.message,
  at: DateTime.formatIso(state.reportedAt)
})

interface CheckName {
  readonly agentId: string
  readonly serviceType: string
  readonly serviceName: string
}

/** Of a check and of its state. */
export const keyOf = ({ agentId, serviceName, serviceType }: CheckName): string =>
  JSON.stringify([agentId, serviceType, serviceName])

/** The checks that report in every cycle; results checks report only when they have something. */
export const expected = (config: PollerConfig): ReadonlyArray<CheckName> =>
  config.agents.flatMap((agent) =>
    agent.checks.filter((check) => check.resultsInterval._tag === "None").map((check) => ({
      agentId: agent.agentId,
      serviceType: check.serviceType,
      serviceName: check.serviceName
    }))
  )

/** In the order of the configuration, what is there. */
export const select = (
  names: ReadonlyArray<CheckName>,
  states: ReadonlyArray<ServiceState>,
  sinceMillis: number
): ReadonlyArray<ServiceState> => {
  // Reports carry whole seconds.
  const sinceSecond = Math.floor(sinceMillis / 1_000) * 1_000
  const fresh = states.filter((state) => DateTime.toEpochMillis(state.reportedAt) >= sinceSecond)
  const byKey = new Map(fresh.map((state) => [keyOf(state), state]))
  return names.flatMap((name) => byKey.get(keyOf(name)) ?? [])
}

/** The checks without a state, by name. */
export const missing = (
  names: ReadonlyArray<CheckName>,
  states: ReadonlyArray<ServiceState>
): ReadonlyArray<string> => {
  const present = new Set(states.map(keyOf))
  return names.filter((name) => !present.has(keyOf(name))).map((name) => `${name.agentId}/${name.serviceName}`)
}

const Services = Schema.Struct({ services: Schema.Array(ServiceState) })

export const read = Effect.fn("StatusFeed.read")(function*(
  httpUrl: string,
  names: ReadonlyArray<CheckName>,
  sinceMillis: number
) {
  const { services } = yield* ManagementClient.get(httpUrl, "/api/services?limit=10000", Services)
  return select(names, services, sinceMillis)
})
