/**
 * The poller process.
 *
 *   Poller (one_for_all)
 *   ├─ SecurityManager   permanent: certificates
 *   ├─ SecurityMonitor   permanent: alerts
 *   ├─ Rollout           permanent: rolls back; absent without rollout in the file
 *   ├─ ConfigWatcher     permanent: applies the configuration when it is another one; absent without one that can change
 *   ├─ StatusBuffer      permanent, 10 s to write what is left; absent without a folder
 *   ├─ Plugins           permanent; absent without plugins, unless the file may come to have some
 *   ├─ CoreReporter      permanent, 10 s to bring what is left to core; writes to the shadow's file in its place
 *   ├─ GrpcServer        permanent, health and reflection; absent without listen_addr
 *   ├─ ManagementServer  permanent; absent without an HTTP address
 *   ├─ MetricsCollector  permanent: how many agents answer
 *   ├─ AgentSupervisor   dynamic, one_for_one, 10 restarts in 60 s
 *   │  └─ <agent id>     rest_for_one: SecurityContext, ConnectionManager, CheckScheduler, ResultsStreamer, CircuitBreaker
 *   ├─ AgentRoster       permanent: the agents that the configuration has now
 *   └─ Discovery         one_for_one: agents that are in no file, see PollerDiscovery
 *
 * Children stop in reverse order, so the last statuses are measured before the reporter drains, and what it leaves is
 * written. What waits belongs to the layer, not to the tree: a restart of all children loses nothing.
 *
 * Beside the tree a poller with a folder takes over from the one that has it, when it is started for that, and then lets
 * itself be replaced in the same way, see Replacement.
 */
import { Config, type Duration, Effect, Layer, Option, Ref } from "effect"
import type { ListenAddress } from "../../domain/config/ListenAddress.ts"
import type { AgentId } from "../../domain/monitoring/Ids.ts"
import type { PollerConfig } from "../../domain/poller/PollerConfig.ts"
import { Management, type Part } from "../../layers/http/Management.ts"
import * as AgentsRoute from "../../layers/poller/AgentsRoute.ts"
import * as DiskStatusBuffer from "../../layers/poller/buffer/DiskStatusBuffer.ts"
import * as NodeSegmentFiles from "../../layers/poller/buffer/NodeSegmentFiles.ts"
import * as GrpcAgentClient from "../../layers/poller/GrpcAgentClient.ts"
import * as GrpcCoreClient from "../../layers/poller/GrpcCoreClient.ts"
import * as Replacement from "../../layers/poller/handover/Replacement.ts"
import * as PluginFolder from "../../layers/poller/plugins/PluginFolder.ts"
import * as ReplyThread from "../../layers/poller/replies/ReplyThread.ts"
import * as NodeHostNetwork from "../../layers/process/NodeHostNetwork.ts"
import * as SecurityLayer from "../../layers/security/SecurityLayer.ts"
import * as AgentSupervisor from "../../services/poller/AgentSupervisor.ts"
import * as MemoryStatusBuffer from "../../services/poller/buffer/MemoryStatusBuffer.ts"
import { StatusBuffer } from "../../services/poller/buffer/StatusBuffer.ts"
import * as ConfigPart from "../../services/poller/ConfigPart.ts"
import { CoreReporter } from "../../services/poller/CoreReporter.ts"
import { Fleet } from "../../services/poller/Fleet.ts"
import { HostIdentity } from "../../services/poller/HostIdentity.ts"
import * as MetricsCollector from "../../services/poller/MetricsCollector.ts"
import * as ReplyPlugins from "../../services/poller/plugins/ReplyPlugins.ts"
import * as Reconfiguration from "../../services/poller/Reconfiguration.ts"
import * as RolloutGate from "../../services/poller/rollout/RolloutGate.ts"
import * as SecurityManager from "../../services/security/SecurityManager.ts"
import type { SecurityMonitor } from "../../services/security/SecurityMonitor.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as ConfigWatcher from "./ConfigWatcher.ts"
import * as PollerDiscovery from "./PollerDiscovery.ts"
import * as PollerRollout from "./PollerRollout.ts"
import * as PollerServer from "./PollerServer.ts"

export interface PollerOptions extends PollerRollout.RolloutOptions {
  /** Where to serve health, metrics and the live tree over HTTP. */
  readonly http?: ListenAddress
  /** How long a status waits for others to join its report. 5 s unless told. */
  readonly batchWait?: Duration.Input
  /** Where statuses wait while core is away and after a restart; without it in memory. */
  readonly bufferFolder?: string
  /** Where the configuration came from, when it may change while the poller runs. */
  readonly watched?: ConfigWatcher.WatchedConfig
  /** The process that this one takes over from, or that takes over from it. */
  readonly replacement?: Replacement.Replacement
}

const drainTimeout = "10 seconds"

/** The children of a poller, for a supervisor of its own or inside a larger tree. */
export const tree = (config: PollerConfig, options: PollerOptions = {}) => {
  const sharing = options.replacement?.sharing
  const part = shown(config, options)
  return {
    id: "Poller",
    strategy: "one_for_all",
    children: [
      ...SecurityManager.children,
      ...PollerRollout.children(config, options),
      ...(options.watched === undefined ? [] : [ConfigWatcher.child(options.watched)]),
      ...(options.bufferFolder === undefined ? [] : [
        Supervisor.child({
          id: "StatusBuffer",
          shutdown: drainTimeout,
          run: StatusBuffer.use((buffer) => buffer.run)
        })
      ]),
      ...(Option.isNone(config.plugins) && options.watched === undefined ? [] : [plugins]),
      Supervisor.child({
        id: "CoreReporter",
        shutdown: drainTimeout,
        run: RolloutGate.whileOpen(CoreReporter.use((reporter) => reporter.run))
      }),
      ...Option.toArray(config.listenAddress).map((address) =>
        PollerServer.child(address, { part, http: options.http, sharing })
      ),
      ...(options.http === undefined
        ? []
        : [PollerServer.management(options.http, { part, sharing })]),
      Supervisor.child({ id: "MetricsCollector", run: Effect.flatMap(links, MetricsCollector.run) }),
      ...AgentSupervisor.children(),
      ...PollerDiscovery.children(config, options.watched !== undefined)
    ]
  } as const
}

