/** Which types of checks agents of this project serve, and what becomes of the others. */

const served: ReadonlySet<string> = new Set(["port", "process", "icmp", "http", "grpc", "sysmon", "sync"])

/** Undefined for a type that is served; else a sentence for the operator. */
export const notice = (serviceType: string): string | undefined =>
  served.has(serviceType)
    ? undefined
    : `type ${JSON.stringify(serviceType)} is not served by agents of this project yet: ` +
      "an agent of ServiceRadar v1.0.76 answers it, ours answers that it cannot"

/** Files in an agent's `checkers_dir` that set up checks of such types, below it. */
export const unservedFiles: ReadonlyMap<string, string> = new Map([
  ["sweep/sweep.json", "sweep"],
  ["snmp.json", "snmp"],
  ["mapper.json", "mapper_discovery"],
  ["dusk.json", "dusk"]
])
