/** That a service went down, came up or was seen for the first time, as Event Log Activity (OCSF class 1008). */
import { DateTime, Option, Schema } from "effect"
import type { AvailabilityChange } from "../../monitoring/reports/AvailabilityChange.ts"
import * as Ocsf from "../mapping/ocsf/Ocsf.ts"
import { json, type Outgoing } from "./Outgoing.ts"

/** Where the writers of all generations look for OCSF as it is. */
const subject = "events.ocsf.processed"

const provider = "serviceradar-core"

const create = { activity_id: 1, activity_name: "Create", type_uid: 100_801 } as const
const update = { activity_id: 3, activity_name: "Update", type_uid: 100_803 } as const

const informational = 1
const high = 4

const Complaint = Schema.fromJsonString(Schema.Struct({ error: Schema.String }))
const decodeComplaint = Schema.decodeUnknownOption(Complaint)

const messageOf = (change: AvailabilityChange, complaint: string | undefined): string => {
  const { agentId, available, previous, serviceName, serviceType } = change
  const what = `${serviceName} (${serviceType}) of ${agentId}`
  if (available) return previous === undefined ? `${what} is monitored, and up` : `${what} is up again`
  const state = previous === undefined ? "is monitored, and down" : "is down"
  return complaint === undefined ? `${what} ${state}` : `${what} ${state}: ${complaint}`
}

export const make = (change: AvailabilityChange, id: string): Outgoing => {
  const { agentId, available, partition, pollerId, previous, reportedAt, serviceName, serviceType, sourceIp } = change
  const complaint = Option.getOrUndefined(decodeComplaint(change.document))?.error
  const severity = available ? informational : high
  const time = DateTime.formatIso(reportedAt)
  return json(subject, {
    id,
    time,
    class_uid: 1008,
    category_uid: 1,
    ...(previous === undefined ? create : update),
    severity_id: severity,
    severity: Ocsf.severityName(severity),
    message: messageOf(change, complaint),
    ...(available ? { status_id: 1, status: "Success" } : { status_id: 2, status: "Failure" }),
    ...(complaint === undefined ? {} : { status_detail: complaint }),
    metadata: {
      version: Ocsf.version,
      product: { vendor_name: "ServiceRadar", name: "core", version: "1.0.0" },
      logged_time: time
    },
    observables: [
      Ocsf.observable("Hostname", agentId),
      ...(sourceIp === "" ? [] : [Ocsf.observable("IP Address", sourceIp)])
    ],
    actor: { app_name: provider },
    device: { hostname: agentId, ...(sourceIp === "" ? {} : { ip: sourceIp }) },
    log_name: subject,
    log_provider: provider,
    log_level: available ? "info" : "error",
    unmapped: {
      partition,
      poller_id: pollerId,
      agent_id: agentId,
      service_type: serviceType,
      service_name: serviceName,
      available,
      ...(previous === undefined ? {} : { previously_available: previous })
    }
  })
}
