/**
 * Runs the `serviceradar` command line as a process: arguments in, exit code out.
 *
 * Only the subcommand that was asked for is imported, because each brings a driver or two; the others are there by name
 * and description. Completions and the wizard need the flags of all, so they import all. Wrong usage is an error like
 * any other: exit code 2.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as ErrorReport from "../../layers/command/ErrorReport.ts"
import * as GoFlags from "../../layers/command/GoFlags.ts"
import { packageVersion } from "../../layers/command/PackageVersion.ts"
import { UsageError } from "../../layers/command/UsageError.ts"
import * as ProcessMain from "../../layers/process/ProcessMain.ts"
import type { StdoutUse } from "../../layers/process/StandardStreams.ts"
import * as Logging from "../../layers/telemetry/Logging.ts"
import { services } from "./Services.ts"

const description = `Monitors hosts and services: pollers ask agents, core keeps what they report.

Try it on this machine:            serviceradar up
One answer for a script:           serviceradar up --once --json
One check without any setup:       serviceradar check port example.org:443
What is running, what restarted:   serviceradar tree
What could not be stored, and why: serviceradar dlq list

Exit codes: 0 fine, 1 the answer is no (a service is down, a file is invalid), 2 an error.`

const named = (name: string, about: string) => Command.make(name).pipe(Command.withDescription(about))

const wantsAll = (args: ReadonlyArray<string>): boolean =>
  args.some((arg) => arg === "--wizard" || arg === "--completions" || arg.startsWith("--completions="))

/** The command with the subcommand that these arguments ask for. */
const load = Effect.fnUntraced(function*(args: ReadonlyArray<string>) {
  const all = wantsAll(args)
  const wanted = <A, B>(name: string, real: () => Promise<A>, stub: B) =>
    all || args.includes(name) ? Effect.promise(real) : Effect.succeed(stub)

  const subcommands = [
    yield* wanted(
      "up",
      () => import("../up/UpCommand.ts").then((module) => module.upCommand),
      named("up", "Run poller, agent, core and PostgreSQL and monitor this very machine")
    ),
    yield* wanted(
      "poller",
      () => import("../poller/PollerCommand.ts").then((module) => module.command),
      named("poller", "Ask agents and report to core")
    ),
    yield* wanted(
      "agent",
      () => import("../agent/AgentCommand.ts").then((module) => module.command),
      named("agent", "Check this host and what it can reach, for pollers")
    ),
    yield* wanted(
      "core",
      () => import("./CoreCommand.ts").then((module) => module.command),
      named("core", "Take reports and keep them in PostgreSQL")
    ),
    yield* wanted(
      "event-writer",
      () => import("../event-writer/EventWriterCommand.ts").then((module) => module.command),
      named("event-writer", "Write events, logs, metrics, traces, flows and sweeps from JetStream into PostgreSQL")
    ),
    yield* wanted(
      "sync",
      () => import("../sync/SyncCommand.ts").then((module) => module.command),
      named("sync", "Bring devices from Armis, NetBox and files to pollers and agents")
    ),
    yield* wanted(
      "dlq",
      () => import("../dlq/DlqCommand.ts").then((module) => module.dlqCommand),
      named("dlq", "Look at, replay or drop the messages that the event writer could not store")
    ),
    yield* wanted(
      "check",
      () => import("../agent/CheckCommand.ts").then((module) => module.command),
      named("check", "Run one check from the command line")
    ),
    yield* wanted(
      "sweep",
      () => import("../agent/SweepCommand.ts").then((module) => module.command),
      named("sweep", "Find out who answers in a network")
    ),
    yield* wanted(
      "compare",
      () => import("../poller/CompareCommand.ts").then((module) => module.command),
      named("compare", "Hold what two pollers measured against each other")
    ),
    yield* wanted(
      "tree",
      () => import("./TreeCommand.ts").then((module) => module.treeCommand),
      named("tree", "Show the live supervision tree of a running program")
    ),
    yield* wanted(
      "config",
      () => import("./ConfigCheckCommand.ts").then((module) => module.configCommand),
      named("config", "Work with configuration files")
    ),
    yield* wanted(
      "srql",
      () => import("./srql/SrqlCommand.ts").then((module) => module.srqlCommand),
      named("srql", "Check queries, and show what they ask of the database")
    ),
    yield* wanted(
      "db",
      () => import("./admin/DbCommand.ts").then((module) => module.dbCommand),
      named("db", "Look at core's database schema and change it")
    ),
    yield* wanted(
      "user",
      () => import("./admin/UserCommand.ts").then((module) => module.userCommand),
      named("user", "Add users")
    ),
    yield* wanted(
      "tenant",
      () => import("./admin/TenantCommand.ts").then((module) => module.tenantCommand),
      named("tenant", "Add tenants")
    ),
    yield* wanted(
      "admin",
      () => import("./admin/AdminCommand.ts").then((module) => module.adminCommand),
      named("admin", "Help people in")
    ),
    yield* wanted(
      "token",
      () => import("./admin/TokenCommand.ts").then((module) => module.tokenCommand),
      named("token", "Make API tokens")
    ),
    yield* wanted(
      "certs",
      () => import("../certs/CertsCommand.ts").then((module) => module.certsCommand),
      named("certs", "Make and check certificates")
    )
  ] as const

  return Command.make("serviceradar").pipe(
    Command.withDescription(description),
    Command.withSubcommands(subcommands)
  )
})

