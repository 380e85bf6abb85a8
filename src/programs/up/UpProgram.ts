/**
 * `serviceradar up` from start to end: what runs is in `UpTree`, what is shown here.
 *
 * It ends when it is interrupted, the asked time is over, `--once` has its answer, or the tree gives up.
 */
import { Clock, Config, Console, Duration, Effect, Layer, Option, Ref } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as path from "node:path"
import * as SignInLink from "../../domain/identity/SignInLink.ts"
import { NegativeAnswer } from "../../layers/command/NegativeAnswer.ts"
import type { Progress } from "../../layers/postgres/server/EmbeddedPostgres.ts"
import * as ProcessMain from "../../layers/process/ProcessMain.ts"
import * as RunState from "../../layers/process/RunState.ts"
import * as Logging from "../../layers/telemetry/Logging.ts"
import * as Style from "../../layers/terminal/Style.ts"
import * as Monotonic from "../../services/clock/Monotonic.ts"
import { DecidedSecurityMode } from "../../services/security/CurrentSecurityMode.ts"
import { SupervisionTree } from "../../services/supervision/SupervisionTree.ts"
import * as Once from "./Once.ts"
import * as Freshness from "./screen/Freshness.ts"
import * as InventoryWatch from "./screen/InventoryWatch.ts"
import * as LiveView from "./screen/LiveView.ts"
import * as StatusFeed from "./screen/StatusFeed.ts"
import * as StatusWatch from "./screen/StatusWatch.ts"
import * as StreamWatch from "./screen/StreamWatch.ts"
import * as UpLog from "./screen/UpLog.ts"
import * as LocalCertificates from "./setup/LocalCertificates.ts"
import * as LocalSetup from "./setup/LocalSetup.ts"
import { host } from "./setup/Ports.ts"
import * as UpDirectory from "./setup/UpDirectory.ts"
import { logStreamOf, type Output, outputOf, type UpOptions } from "./UpOptions.ts"
import * as UpTree from "./UpTree.ts"

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
  const states = yield* Once.collect(watch.httpUrl, watch.config, yield* watch.since)
  const freshness = {
    nowMillis: yield* Clock.currentTimeMillis,
    staleAfter: Freshness.staleAfter(watch.config)
  }
  if (output === "json-array") {
    const reports = states.map((state) => StatusFeed.toReport({ state, isStale: Freshness.isStale(freshness, state) }))
    yield* Console.log(JSON.stringify(reports, null, 2))
  } else {
    const lines = LiveView.table(states, {
      ...freshness,
      style: Style.forStream(process.stdout, process.env),
      columns: process.stdout.isTTY === true ? process.stdout.columns : 200
    })
    yield* Console.log(lines.join("\n"))
  }
  const down = states.filter((state) => !state.available)
  if (down.length > 0) {
    return yield* new NegativeAnswer({ answer: `${down.map((state) => state.serviceName).join(", ")} down` })
  }
})

/** In front of the link of the first administrator. */
const welcome = `Sign in, once and within ${SignInLink.minutes} minutes:`

interface Surroundings {
  readonly headline: Effect.Effect<string>
  readonly notice: Effect.Effect<string>
  readonly warnings: Effect.Effect<ReadonlyArray<Logging.LogEntry>>
}

/** Ends when one of them does. */
const together = <A, R>(...watches: ReadonlyArray<Effect.Effect<A, never, R>>) => Effect.raceAllFirst(watches)

/** What the user sees; ends when there is nothing more to see. */
const display =
  (output: Output, watch: StatusWatch.WatchOptions, { headline, notice, warnings }: Surroundings) =>
  ({ inventory, streams }: UpTree.Looks) => {
    switch (output) {
      case "json-array":
      case "table":
        return answer(output, watch)
      case "json-lines":
        return together(
          StatusWatch.jsonLines(watch),
          StreamWatch.logLines(streams),
          InventoryWatch.jsonLines(inventory)
        )
      case "log":
        return together(
          StatusWatch.logLines(watch),
          StreamWatch.logLines(streams),
          InventoryWatch.logLines(inventory)
        )
      case "live":
        return StatusWatch.live({
          ...watch,
          output: process.stdout,
          style: Style.forStream(process.stdout, process.env),
          headline,
          notice,
          streams,
          inventory,
          warnings
        })
    }
  }

/** This moment as the clock tells it later: a clock that was set in between says another time of the same moment. */
const sinceNow = Effect.map(
  Monotonic.millis,
  (beganMillis) => Effect.zipWith(Clock.currentTimeMillis, Monotonic.millis, (wall, now) => wall - (now - beganMillis))
)

