/** Where an agent registers by itself, and what it wants to be asked there. */
import { Option, Schema } from "effect"
import { asciiAddress } from "../monitoring/checks/ProbeTarget.ts"
import { ServiceName, ServiceType } from "../monitoring/Ids.ts"
import * as SecurityConfig from "../security/SecurityConfig.ts"
import * as HostPort from "../sockets/HostPort.ts"

const OfferedCheck = Schema.Struct({
  service_type: ServiceType,
  service_name: ServiceName,
  details: Schema.optionalKey(Schema.String),
  port: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })))
})

/** As pollers take them. */
const checksMax = 100

export const RegistrationBlock = Schema.Struct({
  poller_address: Schema.String.check(
    Schema.makeFilter((text) =>
      Option.exists(HostPort.parse(text), ({ host }) => host !== "") || "an address such as \"poller:50053\""
    )
  ),
  /** How the poller is dialled; as the agent's own `security`, unless told. */
  security: Schema.optionalKey(SecurityConfig.SecurityBlock),
  checks: Schema.optionalKey(Schema.Array(OfferedCheck).check(Schema.isMaxLength(checksMax)))
})

export interface RegistrationConfig {
  readonly pollerAddress: string
  readonly security: SecurityConfig.SecurityConfig
  readonly checks: ReadonlyArray<{
    readonly serviceType: string
    readonly serviceName: string
    readonly details: string
    readonly port: number
  }>
}

export const fromBlock = (
  block: typeof RegistrationBlock.Type,
  own: SecurityConfig.SecurityConfig
): RegistrationConfig => ({
  pollerAddress: asciiAddress(block.poller_address),
  security: block.security === undefined ? own : SecurityConfig.fromBlock(block.security),
  checks: (block.checks ?? []).map((check) => ({
    serviceType: check.service_type,
    serviceName: check.service_name,
    details: check.details ?? "",
    port: check.port ?? 0
  }))
})
