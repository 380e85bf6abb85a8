/**
 * The present state of every check of a poller, as one report shows it to a core that takes each report as the whole
 * poller: what was measured since the last report, and of the other checks the last that is known.
 *
 * Belongs to one reporter and changes in place.
 */
import { Option } from "effect"
import { ServiceName, ServiceType } from "../Ids.ts"
import * as ServiceKinds from "../ServiceKinds.ts"
import * as Envelope from "./envelope/Envelope.ts"
import * as EnvelopeContents from "./envelope/EnvelopeContents.ts"
import * as LastKnown from "./LastKnown.ts"
import type { ServiceStatus } from "./ServiceStatus.ts"

interface Known {
  readonly status: ServiceStatus
  readonly measuredAtMillis: number
  /** It is as it goes along in reports that it was not measured for. */
  readonly isMarked: boolean
}

export interface PresentState {
  /** By what tells checks apart in the configuration. */
  readonly checks: Map<string, Known>
  /** Those that are not in any report that core has. */
  readonly fresh: Set<string>
}

export const make = (): PresentState => ({ checks: new Map(), fresh: new Set() })

/** The newer status replaces the older one. */
export const note = (state: PresentState, key: string, status: ServiceStatus, measuredAtMillis: number): void => {
  state.checks.set(key, { status, measuredAtMillis, isMarked: false })
  state.fresh.add(key)
}

/** It waits to be reported, and until then is the last that is known of a check that nothing else is known of. */
export const noteWaiting = (
  state: PresentState,
  key: string,
  status: ServiceStatus,
  measuredAtMillis: number
): void => {
  if (state.checks.has(key)) return
  state.checks.set(key, { status: LastKnown.shorten(status), measuredAtMillis, isMarked: false })
}

export const isKnown = (state: PresentState, key: string): boolean => state.checks.has(key)

/** Of a check that there is no more. */
export const forget = (state: PresentState, key: string): void => {
  state.checks.delete(key)
  state.fresh.delete(key)
}

/** Core has the report. */
export const settle = (state: PresentState): void => {
  for (const key of state.fresh) {
    const known = state.checks.get(key)
    if (known !== undefined) state.checks.set(key, { ...known, status: LastKnown.shorten(known.status) })
  }
  state.fresh.clear()
}

/**
 * Every check that has a state, each once. What is not fresh is not until it is measured, so it is marked once. One by one:
 * those of thousands of checks take their time.
 */
export function* report(state: PresentState): Generator<ServiceStatus, void> {
  for (const [key, known] of state.checks) {
    if (state.fresh.has(key)) yield withMetrics(known.status)
    else if (known.isMarked) yield known.status
    else {
      const status = LastKnown.mark(withMetrics(known.status), known.measuredAtMillis)
      state.checks.set(key, { ...known, status, isMarked: true })
      yield status
    }
  }
}

const grpc = ServiceType.make("grpc")
const nameLengthMax = 256

/** The existing core stores the metrics of a type `grpc` whose name is `sysmon` or begins with `sysmon-`. */
const withMetrics = (status: ServiceStatus): ServiceStatus => {
  if (!ServiceKinds.kindOf(status.serviceType).hasGrpcMetrics) return status
  const { serviceName: name } = status
  const isTelling = ServiceKinds.isSysmonName(name)
  const serviceName = isTelling ? name : ServiceName.make(`sysmon-${name}`.slice(0, nameLengthMax).toWellFormed())
  const moved = { ...status, serviceName, serviceType: grpc }
  return Option.match(EnvelopeContents.open(new TextDecoder().decode(status.message)), {
    onNone: () => moved,
    onSome: ({ data }) => ({ ...moved, message: Envelope.wrap(moved, new TextEncoder().encode(data)) })
  })
}
