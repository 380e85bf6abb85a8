/**
 * `serviceradar up`: core, agent and poller in one process, over loopback gRPC, with a PostgreSQL of their own.
 *
 *   Up (one_for_one, 5 restarts in 60 s)
 *   ├─ Core    one_for_one: PostgreSQL, Database, Retention, GrpcServer, ManagementServer
 *   ├─ Agent   rest_for_one: Checkers, GrpcServer
 *   └─ Poller  one_for_all: CoreReporter, GrpcServer, one coordinator per agent
 *
 * They start in this order, so that the first poll finds somebody to ask and to tell. They are restarted alone, because
 * none holds anything of another: each knows the others only by address, and waits, retries or buffers while one is
 * away. With rest_for_one a killed PostgreSQL would take the measuring down with it, just when that is wanted most.
 */
import { Clock, Config, Console, Effect, Layer, Option, Ref } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as path from "node:path"
import * as CoreConfig from "../../domain/monitoring/CoreConfig.ts"
import type { Progress } from "../../layers/postgres/EmbeddedPostgres.ts"
import * as ProcessMain from "../../layers/process/ProcessMain.ts"
import * as Logging from "../../layers/telemetry/Logging.ts"
import * as Style from "../../layers/terminal/Style.ts"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../services/supervision/Supervisor.ts"
import * as AgentProgram from "../agent/AgentProgram.ts"
import { NegativeAnswer } from "../cli/NegativeAnswer.ts"
import * as CoreProgram from "../core/CoreProgram.ts"
import * as PollerProgram from "../poller/PollerProgram.ts"
import * as DirectoryLock from "./DirectoryLock.ts"
import * as LiveView from "./LiveView.ts"
import * as LocalSetup from "./LocalSetup.ts"
import * as Once from "./Once.ts"
import { host } from "./Ports.ts"
import * as RunState from "./RunState.ts"
import * as StatusFeed from "./StatusFeed.ts"
import * as StatusWatch from "./StatusWatch.ts"
import * as UpLog from "./UpLog.ts"
import { logStreamOf, type Output, outputOf, type UpOptions } from "./UpOptions.ts"

/** Short, because everything is on one machine: a status is in the database half a second after it was measured. */
const batchWait = "500 millis"

const coreConfig = (setup: LocalSetup.LocalSetup, databaseUrl: CoreConfig.CoreConfig["databaseUrl"]) => {
  const file = CoreConfig.fromFile(setup.core)
  return {
    ...file,
    http: Option.some({ host, port: setup.ports.coreHttp }),
    grpc: { host, port: setup.ports.coreGrpc },
    databaseUrl: Option.orElse(databaseUrl, () => file.databaseUrl),
    dataDirectory: setup.core.data_dir ?? path.join(setup.directory, "postgres")
  } satisfies CoreConfig.CoreConfig
}

interface TreeOptions {
  readonly setup: LocalSetup.LocalSetup
  readonly databaseUrl: CoreConfig.CoreConfig["databaseUrl"]
  readonly pathVariable: string | undefined
  readonly onProgress: (progress: Progress) => Effect.Effect<void>
}

/** Runs the tree until it is interrupted or gives up. */
const tree = ({ databaseUrl, onProgress, pathVariable, setup }: TreeOptions) => {
  const core = coreConfig(setup, databaseUrl)
  const agentOptions = pathVariable === undefined ? {} : { path: pathVariable }
  const postgres = { port: setup.ports.postgres, onProgress }
  return Supervisor.run({
    id: "Up",
    strategy: "one_for_one",
    intensity: { maxRestarts: 5, period: "60 seconds" },
    children: [
      Supervisor.supervisor(CoreProgram.tree(core, { postgres })),
      Supervisor.supervisor(AgentProgram.tree(setup.agent, agentOptions)),
      Supervisor.supervisor(PollerProgram.tree(setup.poller, { batchWait }))
    ]
  }).pipe(Effect.provide(Layer.mergeAll(
    CoreProgram.layer(core),
    AgentProgram.layer(setup.agent, agentOptions),
    PollerProgram.layer(setup.poller, { batchWait })
  )))
}

const progressText: Record<Progress, string> = {
  preparing: "preparing PostgreSQL …",
  initdb: "creating the database, some seconds on the first start …",
  starting: "starting PostgreSQL …",
  ready: "PostgreSQL is ready"
}

