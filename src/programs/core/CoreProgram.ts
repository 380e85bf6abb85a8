/**
 * The core process.
 *
 *   Core (one_for_one)
 *   ├─ SecurityManager   permanent: certificates
 *   ├─ SecurityMonitor   permanent: alerts
 *   ├─ PostgreSQL        permanent, 10 s; only without a database address
 *   ├─ Database          permanent: connection and schema
 *   ├─ Retention         permanent: removes old history, and sessions and links that are over
 *   ├─ GrpcServer        permanent: reports from pollers
 *   ├─ DeviceDiscovery   permanent: makes devices of reports
 *   ├─ EdgeActivations   permanent: notes that what a package was made for reports; only with an authority for packages
 *   ├─ PollerWatch       permanent: misses pollers that stop to report
 *   ├─ Webhooks          permanent: tells of them
 *   ├─ Accounts          permanent: who may sign in by the configuration; mails links
 *   ├─ EventWriter       one_for_one; only where it is enabled
 *   └─ ManagementServer  permanent; absent without an HTTP address
 *
 * Nothing waits for the database but the answers that need it: pollers are told to keep their reports and readiness
 * names what is missing, so a database that is down at the start, or goes away, needs no restart of anything else.
 */
import { Duration, Effect, Layer, Option } from "effect"
import * as os from "node:os"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import { coreCatalog } from "../../domain/core/CoreCatalog.ts"
import type { CoreConfig } from "../../domain/core/CoreConfig.ts"
import { exposed } from "../../domain/core/PublicResources.ts"
import { rolesFor } from "../../domain/core/RouteProtection.ts"
import { ended } from "../../domain/identity/EndedSignIns.ts"
import * as ReportHeaders from "../../domain/monitoring/reports/ReportHeaders.ts"
import { rowRules } from "../../domain/queries/RowRules.ts"
import { application } from "../../domain/records/Schema.ts"
import type { CertificateFiles } from "../../domain/security/SecurityConfig.ts"
import * as HttpWebhooks from "../../layers/core/HttpWebhooks.ts"
import * as PgStatusHistory from "../../layers/core/PgStatusHistory.ts"
import * as PgStatusStore from "../../layers/core/PgStatusStore.ts"
import * as PollerServiceHandlers from "../../layers/core/PollerServiceHandlers.ts"
import { servicesRoute } from "../../layers/core/ServicesRoute.ts"
import * as FolderOnboarding from "../../layers/edge/FolderOnboarding.ts"
import * as DiskSpace from "../../layers/files/DiskSpace.ts"
import * as GrpcServer from "../../layers/grpc/GrpcServer.ts"
import { Management } from "../../layers/http/Management.ts"
import * as ManagementServer from "../../layers/http/ManagementServer.ts"
import * as UsersOfQueries from "../../layers/identity/UsersOfQueries.ts"
import * as PgDeviceRegistry from "../../layers/inventory/PgDeviceRegistry.ts"
import * as JsonApi from "../../layers/jsonapi/JsonApi.ts"
import { reflectionDescriptors } from "../../layers/monitoring/ReflectionDescriptors.ts"
import { DatabaseEndpoint } from "../../layers/postgres/connection/DatabaseEndpoint.ts"
import * as DatabaseTls from "../../layers/postgres/connection/DatabaseTls.ts"
import { PgConnection } from "../../layers/postgres/connection/PgConnection.ts"
import * as PgWritable from "../../layers/postgres/connection/PgWritable.ts"
import * as UrlCertificates from "../../layers/postgres/connection/UrlCertificates.ts"
import * as EmbeddedPostgres from "../../layers/postgres/server/EmbeddedPostgres.ts"
import { ServerState } from "../../layers/postgres/server/ServerState.ts"
import * as PgQueries from "../../layers/queries/PgQueries.ts"
import { queryRoute } from "../../layers/queries/QueryRoute.ts"
import { healthzRoute, translateRoute } from "../../layers/queries/TranslateRoute.ts"
import * as RecordRemoval from "../../layers/records/RecordRemoval.ts"
import * as GrpcAuthorization from "../../layers/security/GrpcAuthorization.ts"
import * as GrpcCredentials from "../../layers/security/GrpcCredentials.ts"
import * as SecurityLayer from "../../layers/security/SecurityLayer.ts"
import * as Origins from "../../layers/v1/Origins.ts"
import * as V1Mount from "../../layers/v1/V1Mount.ts"
import { AlertWebhooks } from "../../services/core/AlertWebhooks.ts"
import { DeviceDiscovery } from "../../services/core/DeviceDiscovery.ts"
import { PollerWatch } from "../../services/core/PollerWatch.ts"
import { ReportIngest } from "../../services/core/ReportIngest.ts"
import type { StatusHistory } from "../../services/core/StatusHistory.ts"
import { StatusStore } from "../../services/core/StatusStore.ts"
import { EdgeActivations } from "../../services/edge/EdgeActivations.ts"
import type { EdgeOnboarding } from "../../services/edge/EdgeOnboarding.ts"
import { Accounts } from "../../services/identity/Accounts.ts"
import { Precedence } from "../../services/queries/Precedence.ts"
import type { Queries } from "../../services/queries/Queries.ts"
import type { QueryAskers } from "../../services/queries/QueryAskers.ts"
import type { Askers } from "../../services/records/Askers.ts"
import type { Records } from "../../services/records/Records.ts"
import { Credentials } from "../../services/security/Credentials.ts"
import * as SecurityManager from "../../services/security/SecurityManager.ts"
import type * as ChildSpec from "../../services/supervision/ChildSpec.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import { CheckedDevices } from "../../services/v1/CheckedDevices.ts"
import { DeviceStats } from "../../services/v1/DeviceStats.ts"
import { SettingsStore } from "../../services/v1/SettingsStore.ts"
import { migrations, records } from "./ControlPlane.ts"
import * as SignInParts from "./SignInParts.ts"

