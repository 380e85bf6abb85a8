/**
 * Connections to external checkers, shared by all checks and results requests of one address and security.
 *
 * An address that nobody asks for is disconnected after a while. Dialling never fails: an absent checker fails its calls.
 */
import { Context, Duration, Effect, Layer, Option, RcMap, Result, Schema } from "effect"
import type { AgentConfig } from "../../domain/agent/AgentConfig.ts"
import { dialTarget } from "../../domain/agent/AgentConfig.ts"
import type { InvalidTarget } from "../../domain/monitoring/checks/ProbeTarget.ts"
import { AgentServiceService } from "../../gen/monitoring/monitoring.ts"
import type { Credentials } from "../../services/security/Credentials.ts"
import type { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import * as GrpcChannel from "../grpc/GrpcChannel.ts"
import * as GrpcClient from "../grpc/GrpcClient.ts"
import * as GrpcHealth from "../grpc/GrpcHealth.ts"
import * as GrpcCredentials from "../security/GrpcCredentials.ts"
import * as CheckerCircuit from "./CheckerCircuit.ts"
import * as TargetGuard from "./TargetGuard.ts"

export interface CheckerConnection {
  readonly address: string
  readonly agent: GrpcClient.GrpcClient<typeof AgentServiceService>
  readonly health: GrpcHealth.HealthClient
}

/** No place for one more connection. */
class TooManyCheckers extends Schema.TaggedError<TooManyCheckers>()("TooManyCheckers", {
  connectionsMax: Schema.Int
}) {
  override get message(): string {
    return `this agent is connected to ${this.connectionsMax} external checkers already: spread them over agents`
  }
}

/** A little more than the usual poll interval; addresses that were never any good give their places back soon. */
const idle = Duration.minutes(6)
const connectionsMax = 1024

export class GrpcCheckers extends Context.Service<GrpcCheckers, {
  /** Where the check goes: its details, else its checker file's address. */
  readonly addressOf: (serviceName: string, details: string) => Result.Result<string, InvalidTarget>
  /** The connection, kept open as long as the scope at least. */
  readonly connect: (
    serviceName: string,
    address: string
  ) => ReturnType<typeof connectWith>
  /** Lets the connections of a checker go, which is configured otherwise now. */
  readonly forget: (serviceName: string) => Effect.Effect<void>
  /** Of calls that no check's own back-off keeps from a checker that is away. */
  readonly circuitOf: (serviceName: string, address: string) => CheckerCircuit.CheckerCircuit
}>()("serviceradar/layers/grpc/GrpcCheckers") {
  static readonly layer = (config: AgentConfig): Layer.Layer<GrpcCheckers, never, Credentials | SecurityMonitor> =>
    Layer.effect(
      GrpcCheckers,
      Effect.gen(function*() {
        const connections = yield* openMap(config, yield* TargetGuard.make(config.targets))
        const circuits = yield* CheckerCircuit.make
        return GrpcCheckers.of({
          addressOf: (serviceName, details) => Result.map(dialTarget(config, serviceName, details), (to) => to.address),
          connect: (serviceName, address) => connectWith(connections, serviceName, address),
          forget: (serviceName) => forget(connections, serviceName),
          circuitOf: (serviceName, address) => circuits(keyOf(serviceName, address))
        })
      })
    )
}

const keyOf = (serviceName: string, address: string): string => `${serviceName.replaceAll("\n", " ")}\n${address}`

const openMap = (config: AgentConfig, guard: TargetGuard.TargetGuard) =>
  RcMap.make({
    // The name is part of the key because checker files give security by name.
    lookup: Effect.fnUntraced(function*(key: string) {
      const [serviceName = "", address = ""] = key.split("\n")
      const host = Option.getOrUndefined(
        Result.getSuccess(Result.map(dialTarget(config, serviceName, address), (to) => to.host))
      )
      // Said in its own words before anything is dialled. A name that is not found now is the channel's affair.
      if (host !== undefined) yield* Effect.catchTag(guard.resolve(host), "NameLookupError", () => Effect.void)
      const security = config.checkers.find((checker) => checker.name === serviceName)?.security ?? config.security
      const credentials = yield* GrpcCredentials.client(
        security._tag === "Mtls"
          ? {
            ...security,
            serverName: Option.fromUndefinedOr(host)
          }
          : security,
        address
      )
      const channel = yield* GrpcChannel.make({
        target: address,
        credentials,
        deadline: "15 seconds",
        refusal: (found) => guard.refusal(host ?? address, found)
      })
      return {
        address,
        agent: GrpcClient.fromChannel(AgentServiceService, channel),
        health: GrpcHealth.client(channel)
      } satisfies CheckerConnection
    }),
    idleTimeToLive: idle,
    capacity: connectionsMax
  })

type Connections = Effect.Success<ReturnType<typeof openMap>>

const forget = (connections: Connections, serviceName: string) =>
  Effect.flatMap(RcMap.keys(connections), (keys) =>
    Effect.forEach(
      [...keys].filter((key) => key.startsWith(keyOf(serviceName, ""))),
      (key) => RcMap.invalidate(connections, key),
      { discard: true }
    ))

const connectWith = (connections: Connections, serviceName: string, address: string) =>
  RcMap.get(connections, keyOf(serviceName, address)).pipe(
    Effect.catchTag("ExceededCapacityError", () => new TooManyCheckers({ connectionsMax }))
  )
