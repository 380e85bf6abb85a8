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
import * as ManagementServer from "../../layers/http/ManagementServer.ts"
import * as ReadinessHealth from "../../layers/http/ReadinessHealth.ts"
import { reflectionDescriptors } from "../../layers/monitoring/ReflectionDescriptors.ts"
import * as RegistrationHandlers from "../../layers/poller/discovery/RegistrationHandlers.ts"
import * as GrpcAuthorization from "../../layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../layers/security/GrpcCredentials.ts"
import type { PortSharing } from "../../layers/sockets/PortSharing.ts"
import * as ConfigPart from "../../services/poller/ConfigPart.ts"
import { Arrivals } from "../../services/poller/discovery/Arrivals.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"

interface Options<R> {
  /** What the poller shows of itself; the server over HTTP, where there is one, has registered it. */
  readonly part: Part<R>
  readonly http: ListenAddress | undefined
  /** With the process that replaces this one, or that it replaces. */
  readonly sharing: PortSharing | undefined
}

/** Whether two servers of this process may listen at one address for a moment. */
const isBesideItself = (sharing: PortSharing | undefined): boolean =>
  sharing !== undefined && process.platform === "linux"

const sharingOf = (sharing: PortSharing | undefined, isNext: boolean) =>
  sharing === undefined ? {} : { sharing: isNext ? "beside" as const : sharing }

/** The poller's own security, and whether agents may register, may change while it runs. */
export const child = <R>(address: ListenAddress, { http, part, sharing }: Options<R>) =>
  Supervisor.child({
    id: "GrpcServer",
    start: Effect.gen(function*() {
      if (http === undefined) yield* Management.use(({ register }) => register(part))
      return yield* ConfigPart.start({
        name: "the gRPC server",
        of: ({ discovery, security }) => [security, Option.flatMap(discovery, (one) => one.registration)],
        isBeside: isBesideItself(sharing),
        start: Effect.fnUntraced(function*(config: PollerConfig, isNext: boolean) {
          const credentials = yield* GrpcCredentials.server(config.security, address.host)
          const { requirements, services } = yield* registration(config)
          const server = yield* GrpcServer.make({
            ...address,
            ...sharingOf(sharing, isNext),
            credentials,
            interceptors: yield* GrpcAuthorization.interceptors(config.security, address.host, requirements),
            services,
            descriptors: reflectionDescriptors,
            health: { [config.serviceName]: "SERVING", [ReadinessHealth.name]: "UNKNOWN" }
          })
          yield* Effect.logInfo(`poller ${config.pollerId} serves gRPC on ${server.address}`)
          return ReadinessHealth.follow(server.health)
        })
      })
    })
  })

/** The server over HTTP, likewise. */
export const management = <R>(address: ListenAddress, { part, sharing }: Omit<Options<R>, "http">) =>
  Supervisor.child({
    id: "ManagementServer",
    start: Effect.gen(function*() {
      yield* Management.use(({ register }) => register(part))
      return yield* ConfigPart.start({
        name: "the HTTP server",
        of: ({ security }) => security,
        isBeside: isBesideItself(sharing),
        start: Effect.fnUntraced(function*({ security }: PollerConfig, isNext: boolean) {
          const server = yield* ManagementServer.make({ ...address, security, ...sharingOf(sharing, isNext) })
          yield* Effect.logInfo(`poller serves ${server.isTls ? "HTTPS" : "HTTP"} on ${server.address}`)
          return Effect.never
        })
      })
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