export interface CoreOptions<E = never, R = never> {
  /** How the PostgreSQL of our own is run when the configuration names no database; `home` is its data directory. */
  readonly postgres?: Omit<EmbeddedPostgres.EmbeddedPostgresOptions, "home" | "certificates">
  /** Of that PostgreSQL, and of core as its client; in plain text without. */
  readonly certificates?: OwnCertificates | undefined
  /** Told of a link for the first administrator, while nobody has ever signed in; with it one is made. */
  readonly onFirstLink?: SignInParts.OnFirstLink | undefined
  /** Programs that share core's process and its connection to the database. */
  readonly guests?: ReadonlyArray<ChildSpec.ChildSpec<E, R>>
}

interface OwnCertificates {
  readonly postgres: CertificateFiles
  readonly core: CertificateFiles
}

/** The children of core, for a supervisor of its own or inside a larger tree. */
export const tree = <E = never, R = never>(config: CoreConfig, options: CoreOptions<E, R> = {}) =>
  ({
    id: "Core",
    strategy: "one_for_one",
    children: [
      ...SecurityManager.children,
      ...(Option.isSome(config.databaseUrl) ? [] : [
        postgres({ home: config.dataDirectory, ...options.postgres }, options.certificates?.postgres)
      ]),
      Supervisor.child({ id: "Database", run: PgConnection.use((connection) => connection.keep) }),
      Supervisor.child({ id: "Retention", run: retention(config.historyRetention) }),
      grpcServer(config),
      Supervisor.child({ id: "DeviceDiscovery", run: DeviceDiscovery.use((discovery) => discovery.run) }),
      ...(Option.isSome(config.onboarding.certificates)
        ? [Supervisor.child({ id: "EdgeActivations", run: EdgeActivations.use((activations) => activations.run) })]
        : []),
      Supervisor.child({ id: "PollerWatch", run: PollerWatch.use((watch) => watch.run) }),
      Supervisor.child({ id: "Webhooks", run: AlertWebhooks.use((webhooks) => webhooks.run) }),
      Supervisor.child({ id: "Accounts", run: Accounts.use((accounts) => accounts.run) }),
      ...(options.guests ?? []),
      ...Option.toArray(config.http).map((address) =>
        ManagementServer.child("core", { ...address, security: config.security })
      )
    ]
  }) as const

type Needed =
  | Askers
  | CheckedDevices
  | DeviceStats
  | EdgeOnboarding
  | PgConnection
  | Queries
  | QueryAskers
  | Records
  | ServerState
  | SettingsStore
  | SignInParts.Parts
  | StatusHistory
  | StatusStore

const shown = (config: CoreConfig) =>
  Management.part<Needed>({
    checks: [
      { name: "database", ready: PgWritable.check },
      ...SignInParts.checks(config),
      // The database of somebody else has its own disk.
      ...(Option.isSome(config.databaseUrl) ? [] : [
        { name: "disk", ready: DiskSpace.check(config.dataDirectory) },
        { name: "postgres", ready: ServerState.use(({ check }) => check) }
      ])
    ],
    routes: [servicesRoute, queryRoute, translateRoute(coreCatalog), healthzRoute],
    mounts: Origins.around<Needed>(config.cors, [
      JsonApi.mount({ base: "/api/v2", exposed }),
      V1Mount.mount(rolesFor(config.auth.routeProtection)),
      ...SignInParts.mounts(config)
    ]),
    doors: [SignInParts.door]
  })

const database = (config: CoreConfig, own: CertificateFiles | undefined) => {
  const named = Option.map(config.databaseUrl, UrlCertificates.take)
  const tls = DatabaseTls.load({
    tls: Option.match(named, {
      onNone: () => Option.map(Option.fromUndefinedOr(own), (files) => ({ ...files, verifiesName: true })),
      onSome: (one) => one.tls
    }),
    sslMode: Option.none()
  })
  return Layer.unwrap(
    Effect.map(
      tls,
      (tls) => PgConnection.layer({ maxConnections: config.maxConnections, migrations, application, tls })
    )
  ).pipe(Layer.provideMerge(DatabaseEndpoint.layer(Option.map(named, ({ url }) => url))))
}

