/** Which services are new or have turned from up to down or back, between two looks at all of them. */
import type { ServiceState } from "../../../domain/monitoring/reports/ServiceState.ts"

const keyOf = (state: ServiceState): string => JSON.stringify([state.agentId, state.serviceType, state.serviceName])

export const between = (
  before: ReadonlyArray<ServiceState>,
  now: ReadonlyArray<ServiceState>
): ReadonlyArray<ServiceState> => {
  const known = new Map(before.map((state) => [keyOf(state), state.available]))
  return now.filter((state) => known.get(keyOf(state)) !== state.available)
}
