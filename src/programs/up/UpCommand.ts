/** `serviceradar up`: the whole system on this machine, monitoring it. */
import { Duration, Effect, Option } from "effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GoDuration from "../../domain/config/GoDuration.ts"
import * as RunState from "../../layers/process/RunState.ts"
import { DemoRefused } from "./demo/DemoRefused.ts"
import * as UpProgram from "./UpProgram.ts"

const runFor = Flag.String("for").pipe(
  Flag.filterMap(
    (text) =>
      Option.map(Option.filter(GoDuration.parseNanos(text), (nanos) => nanos > 0n), (nanos) => Duration.nanos(nanos)),
    (text) => `a time such as "30s" or "5m", got ${JSON.stringify(text)}`
  ),
  Flag.optional,
  Flag.withMetavar("DURATION"),
  Flag.withDescription("Stop after this time, such as 30s or 5m, with exit code 0")
)

export const upCommand = Command.make("up", {
  once: Flag.Boolean("once").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Poll once and exit: 0 all services are up, 1 some are not, 2 an error")
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Print statuses as JSON: an array with --once, else a line for each change")
  ),
  mtls: Flag.Boolean("mtls").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Core, agent and poller speak mTLS, with certificates made in DIR/certs")
  ),
  demo: Flag.Boolean("demo").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Also a sync service with a made-up Armis and NetBox: devices arrive in core")
  ),
  runFor,
  directory: Flag.String("dir").pipe(
    Flag.withDefault(RunState.directoryDefault),
    Flag.withDescription("Where configuration and database are kept; written on the first start")
  )
}, (input) =>
  Effect.gen(function*() {
    if (input.demo && input.once) {
      return yield* new DemoRefused({
        detail: "it needs time and --once has none; for a script: --demo --json --for 60s"
      })
    }
    return yield* UpProgram.run({ ...input, runFor: Option.getOrUndefined(input.runFor) })
  })).pipe(
    Command.withDescription(
      "Run poller, agent, core and PostgreSQL on the loopback and monitor this very machine.\n\n" +
        "The first start writes a configuration of what it finds here to DIR/poller.json; edit it and start again. " +
        "DATABASE_URL names a PostgreSQL to use instead of the own one."
    ),
    Command.withExamples([
      { command: "serviceradar up", description: "A live table of statuses and the supervision tree; Ctrl-C ends it" },
      { command: "serviceradar up --once --json", description: "One poll of everything, as a JSON array" },
      { command: "serviceradar up --demo", description: "With a made-up Armis and NetBox whose devices sync brings" },
      { command: "serviceradar up --json --for 10m", description: "What changes within ten minutes, as JSON lines" },
      {
        command: "DATABASE_URL=postgresql://user:password@db/radar serviceradar up",
        description: "With a database of yours"
      }
    ])
  )