const announce = ({ directory, moved, written }: LocalSetup.LocalSetup) =>
  Effect.gen(function*() {
    yield* Effect.logInfo(
      written.length === 0
        ? `Using the configuration in ${directory}`
        : `Wrote ${written.map((file) => path.basename(file)).join(", ")} in ${directory}: what to monitor here`
    )
    for (const [wanted, given] of moved) yield* Effect.logWarning(`Port ${wanted} is taken: using ${given}`)
  })

/** `--once`: prints what core has, and says no when a service is down. */
const answer = Effect.fnUntraced(function*(output: Output, watch: StatusWatch.WatchOptions) {
  const states = yield* Once.collect(watch.httpUrl, watch.config, watch.sinceMillis)
  if (output === "json-array") {
    yield* Console.log(JSON.stringify(states.map(StatusFeed.toReport), null, 2))
  } else {
    const lines = LiveView.table(states, {
      style: Style.forStream(process.stdout, process.env),
      nowMillis: yield* Clock.currentTimeMillis,
      columns: process.stdout.isTTY === true ? process.stdout.columns : 200
    })
    yield* Console.log(lines.join("\n"))
  }
  const down = states.filter((state) => !state.available)
  if (down.length > 0) {
    return yield* new NegativeAnswer({ answer: `${down.map((state) => state.serviceName).join(", ")} down` })
  }
})

interface Surroundings {
  readonly headline: Ref.Ref<string>
  readonly warnings: Effect.Effect<ReadonlyArray<Logging.LogEntry>>
}

/** What the user sees; ends when there is nothing more to see. */
const face = (output: Output, watch: StatusWatch.WatchOptions, { headline, warnings }: Surroundings) => {
  switch (output) {
    case "json-array":
    case "table":
      return answer(output, watch)
    case "json-lines":
      return StatusWatch.jsonLines(watch)
    case "log":
      return StatusWatch.logLines(watch)
    case "live":
      return StatusWatch.live({
        ...watch,
        output: process.stdout,
        style: Style.forStream(process.stdout, process.env),
        headline,
        streams: Effect.succeed([]),
        warnings
      })
  }
}

const runIn = Effect.fnUntraced(function*(
  directory: string,
  options: UpOptions,
  output: Output,
  warnings: Surroundings["warnings"]
) {
  const sinceMillis = yield* Clock.currentTimeMillis
  const databaseUrl = yield* Config.option(Config.Redacted("DATABASE_URL"))
  const pathVariable = Option.getOrUndefined(yield* Config.option(Config.String("PATH")))
  const setup = yield* LocalSetup.prepare({
    directory,
    hasOwnDatabase: Option.isNone(databaseUrl),
    procRoot: "/proc",
    path: pathVariable
  })
  yield* announce(setup)
  const httpUrl = `http://${host}:${setup.ports.coreHttp}`
  yield* RunState.publish(directory, { pid: process.pid, httpUrl, ports: setup.ports })

  const headline = yield* Ref.make("starting …")
  const onProgress = (progress: Progress) =>
    Effect.andThen(
      Ref.set(headline, progress === "ready" ? `${httpUrl}  Ctrl-C ends` : progressText[progress]),
      Effect.logInfo(progressText[progress])
    )
  const watch = { httpUrl, config: setup.poller, sinceMillis }
  const shown = face(output, watch, { headline, warnings })
  const limited = options.runFor === undefined
    ? shown
    : Effect.asVoid(Effect.timeoutOption(shown, options.runFor))
  yield* Effect.raceFirst(tree({ setup, databaseUrl, pathVariable, onProgress }), limited)
})

/** Runs until it is interrupted, the asked time is over, `--once` has its answer, or the tree gives up. */
export const run = Effect.fn("UpProgram.run")(function*(options: UpOptions) {
  if (options.once) yield* ProcessMain.owesAnswer
  const directory = path.resolve(options.directory)
  const output = outputOf(options, process.stdout.isTTY === true)
  const stream = logStreamOf(output)
  yield* DirectoryLock.acquire(directory)
  const log = stream === undefined
    ? yield* UpLog.make(path.join(directory, "up.log"))
    : { layer: Logging.layer({ stream }), warnings: Effect.succeed([]) }
  yield* runIn(directory, options, output, log.warnings).pipe(
    Effect.provide(Layer.mergeAll(log.layer, SupervisionTree.layer, FetchHttpClient.layer))
  )
}, Effect.scoped)
