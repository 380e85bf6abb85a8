/**
 * What is known of the types of services, one row each; a type without a row is answered by peers only.
 *
 * Whoever treats a type in a way of its own asks for what its row says instead of comparing its name.
 */
interface ServiceKind {
  /** Whether agents of this project answer it. */
  readonly isServed: boolean
  /** The file in an agent's `checkers_dir` that sets up a check of the type. */
  readonly file?: string
  /** Whether the details of its checks name a target that everybody may see. Of other types they may be a community. */
  readonly isTargetPublic: boolean
  /** Whether it looks at the host that its agent runs on, whatever the details say. */
  readonly isLocal: boolean
  /** What it says of a host that is swept by the poller's own checks. */
  readonly sweeps?: "ping" | "port"
  /** What its results are: the devices of an inventory, in an array, or a sweep with its hosts. */
  readonly results?: Results
  /** What its message is about, where that is not one host: targets by their names, or a network with its interfaces. */
  readonly tells?: "targets" | "network"
  /** Whether core refuses its message when anything is added to it. */
  readonly isClosed: boolean
  /** Whether core takes its metrics for those of a checker of type `grpc` only. */
  readonly hasGrpcMetrics: boolean
}

export type Results = "inventory" | "sweep"

const peers: ServiceKind = {
  isServed: false,
  isTargetPublic: false,
  isLocal: false,
  isClosed: false,
  hasGrpcMetrics: false
}
const probe: ServiceKind = { ...peers, isServed: true, isTargetPublic: true }

/** What an agent of this project finds out itself. */
const probes = {
  port: { ...probe, sweeps: "port" },
  icmp: { ...probe, sweeps: "ping" },
  tcp: probe,
  udp: probe,
  dns: probe,
  http: probe,
  tls: probe,
  grpc: probe,
  process: { ...probe, isLocal: true },
  exec: { ...probe, isLocal: true },
  sysmon: { ...probe, isLocal: true, hasGrpcMetrics: true },
  snmp: { ...probe, isTargetPublic: false, isClosed: true, tells: "targets" }
} as const satisfies Readonly<Record<string, ServiceKind>>

export type ProbedType = keyof typeof probes

export const probedTypes: ReadonlyArray<string> = Object.keys(probes)

/** Of the sync service, under which core takes in an inventory. */
export const inventoryType = "sync"

const kinds: ReadonlyMap<string, ServiceKind> = new Map(Object.entries<ServiceKind>({
  ...probes,
  [inventoryType]: { ...peers, isServed: true, results: "inventory" },
  sweep: { ...peers, isServed: true, results: "sweep" },
  mapper_discovery: { ...peers, file: "mapper.json", tells: "network" },
  "snmp-discovery-results": { ...peers, tells: "network" },
  dusk: { ...peers, file: "dusk.json" }
}))

export const kindOf = (serviceType: string): ServiceKind => kinds.get(serviceType) ?? peers

/** Whether the type has a row. */
export const isKnown = (serviceType: string): boolean => kinds.has(serviceType)

export const isInventory = (serviceType: string): boolean => kindOf(serviceType).results === "inventory"

/** Why no agent of this project answers it; undefined for a type that is served. */
export const notice = (serviceType: string): string | undefined =>
  kindOf(serviceType).isServed
    ? undefined
    : `type ${JSON.stringify(serviceType)} is not served by agents of this project yet: ` +
      "an agent of ServiceRadar v1.0.76 answers it, ours answers that it cannot"

/** Files in an agent's `checkers_dir` that set up checks of types that are not served, below it. */
export const unservedFiles: ReadonlyMap<string, string> = new Map(
  [...kinds].flatMap(([type, { file, isServed }]) => file === undefined || isServed ? [] : [[file, type] as const])
)

/**
 * What the results of a check are: of its type, or an inventory for a check whose name contains `sync`, as the existing
 * poller has it. Undefined: no results are asked for.
 */
export const resultsOf = (
  check: { readonly serviceType: string; readonly serviceName: string }
): Results | undefined => check.serviceName.includes("sync") ? "inventory" : kindOf(check.serviceType).results

/** Whether a checker of this name speaks for `sysmon`: core takes metrics from no other name. */
export const isSysmonName = (serviceName: string): boolean =>
  serviceName === "sysmon" || serviceName.startsWith("sysmon-")