/** What is there is loaded before the first agent is asked; that of another folder, before the one before goes. */
const plugins = Supervisor.child({
  id: "Plugins",
  start: ConfigPart.start({
    name: "plugins",
    of: ({ plugins }) => plugins,
    isBeside: true,
    start: ({ plugins }) =>
      Option.match(plugins, { onNone: () => Effect.succeed(Effect.never), onSome: PluginFolder.open })
  })
})

/** What the tree needs, over gRPC and this machine's network. */
export const layer = (config: PollerConfig, options: PollerOptions = {}) =>
  Layer.unwrap(Effect.map(operatorAddresses(config), (addresses) =>
    reporterLayer(config, options).pipe(
      Layer.provideMerge(bufferLayer(config, options)),
      Layer.provide(Layer.unwrap(Effect.map(
        Fleet,
        ({ current }) =>
          GrpcCoreClient.layerFollowing(
            Effect.map(current, ({ config: { coreAddress, security } }) => ({ address: coreAddress, security }))
          )
      ))),
      Layer.provideMerge(Fleet.layer(config, options.replacement?.isPolledByOther)),
      Layer.provideMerge(HostIdentity.layer(addresses).pipe(Layer.provide(NodeHostNetwork.layer))),
      Layer.merge(GrpcAgentClient.layer),
      Layer.merge(Management.layer),
      Layer.merge(PollerRollout.layer(config, options)),
      Layer.merge(ReplyThread.layer()),
      Layer.merge(Layer.sync(ReplyPlugins.ReplyPlugins, ReplyPlugins.make)),
      Layer.provideMerge(SecurityLayer.layer)
    )))

const reporterLayer = (config: PollerConfig, options: PollerOptions) =>
  PollerRollout.shadowReporter(config, options) ?? CoreReporter.layer({
    ...Reconfiguration.reported(config),
    drainRate: Option.getOrUndefined(config.buffer.drainRate),
    ...(options.replacement === undefined ? {} : { hasSuccessor: options.replacement.hasSuccessor }),
    ...(options.batchWait === undefined ? {} : { batchWait: options.batchWait })
  })

const bufferLayer = ({ buffer }: PollerConfig, { bufferFolder, replacement }: PollerOptions) => {
  const { ageMax, bytesMax } = buffer
  if (bufferFolder === undefined) return MemoryStatusBuffer.layer({ ageMax })
  return Layer.unwrap(Effect.map(
    NodeSegmentFiles.make(bufferFolder),
    (files) =>
      DiskStatusBuffer.layer({
        files,
        ageMax,
        bytesMax,
        ...(replacement === undefined ? {} : { after: replacement.isOver })
      })
  ))
}

/** Runs until it is interrupted, or until a part of it cannot be kept alive. */
export const run = Effect.fnUntraced(function*(config: PollerConfig, options: PollerOptions & Replaceable = {}) {
  const { bufferFolder: folder, replaces = false } = options
  const replacement = yield* Replacement.make({ folder, pollerId: config.pollerId, replaces })
  const replaceable = { ...options, replacement }
  yield* Effect.provide(live(config, replaceable), layer(config, replaceable))
}, Effect.scoped)

/** The tree, until another process has taken over. */
export const live = (
  config: PollerConfig,
  options: PollerOptions & { readonly replacement: Replacement.Replacement }
) => Effect.raceFirst(Supervisor.run(tree(config, options)), Effect.flatMap(links, options.replacement.run))

interface Replaceable {
  /** Takes over from the poller that has the folder. */
  readonly replaces?: boolean
}

/** Those that are polled now. */
const links = Effect.map(Fleet, ({ current }) => Effect.map(current, ({ links }) => [...links.values()]))

const shown = (
  config: PollerConfig,
  options: PollerOptions
): Part<CoreReporter | StatusBuffer | SecurityMonitor | Fleet> => ({
  ...AgentsRoute.part(Effect.flatten(links)),
  checks: [
    {
      name: PollerRollout.isShadow(config, options) ? "shadow" : "core",
      ready: CoreReporter.use(({ trouble }) => Effect.flatMap(trouble, notReady))
    },
    ...(options.bufferFolder === undefined
      ? []
      : [{ name: "buffer", ready: StatusBuffer.use(({ trouble }) => Effect.flatMap(trouble, notReady)) }]),
    {
      name: "agents",
      ready: Effect.flatten(links).pipe(
        Effect.flatMap((all) => Effect.forEach(all, ({ absence }) => Ref.get(absence))),
        Effect.flatMap(allAbsent)
      )
    }
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
  return {
    sourceIps: [...named.flatMap(Option.toArray), config.sourceIp],
    // One that cannot be read is none.
    agentIp: (agentId: AgentId) => Effect.orElseSucceed(variable(agentIpVariable(agentId)), () => Option.none<string>())
  }
})
