/**
 * The agent process.
 *
 *   Agent (rest_for_one)
 *   ├─ SecurityManager   permanent: certificates
 *   ├─ SecurityMonitor   permanent: alerts
 *   ├─ Plugins           permanent: follows the folder of checkers' modules; absent without one in the file
 *   ├─ Programs          permanent, dynamic: one supervisor for each checker that the agent runs
 *   ├─ Checkers          permanent, one_for_one, of dynamic supervisors; a checker is made when it is first asked for
 *   │  ├─ SnmpChecker       of transient ones, with five seconds to end
 *   │  ├─ PortChecker       of temporary ones, such as port:ssh:127.0.0.1:22
 *   │  ├─ ProcessChecker    of transient ones
 *   │  └─ OtherCheckers     of transient ones; a module's has a thread
 *   ├─ SyncResults       permanent: passes on what external checkers have found, such as the devices of sync
 *   ├─ ConfigWatcher     permanent: takes up what is different in the files; absent without any
 *   ├─ GrpcServer        permanent, AgentService, health and reflection
 *   ├─ HealthMonitor     permanent: readiness, over gRPC and HTTP
 *   ├─ Registration      permanent: registers at a poller; absent without one in the file
 *   ├─ SweepConfig       permanent: what this agent is told to sweep; only where there is a JetStream to read it from
 *   └─ ManagementServer  permanent; absent without an HTTP address
 *
 * Order matters: whatever a poller may ask is there before the port opens, and the port closes before anything else stops.
 */
import { Effect, Layer, Option } from "effect"
import { type AgentConfig, programsOf } from "../../domain/agent/AgentConfig.ts"
import type { RegistrationConfig } from "../../domain/agent/Registration.ts"
import type { ListenAddress } from "../../domain/config/ListenAddress.ts"
import * as ServiceKinds from "../../domain/monitoring/ServiceKinds.ts"
import * as AgentServiceHandlers from "../../layers/agent/AgentServiceHandlers.ts"
import * as GrpcPollerRegistry from "../../layers/agent/GrpcPollerRegistry.ts"
import * as PortProgram from "../../layers/agent/programs/PortProgram.ts"
import { packageVersion } from "../../layers/command/PackageVersion.ts"
import type * as GrpcHealth from "../../layers/grpc/GrpcHealth.ts"
import * as GrpcServer from "../../layers/grpc/GrpcServer.ts"
import { Management } from "../../layers/http/Management.ts"
import * as ManagementServer from "../../layers/http/ManagementServer.ts"
import * as ReadinessHealth from "../../layers/http/ReadinessHealth.ts"
import { reflectionDescriptors } from "../../layers/monitoring/ReflectionDescriptors.ts"
import { GrpcCheckers } from "../../layers/probes/GrpcCheckers.ts"
import * as CheckerModules from "../../layers/probes/modules/CheckerModules.ts"
import * as ProbeTable from "../../layers/probes/ProbeTable.ts"
import { Spawner } from "../../layers/process/spawn/Spawner.ts"
import * as SpawnHouse from "../../layers/process/spawn/SpawnHouse.ts"
import * as GrpcAuthorization from "../../layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../layers/security/GrpcCredentials.ts"
import * as SecurityLayer from "../../layers/security/SecurityLayer.ts"
import { CheckRunner } from "../../services/agent/CheckRunner.ts"
import { CheckerPrograms } from "../../services/agent/programs/CheckerPrograms.ts"
import * as Registration from "../../services/agent/Registration.ts"
import { SyncResults } from "../../services/agent/SyncResults.ts"
import * as SecurityManager from "../../services/security/SecurityManager.ts"
import * as ChildSpec from "../../services/supervision/ChildSpec.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as ConfigWatcher from "./ConfigWatcher.ts"

export interface AgentOptions<E = never, R = never> {
  /** Where to serve health, metrics and the live tree over HTTP. */
  readonly http?: ListenAddress
  /** The PATH variable, to find ping programs. */
  readonly path?: string
  /** Where the configuration came from, when it may change while the agent runs. */
  readonly watched?: ConfigWatcher.WatchedConfig
  /** Such as that of `SweepGuest`: nothing is asked of them, so they start when all else has. */
  readonly guests?: ReadonlyArray<ChildSpec.ChildSpec<E, R>>
  /** The types of services that these answer, for pollers at which the agent registers. */
  readonly answered?: ReadonlyArray<string>
}

const checkersId = "Checkers"
const programsId = "Programs"

interface Served {
  health: GrpcHealth.Health | undefined
}

