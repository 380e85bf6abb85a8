/** A status that a poller has just measured, with what it asked for. */
import { Option } from "effect"
import type { Check } from "../../monitoring/checks/Check.ts"
import * as IpAddress from "../../monitoring/IpAddress.ts"
import { type AgentHost, hostOf } from "../../monitoring/reports/envelope/Enrichment.ts"
import * as EnvelopeContents from "../../monitoring/reports/envelope/EnvelopeContents.ts"
import type { ServiceStatus } from "../../monitoring/reports/ServiceStatus.ts"
import { kindOf } from "../../monitoring/ServiceKinds.ts"

export interface Polled {
  readonly status: ServiceStatus
  readonly check: Check
  /** The host that the agent speaks for. */
  readonly host: AgentHost
  readonly measuredAtMillis: number
}

/** Tells checks of one poller apart. */
export const keyOf = ({ check, status }: Polled): string =>
  JSON.stringify([status.agentId, check.serviceType, check.serviceName])

const decoder = new TextDecoder()

/** The check's own document as JSON text, without the envelope. */
export const documentOf = ({ status }: Polled): string => {
  const text = decoder.decode(status.message)
  return Option.match(EnvelopeContents.open(text), { onNone: () => text, onSome: ({ data }) => data })
}

const targetOf = (details: string): string =>
  details.includes("://") ? URL.parse(details)?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "" : hostOf(details)

/**
 * The address of what was checked: that in the check, or the agent's own where the check is about the agent's host. None
 * for a check of a name, which only the agent resolves.
 */
export const addressOf = ({ check, host }: Polled): string | undefined => {
  const details = check.details.trim()
  const isLocal = details === "" || kindOf(check.serviceType).isLocal
  return Option.getOrUndefined(isLocal ? Option.flatMap(host.ip, IpAddress.parse) : IpAddress.parse(targetOf(details)))
}
