/**
 * The sync process.
 *
 *   Sync (one_for_one, 10 restarts in 60 s)
 *   ├─ SecurityManager   permanent: certificates
 *   ├─ SecurityMonitor   permanent: alerts
 *   ├─ SpoolWatch        permanent: ends the service when its folder is taken away
 *   ├─ Sources           see Roster: one child for each source, with a schedule, a breaker and a state of its own
 *   ├─ Aggregator        permanent: the served set, when a source has something new
 *   ├─ NatsConnection    permanent; only without kv_address and with nats_url, absent where somebody else keeps it
 *   ├─ KvWriter          permanent: agents' sweep configs; absent without a store for them
 *   ├─ WriteBack         see Roster: one child for each source that is told what core found out
 *   ├─ Reload            permanent: the configuration file again, at SIGHUP; absent where there is none
 *   ├─ ResultsServer     permanent: gRPC for pollers and agents
 *   └─ ManagementServer  permanent; absent without an HTTP address
 *
 * What the children share is on the disk (`Spool`): each can be restarted alone, and the service begins where it ended.
 */
import { Duration, Effect, Layer, Option, Random, Redacted, Stream } from "effect"
import type { ListenAddress } from "../../domain/config/ListenAddress.ts"
import * as SyncConfig from "../../domain/sync/SyncConfig.ts"
import * as GrpcServer from "../../layers/grpc/GrpcServer.ts"
import { Management } from "../../layers/http/Management.ts"
import * as ManagementServer from "../../layers/http/ManagementServer.ts"
import { reflectionDescriptors } from "../../layers/monitoring/ReflectionDescriptors.ts"
import { NatsConnection } from "../../layers/nats/connection/NatsConnection.ts"
import { NatsEndpoint } from "../../layers/nats/connection/NatsEndpoint.ts"
import * as GrpcAuthorization from "../../layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../layers/security/GrpcCredentials.ts"
import * as SecurityLayer from "../../layers/security/SecurityLayer.ts"
import * as CatalogToldAgents from "../../layers/sync/CatalogToldAgents.ts"
import * as FileResultsStore from "../../layers/sync/FileResultsStore.ts"
import * as GrpcSweepConfigStore from "../../layers/sync/GrpcSweepConfigStore.ts"
import * as JetStreamSweepConfigStore from "../../layers/sync/JetStreamSweepConfigStore.ts"
import * as SourceTable from "../../layers/sync/SourceTable.ts"
import * as SpoolLock from "../../layers/sync/SpoolLock.ts"
import * as SqliteSpool from "../../layers/sync/SqliteSpool.ts"
import * as SyncRoute from "../../layers/sync/SyncRoute.ts"
import * as SyncServiceHandlers from "../../layers/sync/SyncServiceHandlers.ts"
import * as WriteBackTable from "../../layers/sync/writeback/WriteBackTable.ts"
import * as SecurityManager from "../../services/security/SecurityManager.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as Aggregator from "../../services/sync/Aggregator.ts"
import * as FaultLog from "../../services/sync/FaultLog.ts"
import * as KvWriter from "../../services/sync/KvWriter.ts"
import { LiveConfig } from "../../services/sync/LiveConfig.ts"
import type { RetractionPolicy } from "../../services/sync/Retractions.ts"
import * as SourceRun from "../../services/sync/SourceRun.ts"
import { Spool } from "../../services/sync/Spool.ts"
import { SyncProgress } from "../../services/sync/SyncProgress.ts"
import { SyncSignals } from "../../services/sync/SyncSignals.ts"
import * as WriteBack from "../../services/sync/writeback/WriteBack.ts"
import * as Reload from "./Reload.ts"
import * as Roster from "./Roster.ts"
import * as SpoolWatch from "./SpoolWatch.ts"
import * as WriteBackText from "./WriteBackText.ts"

export interface SyncOptions {
  /** Where to serve health, metrics and the live tree over HTTP. */
  readonly http?: ListenAddress
  /** Agents' keys go over a connection to NATS that the program around this one keeps. */
  readonly isGuest?: boolean
  /** How the configuration is read again. */
  readonly reload?: Reload.ReadConfig
}

/** What another process committed is found after this time. */
const aggregatorWait = Duration.seconds(2)

/** How soon a key is looked at that was deleted or replaced by somebody. */
const kvWait = Duration.minutes(1)

/** What could not be written is tried again sooner: after 2 s, 4 s, and so on. */
const kvRetryWait = (failures: number) =>
  Effect.map(
    Random.nextBetween(0.8, 1.2),
    (jitter) => Duration.min(kvWait, Duration.seconds(2 ** Math.min(failures, 6) * jitter))
  )