/** What the tree needs. */
export const layer = (
  config: CoreConfig,
  { certificates, onFirstLink }: Pick<CoreOptions, "certificates" | "onFirstLink"> = {}
) =>
  Layer.merge(
    shown(config),
    ReportIngest.layer(
      Option.match(config.knownPollers, { onNone: () => ({}), onSome: (knownPollers) => ({ knownPollers }) })
    )
  ).pipe(
    Layer.provideMerge(DeviceStats.layer),
    Layer.provideMerge(CheckedDevices.layer),
    Layer.provideMerge(SettingsStore.layer),
    Layer.provideMerge(EdgeActivations.layer),
    Layer.provideMerge(FolderOnboarding.layer(config.onboarding)),
    Layer.provideMerge(DeviceDiscovery.layer),
    Layer.provideMerge(PollerWatch.layer({ ...config, hostname: os.hostname() })),
    Layer.provideMerge(HttpWebhooks.layer(config.webhooks)),
    Layer.provideMerge(PgStatusStore.layer),
    Layer.provideMerge(PgStatusHistory.layer),
    Layer.provideMerge(UsersOfQueries.layer),
    Layer.provideMerge(SignInParts.layer(config, onFirstLink)),
    Layer.provideMerge(records),
    Layer.provideMerge(PgDeviceRegistry.layer),
    Layer.provideMerge(PgQueries.layer({
      catalog: coreCatalog,
      rules: rowRules,
      isOwnServer: Option.isNone(config.databaseUrl)
    })),
    Layer.provideMerge(Precedence.layer),
    Layer.provideMerge(Management.layer),
    Layer.provideMerge(ServerState.layer),
    Layer.provideMerge(database(config, certificates?.core)),
    Layer.provideMerge(SecurityLayer.layer)
  )

/** Runs until it is interrupted, or until a part of it cannot be kept alive. */
export const run = (config: CoreConfig, options: CoreOptions = {}) =>
  Supervisor.run(tree(config, options)).pipe(Effect.provide(layer(config, options)))

/** Longer than the server's own stop takes. */
const postgresShutdown = "10 seconds"

/** Soon after a crash; then seldom enough for the supervisor never to give up over it: a full disk passes. */
const postgresBackoff = {
  schedule: Backoff.capped({ from: "500 millis", to: "10 seconds", factor: 3 })
}

const postgres = (options: EmbeddedPostgres.EmbeddedPostgresOptions, files: CertificateFiles | undefined) =>
  Supervisor.child({
    id: "PostgreSQL",
    shutdown: postgresShutdown,
    backoff: postgresBackoff,
    start: Effect.gen(function*() {
      const certificates = files === undefined
        ? {}
        : { certificates: yield* (yield* Credentials).open({ _tag: "Files", files, isSvid: false, isRooted: true }) }
      const state = yield* ServerState
      const server = yield* Effect.tapError(EmbeddedPostgres.start({ ...options, ...certificates }), state.failed)
      yield* state.started
      yield* DatabaseEndpoint.use((endpoint) => endpoint.publish(server.url))
      yield* Effect.logInfo(`PostgreSQL listens on 127.0.0.1:${server.port}, data in ${server.home}`)
      return Effect.tapError(server.run, state.failed)
    })
  })

const retentionPeriod = Duration.hours(1)

const retentionRetry = Duration.minutes(1)

const told = (what: string) => (removed: number) =>
  removed === 0 ? Effect.void : Effect.logInfo(`Removed ${removed} ${what}`)

/** At once and then hourly; while there is no database, once a minute. */
const retention = (age: Duration.Duration) =>
  StatusStore.use((store) => store.removeOlderThan(age)).pipe(
    Effect.tap(told("old statuses")),
    Effect.andThen(
      Effect.forEach(ended, (one) => Effect.tap(RecordRemoval.remove(one), told(one.definition.collection)), {
        discard: true
      })
    ),
    Effect.as(retentionPeriod),
    Effect.catch((error) =>
      Effect.as(Effect.logDebug(`What is old stays until the database answers: ${error.message}`), retentionRetry)
    ),
    Effect.flatMap(Effect.sleep),
    Effect.forever
  )

const grpcServer = (config: CoreConfig) =>
  Supervisor.child({
    id: "GrpcServer",
    shutdown: "7 seconds",
    start: Effect.gen(function*() {
      const credentials = yield* GrpcCredentials.server(config.security, config.grpc.host)
      const server = yield* GrpcServer.make({
        ...config.grpc,
        credentials,
        interceptors: yield* GrpcAuthorization.interceptors(config.security, config.grpc.host, [
          PollerServiceHandlers.requirements
        ]),
        services: [PollerServiceHandlers.make()],
        health: { [ReportHeaders.partsHealth]: "SERVING" },
        descriptors: reflectionDescriptors
      })
      yield* Effect.logInfo(`core takes reports on ${server.address}`)
    }).pipe(Effect.as(Effect.never))
  })
