/**
 * The tree of `serviceradar up`: core, agent and poller in one process, over loopback gRPC, with a PostgreSQL of their
 * own. `EventfulTree` is the same with events beside them, `demo/DemoTree` with a sync service and made-up sources too.
 *
 *   Up (one_for_one, 5 restarts in 60 s)
 *   ├─ Core    one_for_one: PostgreSQL, Database, Retention, GrpcServer, ManagementServer
 *   ├─ Agent   rest_for_one: Checkers, GrpcServer
 *   └─ Poller  one_for_all: StatusBuffer, CoreReporter, GrpcServer, one coordinator per agent
 *
 * They start in this order, so that the first poll finds somebody to ask and to tell. They are restarted alone, because
 * none holds anything of another: each knows the others only by address, and waits, retries or buffers while one is
 * away. With rest_for_one a killed PostgreSQL would take the measuring down with it, just when that is wanted most.
 */
import { Effect, Layer, Option } from "effect"
import * as path from "node:path"
import * as CoreConfig from "../../domain/core/CoreConfig.ts"
import type { Progress } from "../../layers/postgres/server/EmbeddedPostgres.ts"
import type { StreamStatus } from "../../services/events/StreamStatus.ts"
import type * as ChildSpec from "../../services/supervision/ChildSpec.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as AgentProgram from "../agent/AgentProgram.ts"
import * as CoreProgram from "../core/CoreProgram.ts"
import * as PollerProgram from "../poller/PollerProgram.ts"
import type { Inventory } from "./screen/Inventory.ts"
import type * as LocalSetup from "./setup/LocalSetup.ts"
import { host } from "./setup/Ports.ts"

export interface TreeOptions {
  readonly setup: LocalSetup.LocalSetup
  readonly databaseUrl: CoreConfig.CoreConfig["databaseUrl"]
  readonly pathVariable: string | undefined
  readonly onProgress: (progress: Progress) => Effect.Effect<void>
  /** Told how the first administrator signs in, while nobody ever has. */
  readonly onFirstLink?: (link: string) => Effect.Effect<void>
}

/** Short, because everything is on one machine: a status is in the database half a second after it was measured. */
const batchWait = "500 millis"

export const coreConfig = ({ databaseUrl, setup }: TreeOptions) => {
  const file = CoreConfig.fromFile(setup.core)
  return {
    ...file,
    http: Option.some({ host, port: setup.ports.coreHttp }),
    grpc: { host, port: setup.ports.coreGrpc },
    databaseUrl: Option.orElse(databaseUrl, () => file.databaseUrl),
    dataDirectory: setup.core.data_dir ?? path.join(setup.directory, "postgres")
  } satisfies CoreConfig.CoreConfig
}

const agentOptions = ({ pathVariable }: TreeOptions): Pick<AgentProgram.AgentOptions, "path"> =>
  pathVariable === undefined ? {} : { path: pathVariable }

const pollerOptions = ({ setup: { directory, poller } }: TreeOptions): PollerProgram.PollerOptions => ({
  batchWait,
  ...(poller.buffer.isOnDisk
    ? {
      bufferFolder: path.resolve(Option.getOrElse(poller.buffer.folder, () => path.join(directory, "poller-buffer")))
    }
    : {})
})

/** Those who monitor, in the order of their start. */
export const monitoring = <E = never, R = never>(
  core: CoreConfig.CoreConfig,
  options: TreeOptions,
  agentGuests: ReadonlyArray<ChildSpec.ChildSpec<E, R>> = []
) =>
  [
    Supervisor.supervisor(CoreProgram.tree(core, {
      certificates: options.setup.certificates,
      postgres: { port: options.setup.ports.postgres, onProgress: options.onProgress }
    })),
    Supervisor.supervisor(AgentProgram.tree(options.setup.agent, { ...agentOptions(options), guests: agentGuests })),
    Supervisor.supervisor(PollerProgram.tree(options.setup.poller, pollerOptions(options)))
  ] as const

/** What they need. */
export const layerOf = (core: CoreConfig.CoreConfig, options: TreeOptions) =>
  Layer.mergeAll(
    CoreProgram.layer(core, { certificates: options.setup.certificates, onFirstLink: options.onFirstLink }),
    AgentProgram.layer(options.setup.agent, agentOptions(options)),
    PollerProgram.layer(options.setup.poller, pollerOptions(options))
  )

/** All but the children. */
export const root = {
  id: "Up",
  strategy: "one_for_one",
  intensity: { maxRestarts: 5, period: "60 seconds" }
} as const

/** What the user sees, given how the streams are written and what sync brings. */
export type Shown<E, R> = (looks: Looks) => Effect.Effect<void, E, R>

export interface Looks {
  /** Empty without an event writer. */
  readonly streams: Effect.Effect<ReadonlyArray<StreamStatus>>
  /** None without a sync service. */
  readonly inventory: Effect.Effect<Option.Option<Inventory>>
}

/** Runs the tree without events until it is interrupted, gives up, or `shown` is over. */
export const run = <E, R>(options: TreeOptions, shown: Shown<E, R>) => {
  const core = coreConfig(options)
  return Supervisor.run({ ...root, children: monitoring(core, options) }).pipe(
    Effect.raceFirst(shown({ streams: Effect.succeed([]), inventory: Effect.succeedNone })),
    Effect.provide(layerOf(core, options))
  )
}
