/**
 * The `serviceradar` command line.
 *
 * Only the subcommand that was asked for is imported, because each brings a driver or two; the others are there by name
 * and description. Completions and the wizard need the flags of all, so they import all.
 */
import { Effect } from "effect"
import * as Command from "effect/cli/Command"

const description = `Monitors hosts and services: pollers ask agents, core keeps what they report.

Try it on this machine:            serviceradar up
One answer for a script:           serviceradar up --once --json
One check without any setup:       serviceradar check port example.org:443
What is running, what restarted:   serviceradar tree

Exit codes: 0 fine, 1 the answer is no (a service is down, a file is invalid), 2 an error.`

const named = (name: string, about: string) => Command.make(name).pipe(Command.withDescription(about))

const wantsAll = (args: ReadonlyArray<string>): boolean =>
  args.some((arg) => arg === "--wizard" || arg === "--completions" || arg.startsWith("--completions="))

/** The command with the subcommand that these arguments ask for. */
export const load = Effect.fn("Root.load")(function*(args: ReadonlyArray<string>) {
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
      () => import("../core/CoreCommand.ts").then((module) => module.command),
      named("core", "Take reports and keep them in PostgreSQL")
    ),
    yield* wanted(
      "check",
      () => import("../agent/CheckCommand.ts").then((module) => module.command),
      named("check", "Run one check from the command line")
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
    )
  ] as const

  return Command.make("serviceradar").pipe(
    Command.withDescription(description),
    Command.withSubcommands(subcommands)
  )
})
