/**
 * The poller process.
 *
 *   Poller (one_for_all)
 *   ├─ SecurityManager   permanent: certificates
 *   ├─ SecurityMonitor   permanent: alerts
 *   ├─ Rollout           permanent: rolls back; absent without rollout in the file
 *   ├─ StatusBuffer      permanent, 10 s to write what is left; absent without a folder
 *   ├─ CoreReporter      permanent, 10 s to bring what is left to core; writes to the shadow's file in its place
 *   ├─ GrpcServer        permanent, health and reflection; absent without listen_addr
 *   ├─ ManagementServer  permanent; absent without an HTTP address
 *   ├─ MetricsCollector  permanent: how many agents answer
 *   └─ AgentSupervisor   one_for_one, 10 restarts in 60 s
 *      └─ <agent id>     rest_for_one: SecurityContext, ConnectionManager, CheckScheduler, ResultsStreamer, CircuitBreaker
 *
 * Children stop in reverse order, so the last statuses are measured before the reporter drains, and what it leaves is
 * written. What waits belongs to the layer, not to the tree: a restart of all children loses nothing.
 */
import { Config, type Duration, Effect, Layer, Option, Ref, Semaphore } from "effect"
import type { ListenAddress } from "../../domain/config/ListenAddress.ts"
import type { AgentId } from "../../domain/monitoring/Ids.ts"
import type { PollerIdentity } from "../../domain/monitoring/reports/PolledStatus.ts"
import type { PollerConfig } from "../../domain/poller/PollerConfig.ts"
import * as PollPhase from "../../domain/poller/PollPhase.ts"
import { Management, type Part } from "../../layers/http/Management.ts"
import * as ManagementServer from "../../layers/http/ManagementServer.ts"
import * as AgentsRoute from "../../layers/poller/AgentsRoute.ts"
import * as DiskStatusBuffer from "../../layers/poller/buffer/DiskStatusBuffer.ts"
import * as NodeSegmentFiles from "../../layers/poller/buffer/NodeSegmentFiles.ts"
import * as GrpcAgentClient from "../../layers/poller/GrpcAgentClient.ts"
import * as GrpcCoreClient from "../../layers/poller/GrpcCoreClient.ts"
import * as NodeHostNetwork from "../../layers/process/NodeHostNetwork.ts"
import * as SecurityLayer from "../../layers/security/SecurityLayer.ts"
import * as AgentCoordinator from "../../services/poller/AgentCoordinator.ts"
import * as AgentLink from "../../services/poller/AgentLink.ts"
import * as MemoryStatusBuffer from "../../services/poller/buffer/MemoryStatusBuffer.ts"
import { StatusBuffer } from "../../services/poller/buffer/StatusBuffer.ts"
import { CoreReporter } from "../../services/poller/CoreReporter.ts"
import { HostIdentity } from "../../services/poller/HostIdentity.ts"
import * as MetricsCollector from "../../services/poller/MetricsCollector.ts"
import * as RolloutGate from "../../services/poller/rollout/RolloutGate.ts"
import * as SecurityManager from "../../services/security/SecurityManager.ts"
import type { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as PollerRollout from "./PollerRollout.ts"
import * as PollerServer from "./PollerServer.ts"

export interface PollerOptions extends PollerRollout.RolloutOptions {
  /** Where to serve health, metrics and the live tree over HTTP. */
  readonly http?: ListenAddress
  /** How long a status waits for others to join its report. 5 s unless told. */
  readonly batchWait?: Duration.Input
  /** Where statuses wait while core is away and after a restart; without it in memory. */
  readonly bufferFolder?: string
}

const drainTimeout = "10 seconds"

/** The children of a poller, for a supervisor of its own or inside a larger tree. */
export const tree = (config: PollerConfig, options: PollerOptions = {}) => {
  const links = linksOf(config)
  const part = shown(config, links, options)
  return {
    id: "Poller",
    strategy: "one_for_all",
    children: [
      ...SecurityManager.children,
      ...PollerRollout.children(config, options),
      ...(options.bufferFolder === undefined ? [] : [
        Supervisor.child({
          id: "StatusBuffer",
          shutdown: drainTimeout,
          run: StatusBuffer.use((buffer) => buffer.run)
        })
      ]),
      Supervisor.child({
        id: "CoreReporter",
        shutdown: drainTimeout,
        run: RolloutGate.whileOpen(CoreReporter.use((reporter) => reporter.run))
      }),
      ...Option.toArray(config.listenAddress).map((address) => PollerServer.child(config, address, part, options.http)),
      ...(options.http === undefined
        ? []
        : [
          ManagementServer.child(
            "poller",
            { ...options.http, security: config.security },
            shown(config, links, options)
          )
        ]),
      Supervisor.child({ id: "MetricsCollector", run: MetricsCollector.run(Effect.succeed(links)) }),
      AgentCoordinator.supervisor(links)
    ]
  } as const
}

/** What the tree needs, over gRPC and this machine's network. */
export const layer = (config: PollerConfig, options: PollerOptions = {}) =>
  Layer.unwrap(Effect.map(operatorAddresses(config), (addresses) =>
    reporterLayer(config, options).pipe(
      Layer.provideMerge(bufferLayer(config, options)),
      Layer.provide(GrpcCoreClient.layer({ address: config.coreAddress, security: config.security })),
      Layer.provideMerge(HostIdentity.layer(addresses).pipe(Layer.provide(NodeHostNetwork.layer))),
      Layer.merge(GrpcAgentClient.layer),
      Layer.merge(Management.layer),
      Layer.merge(PollerRollout.layer(config, options)),
      Layer.provideMerge(SecurityLayer.layer)
    )))

const reporterLayer = (config: PollerConfig, options: PollerOptions) =>
  PollerRollout.shadowReporter(config, options) ?? CoreReporter.layer({
    poller: identityOf(config),
    pollInterval: config.pollInterval,
    expected: AgentLink.regularChecks(config.agents),
    drainRate: Option.getOrUndefined(config.buffer.drainRate),
    ...(options.batchWait === undefined ? {} : { batchWait: options.batchWait })
  })

const bufferLayer = ({ buffer }: PollerConfig, { bufferFolder }: PollerOptions) => {
  const { ageMax, bytesMax } = buffer
  if (bufferFolder === undefined) return MemoryStatusBuffer.layer({ ageMax })
  return Layer.unwrap(Effect.map(
    NodeSegmentFiles.make(bufferFolder),
    (files) => DiskStatusBuffer.layer({ files, ageMax, bytesMax })
  ))
}

/** Runs until it is interrupted, or until a part of it cannot be kept alive. */
export const run = (config: PollerConfig, options: PollerOptions = {}) =>
  Supervisor.run(tree(config, options)).pipe(Effect.provide(layer(config, options)))

const identityOf = ({ kvStoreId, partition, pollerId }: PollerConfig): PollerIdentity => ({
  pollerId,
  partition,
  kvStoreId
})

/** Agents of a large fleet that are looked for at the same time. */
const turnsMax = 32

const linksOf = (config: PollerConfig): ReadonlyArray<AgentLink.AgentLink> => {
  const { agents, pollInterval } = config
  const turns = PollPhase.isLarge(agents.length) ? Option.some(Semaphore.makeUnsafe(turnsMax)) : Option.none()
  return agents.map((agent) =>
    AgentLink.make({
      agent,
      poller: identityOf(config),
      pollInterval,
      turns,
      phase: PollPhase.phaseOf(agent.agentId, agents.length, pollInterval)
    })
  )
}

const shown = (
  config: PollerConfig,
  links: ReadonlyArray<AgentLink.AgentLink>,
  options: PollerOptions
): Part<CoreReporter | StatusBuffer | SecurityMonitor> => ({
  ...AgentsRoute.part(Effect.succeed(links)),
  checks: [
    {
      name: PollerRollout.isShadow(config, options) ? "shadow" : "core",
      ready: CoreReporter.use(({ trouble }) => Effect.flatMap(trouble, notReady))
    },
    ...(options.bufferFolder === undefined
      ? []
      : [{ name: "buffer", ready: StatusBuffer.use(({ trouble }) => Effect.flatMap(trouble, notReady)) }]),
    { name: "agents", ready: Effect.flatMap(Effect.forEach(links, (link) => Ref.get(link.absence)), allAbsent) }
  ]
})

const notReady = (reason: Option.Option<string>): Effect.Effect<void, { readonly message: string }> =>
  Option.match(reason, { onNone: () => Effect.void, onSome: (message) => Effect.fail({ message }) })

/** Single absent agents are what a poller is there to report; without any it is most likely itself cut off. */
const allAbsent = (absences: ReadonlyArray<Option.Option<unknown>>) =>
  notReady(
    absences.length > 0 && absences.every(Option.isSome)
      ? Option.some(`none of the ${absences.length} agents answers`)
      : Option.none()
  )

const sourceIpVariables = ["SERVICERADAR_SOURCE_IP", "POD_IP", "HOST_IP", "NODE_IP"]

/** `SERVICERADAR_AGENT_EDGE_1_IP` for the agent `edge-1`. */
const agentIpVariable = (agentId: AgentId): string =>
  `SERVICERADAR_AGENT_${agentId.toUpperCase().replaceAll("-", "_")}_IP`

const variable = (name: string) => Config.option(Config.String(name))

/** What the environment and the file say about addresses, the environment first. */
const operatorAddresses = Effect.fnUntraced(function*(config: PollerConfig) {
  const named = yield* Effect.forEach(sourceIpVariables, variable)
  const agents = yield* Effect.forEach(
    config.agents,
    ({ agentId }) => Effect.map(variable(agentIpVariable(agentId)), (ip) => [agentId, ip] as const)
  )
  const agentIps = new Map(agents)
  return {
    sourceIps: [...named.flatMap(Option.toArray), config.sourceIp],
    agentIp: (agentId: AgentId) => agentIps.get(agentId) ?? Option.none()
  }
})