/** Loaded only where it is wanted. */
const prepareDemo = Effect.fnUntraced(function*(setup: LocalSetup.LocalSetup) {
  const { prepare } = yield* Effect.promise(() => import("./demo/DemoSetup.ts"))
  return yield* prepare(setup)
})

const runIn = Effect.fnUntraced(function*(
  directory: string,
  options: UpOptions,
  output: Output,
  warnings: Surroundings["warnings"]
) {
  const since = yield* sinceNow
  const databaseUrl = yield* Config.option(Config.Redacted("DATABASE_URL"))
  const pathVariable = Option.getOrUndefined(yield* Config.option(Config.String("PATH")))
  const plain = yield* LocalSetup.prepare({
    directory,
    hasOwnDatabase: Option.isNone(databaseUrl),
    procRoot: "/proc",
    path: pathVariable
  })
  const secured = options.mtls ? yield* LocalCertificates.apply(plain) : plain
  const prepared = options.demo ? yield* prepareDemo(secured) : undefined
  const setup = prepared?.setup ?? secured
  yield* announce(setup)
  const httpUrl = `http://${host}:${setup.ports.coreHttp}`
  yield* RunState.publish(directory, { pid: process.pid, httpUrl, ports: setup.ports })

  const status = yield* Ref.make("starting …")
  const eventNotice = yield* Ref.make("")
  const firstLink = yield* Ref.make({ link: "", untilMillis: 0 })
  /** As long as it is good for something, unless it was used. */
  const openLink = Effect.zipWith(
    Ref.get(firstLink),
    Clock.currentTimeMillis,
    ({ link, untilMillis }, now) => now < untilMillis ? link : ""
  )
  const onProgress = (progress: Progress) =>
    Effect.andThen(
      Ref.set(status, progress === "ready" ? `${httpUrl}  Ctrl-C ends` : progressText[progress]),
      Effect.logInfo(progressText[progress])
    )
  /** The link has a line of its own below: words beside it would push it off the screen. */
  const headline = Effect.map(
    Effect.all([Ref.get(status), Ref.get(eventNotice), openLink]),
    ([now, notice, link]) =>
      [link === "" ? now : `Ctrl-C ends  ${welcome}`, notice].filter((text) => text !== "").join("  ")
  )
  /** On the screen alone, or in the log that is seen there: never in a file that stays. */
  const onFirstLink = (link: string) =>
    output === "live"
      ? Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Ref.set(firstLink, { link, untilMillis: now + Duration.toMillis(Duration.minutes(SignInLink.minutes)) }))
      : Effect.logInfo(`${welcome} ${link}`)
  const watch = { httpUrl, config: setup.poller, since }
  const shown = (looks: UpTree.Looks) => {
    const seen = display(output, watch, { headline, notice: openLink, warnings })(looks)
    return options.runFor === undefined ? seen : Effect.asVoid(Effect.timeoutOption(seen, options.runFor))
  }
  const tree = { setup, databaseUrl, pathVariable, onProgress, notice: (text: string) => Ref.set(eventNotice, text) }
  if (options.once) return yield* UpTree.run(tree, shown)
  const welcoming = { ...tree, onFirstLink }
  if (prepared !== undefined) {
    const { run } = yield* Effect.promise(() => import("./demo/DemoTree.ts"))
    return yield* run(prepared.demo, welcoming, shown)
  }
  const { run } = yield* Effect.promise(() => import("./EventfulTree.ts"))
  return yield* run(welcoming, shown)
})

/** Runs until it is interrupted, the asked time is over, `--once` has its answer, or the tree gives up. */
export const run = Effect.fn("UpProgram.run")(function*(options: UpOptions) {
  if (options.once) yield* ProcessMain.owesAnswer
  const directory = path.resolve(options.directory)
  const output = outputOf(options, process.stdout.isTTY === true)
  const stream = logStreamOf(output)
  yield* UpDirectory.acquire(directory)
  const log = stream === undefined
    ? yield* UpLog.make(path.join(directory, "up.log"))
    : { layer: Logging.layer({ stream }), warnings: Effect.succeed([]) }
  yield* runIn(directory, options, output, log.warnings).pipe(
    Effect.provide(Layer.mergeAll(log.layer, SupervisionTree.layer, FetchHttpClient.layer)),
    // Everything is on the loopback: certificates are for whoever wants to see them at work.
    Effect.provideService(
      DecidedSecurityMode,
      Option.some({ mode: options.mtls ? "production" : "development", isExplicit: options.mtls })
    )
  )
}, Effect.scoped)