const grpcServer = (config: AgentConfig, served: Served) =>
  Supervisor.child({
    id: "GrpcServer",
    start: Effect.gen(function*() {
      const credentials = yield* GrpcCredentials.server(config.security, config.listen.host)
      const server = yield* GrpcServer.make({
        ...config.listen,
        credentials,
        interceptors: yield* GrpcAuthorization.interceptors(config.security, config.listen.host, [
          AgentServiceHandlers.requirements
        ]),
        services: [AgentServiceHandlers.make(config)],
        descriptors: reflectionDescriptors,
        health: { AgentService: "SERVING", [ReadinessHealth.name]: "UNKNOWN" }
      })
      served.health = server.health
      yield* Effect.logInfo(`agent ${config.agentId} serves gRPC on ${server.address}`)
      return Effect.never
    })
  })

/** Whatever is passed on ends with it. */
const syncResults = Supervisor.child({
  id: "SyncResults",
  start: Effect.as(SyncResults.use(({ serve }) => serve), Effect.never)
})

/** Says over gRPC and HTTP whether checks can be made. */
const healthMonitor = (served: Served) =>
  Supervisor.child({
    id: "HealthMonitor",
    run: Effect.gen(function*() {
      yield* Management.use(({ register }) =>
        register({ checks: [{ name: "checkers", ready: CheckRunner.use(({ ready }) => ready) }] })
      )
      return yield* served.health === undefined ? Effect.never : ReadinessHealth.follow(served.health)
    })
  })

/** After the server: a poller that knows the agent asks at once. */
const registration = (config: AgentConfig, at: RegistrationConfig, answered: ReadonlyArray<string>) =>
  Supervisor.child({
    id: "Registration",
    start: Effect.gen(function*() {
      const modules = yield* CheckerModules.CheckerModules
      const registry = yield* GrpcPollerRegistry.make(at, {
        agentId: config.agentId,
        port: config.listen.port,
        version: packageVersion(),
        checks: () => Option.match(config.registration, { onNone: () => [], onSome: ({ checks }) => checks }),
        capabilities: () => [...ServiceKinds.probedTypes, ...answered, ...modules.types()]
      })
      return Registration.keep(registry)
    })
  })

/** The children of an agent, for a supervisor of its own or inside a larger tree. */
export const tree = <E = never, R = never>(config: AgentConfig, options: AgentOptions<E, R> = {}) => {
  const served: Served = { health: undefined }
  return {
    id: "Agent",
    strategy: "rest_for_one",
    children: [
      ...SecurityManager.children,
      ...(Option.isNone(config.plugins) ? [] : [
        Supervisor.child({
          id: "Plugins",
          run: Effect.flatMap(CheckerModules.CheckerModules, (modules) => modules.run)
        })
      ]),
      ...(config.checkers.some(({ program }) => program !== undefined) || options.watched !== undefined
        ? [ChildSpec.make("dynamic", { id: programsId, start: CheckerPrograms.use(({ serve }) => serve(programsId)) })]
        : []),
      ChildSpec.make("supervisor", { id: checkersId, start: CheckRunner.use((runner) => runner.serve(checkersId)) }),
      syncResults,
      ...(options.watched === undefined ? [] : [ConfigWatcher.child(options.watched)]),
      grpcServer(config, served),
      healthMonitor(served),
      ...Option.toArray(config.registration).map((at) => registration(config, at, options.answered ?? [])),
      ...(options.guests ?? []),
      ...(options.http === undefined
        ? []
        : [ManagementServer.child("agent", { ...options.http, security: config.security })])
    ]
  } as const
}

/** The checkers that the agent runs itself; their health is asked on the connection that their checks have. */
const programs = (config: AgentConfig, { path }: Pick<AgentOptions, "path">) =>
  Layer.unwrap(Effect.map(Effect.all([GrpcCheckers, Spawner]), ([checkers, begin]) =>
    CheckerPrograms.layer(
      (spec) =>
        PortProgram.start(spec, {
          begin,
          path,
          health: ({ name }, address) => Effect.map(checkers.connect(name, address), ({ health }) => health)
        }),
      programsOf(config)
    )))

/** What the tree needs: this host's probes and the way to external checkers. */
export const layer = (config: AgentConfig, options: Pick<AgentOptions, "path"> = {}) =>
  CheckRunner.layer().pipe(
    Layer.provide(ProbeTable.layer({ config, path: options.path })),
    Layer.provideMerge(Option.match(config.plugins, { onNone: () => Layer.empty, onSome: CheckerModules.layer })),
    Layer.merge(programs(config, options)),
    Layer.provideMerge(GrpcCheckers.layer(config)),
    Layer.provideMerge(SpawnHouse.layer),
    Layer.merge(SyncResults.layer()),
    Layer.provideMerge(Management.layer),
    Layer.provideMerge(SecurityLayer.layer)
  )

/** Runs until it is interrupted, or until a part of it cannot be kept alive. */
export const run = <R = never>(config: AgentConfig, options: AgentOptions<never, R> = {}) =>
  Supervisor.run(tree(config, options)).pipe(Effect.provide(layer(config, options)))