const failedWrite = [{ status: "failed" }] as const

/** Which store agents read from, by the configuration. */
export const kvOf = (config: SyncConfig.SyncConfig): "data service" | "JetStream" | "none" =>
  config.kvAddress !== "" ? "data service" : config.natsUrl !== "" ? "JetStream" : "none"

export const aggregated = (config: SyncConfig.SyncConfig) =>
  SourceTable.known(config).map(({ blacklist, blacklisted, name }): Aggregator.AggregatedSource => ({
    name,
    blacklist,
    blacklisted
  }))

const sourcesSupervisor = Roster.make({
  id: "Sources",
  sources: SourceTable.known,
  isIdentified: SyncConfig.needsIdentifiers,
  run: (source, config) =>
    Effect.scoped(Effect.gen(function*() {
      const signals = yield* SyncSignals
      const runnable = yield* SourceTable.runnable(source, config)
      return yield* SourceRun.forever(runnable, source.interval, () => signals.sources.raise)
    }))
})

export const retractionPolicy = (config: SyncConfig.SyncConfig): Option.Option<RetractionPolicy> =>
  Option.map(config.retractionRetention, (retention) => ({ retention }))

const aggregator = Supervisor.child({
  id: "Aggregator",
  run: Effect.gen(function*() {
    const signals = yield* SyncSignals
    const live = yield* LiveConfig
    const faults = FaultLog.make()
    return yield* Effect.forever(
      Effect.gen(function*() {
        const config = yield* live.current
        const set = yield* Effect.catchTag(
          Aggregator.aggregate(aggregated(config), retractionPolicy(config)),
          "SpoolError",
          (error) =>
            Effect.as(
              faults.tell("set", error.detail, Effect.logError(`The served set stays as it is: ${error.message}`)),
              Option.none()
            )
        )
        if (Option.isSome(set)) yield* Effect.andThen(faults.over("set"), signals.served.raise)
        yield* signals.sources.wait(aggregatorWait)
      })
    )
  })
})

/** The store does not have to be there at the start: its own log says that it is waited for. */
const connected = NatsConnection.use(({ changes }) =>
  Effect.asVoid(Stream.runHead(Stream.filter(changes, ({ _tag }) => _tag === "Connected")))
)

/** How agents are told. */
export const kvOptions = (
  config: SyncConfig.SyncConfig,
  faults: FaultLog.FaultLog = FaultLog.make()
): KvWriter.KvWriterOptions => ({
  prefix: config.kvPrefix,
  refresh: config.kvRefresh,
  sources: SourceTable.known(config),
  faults
})

const kvWriter = <R>(isReady: Effect.Effect<void, never, R>) =>
  Supervisor.child({
    id: "KvWriter",
    run: Effect.gen(function*() {
      const signals = yield* SyncSignals
      const live = yield* LiveConfig
      const faults = FaultLog.make()
      const once = live.current.pipe(
        Effect.flatMap((config) => Effect.flatten(KvWriter.make(kvOptions(config, faults)))),
        Effect.catchTag("SpoolError", (error) =>
          Effect.as(
            faults.tell("spool", error.detail, Effect.logError(`Sweep configs stay as they are: ${error.message}`)),
            failedWrite
          ))
      )
      yield* isReady
      for (let failures = 0;;) {
        const results = yield* once
        failures = results.some(({ status }) => status === "failed")
          ? failures + 1
          : 0
        yield* signals.served.wait(failures === 0 ? kvWait : yield* kvRetryWait(failures))
      }
    })
  })

/** One that failed is tried again at the next interval: what is still to be written is known. */
const writeBackSupervisor = Roster.make({
  id: "WriteBack",
  sources: (config) => WriteBackTable.writable(config).filter(({ writeBack }) => writeBack.isOn),
  isIdentified: () => false,
  run: (source) =>
    Effect.scoped(Effect.gen(function*() {
      const writable = yield* WriteBackTable.make(source)
      const once = WriteBack.run(writable, { isAll: false, isDryRun: false }).pipe(
        Effect.flatMap((report) =>
          report.outcome === "failed"
            ? Effect.logWarning(WriteBackText.line(report))
            : Effect.logInfo(WriteBackText.line(report))
        ),
        Effect.catchTag(
          "SpoolError",
          (error) => Effect.logError(`Nothing is written back to ${source.name}: ${error.message}`)
        )
      )
      return yield* Effect.forever(Effect.andThen(Effect.sleep(source.writeBack.interval), once))
    }))
})

