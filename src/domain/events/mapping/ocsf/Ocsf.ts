/** Words and numbers of the Open Cybersecurity Schema Framework 1.7 that the event writer uses. */

export const version = "1.7.0"

/** Class 1008, Event Log Activity; activity Create. */
export const eventLogActivity = { class_uid: 1008, category_uid: 1, activity_id: 1, type_uid: 100_801 } as const

/** Class 4001, Network Activity; activity Traffic. */
export const networkTraffic = { class_uid: 4001, category_uid: 4, activity_id: 6, type_uid: 400_106 } as const

const severityNames = ["Unknown", "Informational", "Low", "Medium", "High", "Critical", "Fatal"] as const

/** The name of a severity id; ids that nobody defined are `Other`, as OCSF says. */
export const severityName = (id: number): string => severityNames[id] ?? "Other"

export const metadata = (correlationUid: string, storedAt: string, originalTime: string | undefined) => ({
  version,
  product: { vendor_name: "ServiceRadar", name: "EventWriter", version: "1.0.0" },
  logged_time: storedAt,
  correlation_uid: correlationUid,
  ...(originalTime === undefined ? {} : { original_time: originalTime })
})

export const observableTypes = { Hostname: 1, "IP Address": 2, "MAC Address": 3, Port: 8 } as const

export const observable = (type: keyof typeof observableTypes, value: string) => ({
  name: value,
  type,
  type_id: observableTypes[type]
})

const protocols: ReadonlyMap<number, string> = new Map([
  [1, "ICMP"],
  [6, "TCP"],
  [17, "UDP"],
  [47, "GRE"],
  [50, "ESP"],
  [51, "AH"],
  [58, "ICMPv6"],
  [89, "OSPF"],
  [132, "SCTP"]
])

/** By IANA's protocol number, for the protocols that upstream names. */
export const protocolName = (number: number): string | undefined => protocols.get(number)
