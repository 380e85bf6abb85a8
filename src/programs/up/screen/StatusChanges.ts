/** Which services are new, have turned from up to down or back, went stale or came back, between two looks at all. */
import type { ServiceState } from "../../../domain/monitoring/reports/ServiceState.ts"

/** As it was seen at a moment. */
export interface SeenState {
  readonly state: ServiceState
  /** Its last status is too old to say anything. */
  readonly isStale: boolean
}

const keyOf = ({ state }: SeenState): string => JSON.stringify([state.agentId, state.serviceType, state.serviceName])

/** What is said of a stale service is that: whether it was up does not count any more. */
const saying = ({ isStale, state }: SeenState): string => isStale ? "stale" : state.available ? "up" : "down"

export const between = (
  before: ReadonlyArray<SeenState>,
  now: ReadonlyArray<SeenState>
): ReadonlyArray<SeenState> => {
  const known = new Map(before.map((seen) => [keyOf(seen), saying(seen)]))
  return now.filter((seen) => known.get(keyOf(seen)) !== saying(seen))
}