/** Where it listens, and for whom, is that of the start. */
const resultsServer = (config: SyncConfig.SyncConfig) =>
  Supervisor.child({
    id: "ResultsServer",
    shutdown: "7 seconds",
    start: Effect.gen(function*() {
      const { current } = yield* LiveConfig
      const self = Effect.map(
        current,
        ({ agentId, sources }) => ({ agentId, sources: sources.map(({ name }) => name) })
      )
      const credentials = yield* GrpcCredentials.server(config.security, config.listen.host)
      const server = yield* GrpcServer.make({
        ...config.listen,
        credentials,
        interceptors: yield* GrpcAuthorization.interceptors(config.security, config.listen.host, [
          SyncServiceHandlers.requirements
        ]),
        descriptors: reflectionDescriptors,
        services: [SyncServiceHandlers.make(self)],
        health: { sync: "SERVING" }
      })
      yield* Effect.logInfo(`sync serves gRPC on ${server.address}`)
    }).pipe(Effect.as(Effect.never))
  })

/** The children of a sync service, for a supervisor of its own or inside a larger tree. */
export const tree = Effect.fnUntraced(function*(config: SyncConfig.SyncConfig, options: SyncOptions = {}) {
  const kv = options.isGuest === true ? "JetStream" : kvOf(config)
  const { current } = yield* LiveConfig
  const names = Effect.map(current, ({ sources }) => sources.map(({ name }) => name))
  return {
    id: "Sync",
    strategy: "one_for_one",
    intensity: { maxRestarts: 10, period: "60 seconds" },
    autoShutdown: "any_significant",
    children: [
      ...SecurityManager.children,
      yield* SpoolWatch.make,
      yield* sourcesSupervisor,
      aggregator,
      ...(kv === "JetStream" && options.isGuest !== true
        ? [Supervisor.child({ id: "NatsConnection", run: NatsConnection.use((connection) => connection.keep) })]
        : []),
      ...(kv === "none" ? [] : [kvWriter(kv === "JetStream" ? connected : Effect.void)]),
      yield* writeBackSupervisor,
      ...(options.reload === undefined ? [] : [Reload.child(options.reload)]),
      resultsServer(config),
      ...(options.http === undefined ? [] : [
        ManagementServer.child("sync", { ...options.http, security: config.security }, SyncRoute.part(names))
      ])
    ]
  } as const
})

/** Where the devices are: enough for commands that look at it. */
export const spoolLayer = (config: SyncConfig.SyncConfig) =>
  Layer.mergeAll(FileResultsStore.layer, CatalogToldAgents.layer).pipe(
    Layer.provideMerge(
      SqliteSpool.layer({ folder: config.spoolFolder, isIdentified: SyncConfig.needsIdentifiers(config) })
    ),
    Layer.provideMerge(SyncProgress.layer)
  )

const natsLayer = (config: SyncConfig.SyncConfig) =>
  NatsConnection.layer({ name: "serviceradar-sync" }).pipe(
    Layer.provide(NatsEndpoint.layer(
      config.natsUrl === "" ? Option.none() : Option.some(Redacted.make(config.natsUrl))
    ))
  )

const kvLayer = (config: SyncConfig.SyncConfig) =>
  kvOf(config) === "data service"
    ? GrpcSweepConfigStore.layer({ address: config.kvAddress, security: config.security })
    : JetStreamSweepConfigStore.layer()

/** What the tree needs. Without a store for agents the connection is never asked for. */
export const layer = (config: SyncConfig.SyncConfig) =>
  Layer.mergeAll(
    spoolLayer(config),
    SyncSignals.layer,
    LiveConfig.layer(config),
    Management.layer,
    kvLayer(config)
  ).pipe(
    Layer.provideMerge(natsLayer(config)),
    Layer.provideMerge(SecurityLayer.layer)
  )

/** What the tree needs where somebody else keeps the connection to NATS and serves HTTP. */
export const guestLayer = (config: SyncConfig.SyncConfig) =>
  Management.part(SyncRoute.part(Effect.succeed(config.sources.map(({ name }) => name)))).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        spoolLayer(config),
        SyncSignals.layer,
        LiveConfig.layer(config),
        JetStreamSweepConfigStore.layer()
      )
    )
  )

/** What must be so before a service starts: one for each spool, and nothing left of a killed one. */
export const prepare = Effect.gen(function*() {
  yield* SpoolLock.acquire
  const spool = yield* Spool
  yield* spool.tidy
})

/** Runs until it is interrupted, or until a part of it cannot be kept alive. */
export const serve = (config: SyncConfig.SyncConfig, options: SyncOptions) =>
  Effect.flatMap(tree(config, options), Supervisor.run)

/** `serve` with all that it needs. */
export const run = (config: SyncConfig.SyncConfig, options: SyncOptions = {}) =>
  Effect.scoped(Effect.andThen(prepare, serve(config, options))).pipe(Effect.provide(layer(config)))
