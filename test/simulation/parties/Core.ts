/** The real core, whose database is a model behind the network. */
import { Effect, Layer, Option, Redacted } from "effect"
import * as CoreConfig from "../../../src/domain/core/CoreConfig.ts"
import * as SecurityConfig from "../../../src/domain/security/SecurityConfig.ts"
import { Management } from "../../../src/layers/http/Management.ts"
import { DatabaseEndpoint } from "../../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { DatabaseUnavailable, PgConnection } from "../../../src/layers/postgres/connection/PgConnection.ts"
import { ServerState } from "../../../src/layers/postgres/server/ServerState.ts"
import * as CoreProgram from "../../../src/programs/core/CoreProgram.ts"
import { AlertWebhooks } from "../../../src/services/core/AlertWebhooks.ts"
import { DeviceDiscovery } from "../../../src/services/core/DeviceDiscovery.ts"
import { PollerWatch } from "../../../src/services/core/PollerWatch.ts"
import { ReportIngest } from "../../../src/services/core/ReportIngest.ts"
import { EdgeActivations } from "../../../src/services/edge/EdgeActivations.ts"
import { Accounts } from "../../../src/services/identity/Accounts.ts"
import { DeviceRegistry, nothing } from "../../../src/services/inventory/DeviceRegistry.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import * as PollerObserver from "../../../src/services/telemetry/PollerObserver.ts"
import * as Certificates from "./Certificates.ts"
import type { HostFiles } from "./HostFiles.ts"
import { securedWith } from "./Secured.ts"
import * as StatusDatabase from "./StatusDatabase.ts"

export const port = 50_052

const config: CoreConfig.CoreConfig = {
  ...CoreConfig.fromFile({}),
  http: Option.none(),
  grpc: { host: "0.0.0.0", port },
  databaseUrl: Option.some(Redacted.make("postgresql://database"))
}

/** Of sign-ins and the like there is no database here; core goes without one until it is there. */
const noRecords = Effect.fail(new DatabaseUnavailable({ detail: "a world keeps no records" }))

export interface CoreParty {
  /** With its certificates. */
  readonly host: HostFiles
  readonly isSecured: boolean
  readonly exchange: StatusDatabase.StatusExchange
  readonly database: string
  /** Told of each poller that comes, goes or returns. */
  readonly onPoller: (change: PollerObserver.ToldChange) => void
}

const secure = SecurityConfig.fromBlock(Certificates.block("core"))

export const program = ({ database, exchange, host, isSecured, onPoller }: CoreParty) =>
  Supervisor.run(CoreProgram.tree(isSecured ? { ...config, security: secure } : config)).pipe(
    Effect.provideService(PollerObserver.PollerObserver, onPoller),
    Effect.provide(
      ReportIngest.layer().pipe(
        Layer.provideMerge(DeviceDiscovery.layer),
        Layer.provideMerge(Layer.mock(DeviceRegistry, { sight: () => Effect.succeed(nothing) })),
        Layer.provideMerge(PollerWatch.layer({ ...config, hostname: "core" })),
        Layer.provideMerge(Layer.succeed(AlertWebhooks, AlertWebhooks.none)),
        Layer.provideMerge(
          Layer.merge(Layer.succeed(Accounts, Accounts.none), Layer.succeed(EdgeActivations, EdgeActivations.none))
        ),
        Layer.provideMerge(StatusDatabase.layer(exchange, database)),
        Layer.provideMerge(Layer.mock(PgConnection, { keep: Effect.never, client: noRecords })),
        Layer.provideMerge(DatabaseEndpoint.layer(config.databaseUrl)),
        Layer.provideMerge(ServerState.layer),
        Layer.provideMerge(Management.layer),
        Layer.provideMerge(securedWith(host)),
        Layer.provideMerge(SupervisionTree.layer)
      )
    )
  )
