/** Registers at a poller over gRPC, on one channel for the life of the scope. */
import { Duration, Effect } from "effect"
import type { RegistrationConfig } from "../../domain/agent/Registration.ts"
import { AgentRegistrationService } from "../../gen/serviceradar/registration.ts"
import { type PollerRegistry, RegistrationError } from "../../services/agent/Registration.ts"
import * as GrpcChannel from "../grpc/GrpcChannel.ts"
import * as GrpcClient from "../grpc/GrpcClient.ts"
import type { GrpcError } from "../grpc/GrpcError.ts"
import * as GrpcCredentials from "../security/GrpcCredentials.ts"

export interface Registrant {
  readonly agentId: string
  /** Where it serves. */
  readonly port: number
  readonly version: string
  /** What it wants to be asked now. */
  readonly checks: () => RegistrationConfig["checks"]
  /** Types of services that it answers now. */
  readonly capabilities: () => ReadonlyArray<string>
}

const deadline = "10 seconds"
const reconnectDelayMax = "5 seconds"

export const make = Effect.fnUntraced(function*(
  { pollerAddress, security }: Pick<RegistrationConfig, "pollerAddress" | "security">,
  { agentId, capabilities, checks, port, version }: Registrant
) {
  const credentials = yield* GrpcCredentials.client(security, pollerAddress)
  const channel = yield* GrpcChannel.make({ target: pollerAddress, credentials, reconnectDelayMax })
  const client = GrpcClient.fromChannel(AgentRegistrationService, channel)
  const failed = ({ _tag, detail }: GrpcError) =>
    new RegistrationError({ poller: pollerAddress, detail: `${_tag}: ${detail}` })
  const request = () => ({ agentId, port, version, capabilities: [...capabilities()], checks: [...checks()] })
  return {
    poller: pollerAddress,
    register: Effect.suspend(() => client.register(request(), { deadline })).pipe(
      Effect.map(({ leaseMillis }) => Duration.millis(Number(leaseMillis))),
      Effect.mapError(failed)
    ),
    deregister: client.deregister({ agentId }, { deadline }).pipe(Effect.asVoid, Effect.mapError(failed))
  } satisfies PollerRegistry
})
