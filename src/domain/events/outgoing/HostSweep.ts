/**
 * What a poller's ICMP and port checks say about hosts, for `sweep.>`: the state of a host once its checks have come
 * round, at most every `intervalMillis`.
 *
 * A round is over when one of its checks comes again; so the first state of a host holds all of its checks, however
 * many there are.
 */
import { DateTime, Option, Result, Schema } from "effect"
import * as ProbeTarget from "../../monitoring/checks/ProbeTarget.ts"
import { kindOf } from "../../monitoring/ServiceKinds.ts"
import { json, type Outgoing, token } from "./Outgoing.ts"
import { addressOf, documentOf, keyOf, type Polled } from "./Polled.ts"

interface PortState {
  readonly available: boolean
  readonly responseTimeNanos: number
  readonly service: string
}

interface PingState {
  readonly available: boolean
  readonly responseTimeNanos: number
  readonly packetLoss: number
}

interface HostState {
  readonly address: string
  readonly polled: Polled
  readonly firstSeenMillis: number
  ping: PingState | undefined
  readonly ports: Map<number, PortState>
  /** The checks that this round has seen. */
  readonly round: Set<string>
  lastMillis: number
  publishedMillis: number
}

export interface HostSweep {
  /** The state that is due, before the status is taken into account. */
  readonly note: (polled: Polled) => Option.Option<Outgoing>
}

const Ping = Schema.fromJsonString(Schema.Struct({ packet_loss: Schema.Finite }))
const decodePing = Schema.decodeUnknownOption(Ping)

const pingOf = (polled: Polled): PingState => {
  const { available, responseTimeNanos } = polled.status
  const packetLoss = Option.match(decodePing(documentOf(polled)), {
    onNone: () => available ? 0 : 100,
    onSome: ({ packet_loss }) => packet_loss
  })
  return { available, responseTimeNanos: Number(responseTimeNanos), packetLoss }
}

const portOf = ({ check }: Polled): number | undefined => {
  const target = ProbeTarget.parseHostPort(check.serviceType, check.details)
  return Result.isSuccess(target) ? target.success.port : check.port > 0 ? check.port : undefined
}

const take = (host: HostState, polled: Polled): void => {
  const { available, responseTimeNanos, serviceName, serviceType } = polled.status
  if (kindOf(serviceType).sweeps === "ping") {
    host.ping = pingOf(polled)
    return
  }
  const port = portOf(polled)
  if (port === undefined) return
  host.ports.set(port, { available, responseTimeNanos: Number(responseTimeNanos), service: serviceName })
}

const instant = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

const document = ({ address, firstSeenMillis, lastMillis, ping, polled, ports }: HostState) => {
  const { agentId, partition, pollerId } = polled.status
  const scanned = [...ports].toSorted(([left], [right]) => left - right)
  return {
    host_ip: address,
    poller_id: pollerId,
    agent_id: agentId,
    partition,
    ...(ping === undefined ? {} : {
      icmp_available: ping.available,
      icmp_response_time_ns: ping.responseTimeNanos,
      icmp_packet_loss: ping.packetLoss
    }),
    tcp_ports_scanned: scanned.map(([port]) => port),
    tcp_ports_open: scanned.flatMap(([port, { available }]) => available ? [port] : []),
    port_scan_results: scanned.map(([port, { available, responseTimeNanos, service }]) => ({
      port,
      available,
      response_time: responseTimeNanos,
      service
    })),
    last_sweep_time: instant(lastMillis),
    first_seen: instant(firstSeenMillis)
  }
}

/** As many hosts as are configured; the states live as long as the poller. */
export const make = (intervalMillis: number): HostSweep => {
  const hosts = new Map<string, HostState>()

  const hostOf = (address: string, polled: Polled): HostState => {
    const key = `${polled.status.agentId} ${address}`
    const known = hosts.get(key)
    if (known !== undefined) return known
    const { measuredAtMillis } = polled
    const host: HostState = {
      address,
      polled,
      firstSeenMillis: measuredAtMillis,
      ping: undefined,
      ports: new Map(),
      round: new Set(),
      lastMillis: measuredAtMillis,
      publishedMillis: Number.NEGATIVE_INFINITY
    }
    hosts.set(key, host)
    return host
  }

  const note = (polled: Polled): Option.Option<Outgoing> => {
    const { measuredAtMillis, status } = polled
    const address = kindOf(status.serviceType).sweeps !== undefined ? addressOf(polled) : undefined
    if (address === undefined) return Option.none()
    const host = hostOf(address, polled)
    const isDue = host.round.has(keyOf(polled)) && measuredAtMillis - host.publishedMillis >= intervalMillis
    const due = isDue ? Option.some(json(`sweep.poller.${token(status.pollerId)}`, document(host))) : Option.none()
    if (isDue) {
      host.round.clear()
      host.publishedMillis = measuredAtMillis
    }
    host.round.add(keyOf(polled))
    host.lastMillis = measuredAtMillis
    take(host, polled)
    return due
  }

  return { note }
}
