/**
 * Fits a configuration that was written for one set of ports to the ports of this run.
 *
 * Only addresses of the program's own parts on the loopback change, in memory: the files keep what they say, so the next
 * start tries the usual ports again.
 */
import { Option } from "effect"
import type { PollerConfig } from "../../../domain/poller/PollerConfig.ts"
import * as Ports from "./Ports.ts"

const ownAddress = /\b127\.0\.0\.1:(\d{1,5})\b/g

/** The text with each of our addresses at its new port. */
export const text = (original: string, moved: ReadonlyMap<number, number>): string =>
  original.replaceAll(ownAddress, (whole, port: string) => {
    const now = moved.get(Number(port))
    return now === undefined ? whole : `${Ports.host}:${now}`
  })

/** The last port named in an address. */
const portOf = (address: string): number | undefined => {
  const port = Number(/:(\d{1,5})$/.exec(address)?.[1])
  return port > 0 ? port : undefined
}

/** The ports that a poller's configuration was written for. */
export const portsOf = (config: PollerConfig, agentId: string, coreHttp: number | undefined): Ports.Ports => {
  const agent = config.agents.find((candidate) => candidate.agentId === agentId)
  const postgres = agent?.checks.find((check) => check.serviceName === "postgresql-port")
  return {
    coreGrpc: portOf(config.coreAddress) ?? Ports.usual.coreGrpc,
    coreHttp: coreHttp ?? Ports.usual.coreHttp,
    agentGrpc: (agent === undefined ? undefined : portOf(agent.address)) ?? Ports.usual.agentGrpc,
    pollerGrpc: Option.match(config.listenAddress, {
      onNone: () => Ports.usual.pollerGrpc,
      onSome: (address) => address.port
    }),
    postgres: (postgres === undefined ? undefined : portOf(postgres.details)) ?? Ports.usual.postgres
  }
}

/** The poller as it has to run here: core and our agent on the loopback, checks of our own ports where those are now. */
export const poller = (
  config: PollerConfig,
  agentId: string,
  ports: Ports.Ports,
  moved: ReadonlyMap<number, number>
): PollerConfig => ({
  ...config,
  coreAddress: `${Ports.host}:${ports.coreGrpc}`,
  listenAddress: Option.some({ host: Ports.host, port: ports.pollerGrpc }),
  agents: config.agents.map((agent) => ({
    ...agent,
    address: agent.agentId === agentId ? `${Ports.host}:${ports.agentGrpc}` : agent.address,
    checks: agent.checks.map((check) => ({ ...check, details: text(check.details, moved) }))
  }))
})
