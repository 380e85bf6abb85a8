/**
 * Agents as SRV records of DNS: each target and port is one, its id the target's name (with the port, where a name has
 * several). An answer without records, or that there is no such name, is an answer: nobody is there.
 */
import { Effect } from "effect"
import * as dns from "node:dns"
import { AgentId } from "../../../domain/monitoring/Ids.ts"
import type { Arrival } from "../../../domain/poller/discovery/Arrival.ts"
import type { DnsSrv } from "../../../domain/poller/discovery/DiscoveryConfig.ts"
import { type AgentDirectory, DirectoryError } from "../../../services/poller/discovery/AgentDirectory.ts"

/** Of one answer; c-ares waits so long for each server, and asks it so often. */
const resolverOptions = { timeout: 2_000, tries: 2 }

const nobody: ReadonlySet<string | undefined> = new Set(["ENODATA", "ENOTFOUND"])

const arrivalsOf = (records: ReadonlyArray<dns.SrvRecord>): ReadonlyArray<Arrival> => {
  const ports = Map.groupBy(records, ({ name }) => name.toLowerCase())
  return records.map(({ name, port }) => ({
    agentId: AgentId.make((ports.get(name.toLowerCase())?.length ?? 1) > 1 ? `${name}:${port}` : name),
    address: `${name}:${port}`,
    source: "dns",
    identity: "",
    version: "",
    capabilities: [],
    checks: []
  }))
}

export const make = ({ interval, name, servers }: DnsSrv): AgentDirectory => ({
  source: "dns",
  name: `the SRV records of ${name}`,
  interval,
  ask: Effect.callback<ReadonlyArray<Arrival>, DirectoryError>((resume) => {
    const resolver = new dns.Resolver(resolverOptions)
    if (servers.length > 0) resolver.setServers(servers)
    resolver.resolveSrv(name, (error, records) => {
      if (error === null) return resume(Effect.succeed(arrivalsOf(records)))
      if (nobody.has(error.code)) return resume(Effect.succeed([]))
      resume(Effect.fail(new DirectoryError({ directory: `the SRV records of ${name}`, detail: error.message })))
    })
    return Effect.sync(() => resolver.cancel())
  })
})