/** Commands whose stdout is theirs to log to; the others print data there. */
const logging: ReadonlySet<string> = new Set(services)

const asUsageError = (error: CliError.CliError) =>
  error._tag === "ShowHelp" && error.errors.length === 0
    ? Effect.void
    : new UsageError({ detail: error.message })

const program = Effect.fnUntraced(function*(args: ReadonlyArray<string>) {
  const root = yield* load(args)
  yield* Command.runWith(root, { version: packageVersion() })(args).pipe(
    Effect.catchIf(CliError.isCliError, asUsageError)
  )
})

const isAnyOf = (args: ReadonlyArray<string>, names: ReadonlyArray<string>): boolean =>
  args.some((arg) => names.includes(arg))

/** Of sync: each ends when it has done its work. */
const syncCommands = ["run", "plan", "apply", "write-back"]

/** Services that read their configuration again at SIGHUP. */
const readsAgain = (args: ReadonlyArray<string>): boolean => {
  const [command = "", ...rest] = args
  if (isAnyOf(rest, ["--help", "-h", "--version"])) return false
  return command === "poller" || command === "agent" || (command === "sync" && !isAnyOf(rest, syncCommands))
}

/** A program that runs until it is stopped logs to stdout; help, versions and everything else there is an answer. */
const stdoutUse = (args: ReadonlyArray<string>): StdoutUse => {
  if (isAnyOf(args, ["--help", "-h", "--version", "--compare"])) return "answer"
  const isUpLog = args.includes("up") && !isAnyOf(args, ["--once", "--json"])
  return isUpLog || args.some((arg) => logging.has(arg)) ? "log" : "answer"
}

export const run = (given: ReadonlyArray<string>): void => {
  const args = GoFlags.normalise(given)
  const stream = args.some((arg) => logging.has(arg)) ? "stdout" : "stderr"
  ProcessMain.run(
    program(args.length === 0 ? ["--help"] : args).pipe(
      Effect.provide(Layer.mergeAll(Logging.layer({ stream }), NodeServices.layer))
    ),
    {
      stdout: args.length === 0 ? "answer" : stdoutUse(args),
      readsAgain: readsAgain(args),
      report: (cause) =>
        Effect.sync(() => {
          const text = ErrorReport.render(cause, ErrorReport.wantsStack(args))
          if (text !== undefined) process.stderr.write(`${text}\n`)
        })
    }
  )
}
