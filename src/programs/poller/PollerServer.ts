/**
 * A poller's own gRPC server: health, reflection, and the registration of agents where its file has it.
 *
 * The name of the service is healthy as long as the poller runs, which is what existing peers ask for: whoever restarts
 * what is not healthy must not do so because core is away. Readiness has a name of its own.
 */
import { Effect, Option } from "effect"
import type { ListenAddress } from "../../domain/config/ListenAddress.ts"
import type { PollerConfig } from "../../domain/poller/PollerConfig.ts"
import * as GrpcServer from "../../layers/grpc/GrpcServer.ts"
import { Management, type Part } from "../../layers/http/Management.ts"
import * as ReadinessHealth from "../../layers/http/ReadinessHealth.ts"
import { reflectionDescriptors } from "../../layers/monitoring/ReflectionDescriptors.ts"
import * as RegistrationHandlers from "../../layers/poller/discovery/RegistrationHandlers.ts"
import * as GrpcAuthorization from "../../layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../layers/security/GrpcCredentials.ts"
import type { PortSharing } from "../../layers/sockets/PortSharing.ts"
import { Arrivals } from "../../services/poller/discovery/Arrivals.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"

interface Options<R> {
  /** What the poller shows of itself; the server over HTTP, where there is one, has registered it. */
  readonly part: Part<R>
  readonly http: ListenAddress | undefined
  /** With the process that replaces this one, or that it replaces. */
  readonly sharing: PortSharing | undefined
}

export const child = <R>(config: PollerConfig, address: ListenAddress, { http, part, sharing }: Options<R>) =>
  Supervisor.child({
    id: "GrpcServer",
    start: Effect.gen(function*() {
      const credentials = yield* GrpcCredentials.server(config.security, address.host)
      const { requirements, services } = yield* registration(config)
      const server = yield* GrpcServer.make({
        ...address,
        ...(sharing === undefined ? {} : { sharing }),
        credentials,
        interceptors: yield* GrpcAuthorization.interceptors(config.security, address.host, requirements),
        services,
        descriptors: reflectionDescriptors,
        health: { [config.serviceName]: "SERVING", [ReadinessHealth.name]: "UNKNOWN" }
      })
      yield* Effect.logInfo(`poller ${config.pollerId} serves gRPC on ${server.address}`)
      if (http === undefined) yield* Management.use(({ register }) => register(part))
      return ReadinessHealth.follow(server.health)
    })
  })

/** What agents register with; nothing where none may. */
const registration = Effect.fnUntraced(function*({ discovery, pollerId }: PollerConfig) {
  const arrivals = yield* Effect.serviceOption(Arrivals)
  const lease = Option.flatMap(discovery, (one) => one.registration)
  if (Option.isNone(arrivals) || Option.isNone(lease)) return { services: [], requirements: [] }
  return {
    services: [RegistrationHandlers.make({ pollerId, lease: lease.value, arrivals: arrivals.value })],
    requirements: [RegistrationHandlers.requirements]
  }
})
