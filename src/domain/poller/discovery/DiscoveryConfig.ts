/** How a poller comes to know agents that its file does not name, and how it asks them. */
import { Duration, Option, Schema } from "effect"
import { GoDuration } from "../../config/GoDuration.ts"
import type { Check } from "../../monitoring/checks/Check.ts"
import { asciiAddress } from "../../monitoring/checks/ProbeTarget.ts"
import * as SecurityConfig from "../../security/SecurityConfig.ts"
import * as HostPort from "../../sockets/HostPort.ts"
import * as CheckEntry from "../CheckEntry.ts"

const agentsDefault = 1_000
const leaseDefault = Duration.minutes(1)
const leaseMin = Duration.seconds(3)
const intervalDefault = Duration.seconds(30)
const intervalMin = Duration.seconds(1)

const Lease = GoDuration.check(
  Schema.makeFilter((lease: Duration.Duration) => Duration.isGreaterThanOrEqualTo(lease, leaseMin) || "at least 3s")
)

const Address = Schema.String.check(
  Schema.makeFilter((text) =>
    Option.exists(HostPort.parse(text), ({ host }) => host !== "") || "an address such as \"host:50051\""
  )
)

/** Beyond the keys of existing pollers. */
export const DiscoveryBlock = Schema.Struct({
  /** Agents may register at this poller's `listen_addr`. */
  registration: Schema.optionalKey(Schema.Struct({ lease: Schema.optionalKey(Lease) })),
  static: Schema.optionalKey(
    Schema.Array(Schema.Struct({
      address: Address,
      /** The address, unless told. */
      agent_id: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256)))
    }))
  ),
  dns_srv: Schema.optionalKey(Schema.Struct({
    /** Such as `_serviceradar-agent._tcp.example.org`. */
    name: Schema.NonEmptyString,
    interval: Schema.optionalKey(GoDuration),
    /** `address:port` of name servers in place of the system's. */
    servers: Schema.optionalKey(Schema.Array(Address))
  })),
  nats: Schema.optionalKey(Schema.Struct({
    /** On the server that `NATS_URL` names. */
    subject: Schema.NonEmptyString,
    lease: Schema.optionalKey(Lease)
  })),
  agents_max: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
  /** How these agents are dialled; as the poller's own `security`, unless told. */
  security: Schema.optionalKey(SecurityConfig.SecurityBlock),
  /** Of each of them, beside those that it offers itself. */
  checks: Schema.optionalKey(Schema.Array(CheckEntry.CheckEntry))
})
export type DiscoveryBlock = typeof DiscoveryBlock.Type

export interface Listed {
  readonly address: string
  readonly agentId: string
}

export interface DnsSrv {
  readonly name: string
  readonly interval: Duration.Duration
  /** Empty: the system's. */
  readonly servers: ReadonlyArray<string>
}

export interface NatsSubject {
  readonly subject: string
  readonly lease: Duration.Duration
}

export interface DiscoveryConfig {
  /** The lease; none: nobody may register. */
  readonly registration: Option.Option<Duration.Duration>
  readonly listed: ReadonlyArray<Listed>
  readonly dnsSrv: Option.Option<DnsSrv>
  readonly nats: Option.Option<NatsSubject>
  readonly agentsMax: number
  readonly security: SecurityConfig.SecurityConfig
  readonly checks: ReadonlyArray<Check>
}

export const fromBlock = (block: DiscoveryBlock, own: SecurityConfig.SecurityConfig): DiscoveryConfig => ({
  registration: Option.map(Option.fromNullishOr(block.registration), ({ lease = leaseDefault }) => lease),
  listed: (block.static ?? []).map(({ address, agent_id }) => ({
    address: asciiAddress(address),
    agentId: agent_id === undefined || agent_id === "" ? address : agent_id
  })),
  dnsSrv: Option.map(Option.fromNullishOr(block.dns_srv), ({ interval = intervalDefault, name, servers = [] }) => ({
    name,
    servers,
    interval: Duration.max(interval, intervalMin)
  })),
  nats: Option.map(Option.fromNullishOr(block.nats), ({ lease = leaseDefault, subject }) => ({ subject, lease })),
  agentsMax: block.agents_max ?? agentsDefault,
  security: block.security === undefined ? own : SecurityConfig.fromBlock(block.security),
  checks: (block.checks ?? []).map(CheckEntry.toCheck)
})
