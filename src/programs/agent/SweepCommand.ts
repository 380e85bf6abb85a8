/**
 * `serviceradar sweep NETWORK...`: who answers in a network, as an agent would find out.
 *
 * Exit code 0 when at least one host is available, 1 when none is, 2 when there was nothing to sweep.
 */
import { Clock, Config, Console, Duration, Effect, Option, Runtime, Schema, SchemaGetter, SchemaIssue } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as PortList from "../../domain/agent/sweep/PortList.ts"
import { SweepFindings } from "../../domain/agent/sweep/SweepFindings.ts"
import * as SweepPlan from "../../domain/agent/sweep/SweepPlan.ts"
import * as SweepSettings from "../../domain/agent/sweep/SweepSettings.ts"
import { GoDuration } from "../../domain/config/GoDuration.ts"
import * as IpNetwork from "../../domain/inventory/IpNetwork.ts"
import * as TargetPolicy from "../../domain/monitoring/checks/TargetPolicy.ts"
import * as NodeSweepScanner from "../../layers/agent/sweep/NodeSweepScanner.ts"
import * as ProcessMain from "../../layers/process/ProcessMain.ts"
import * as Screen from "../../layers/terminal/Screen.ts"
import * as Style from "../../layers/terminal/Style.ts"
import * as SweepRun from "../../services/agent/sweep/SweepRun.ts"
import * as SweepText from "./SweepText.ts"

/** The sweep was made and nobody answered; everything about it has been printed. */
export class NobodyAnswers extends Schema.TaggedError<NobodyAnswers>()("NobodyAnswers", {}) {
  override readonly [Runtime.errorExitCode] = 1
  override readonly [Runtime.errorReported] = false
  override get message(): string {
    return "no host is available"
  }
}

/** What was asked for cannot be swept, or all of it must not be. */
export class NothingToSweep extends Schema.TaggedError<NothingToSweep>()("NothingToSweep", {
  reasons: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message(): string {
    return this.reasons.join("\n")
  }
}

/** An address alone is a network of one; what is neither stays as it was written, to be refused so. */
const networkOf = (text: string): string =>
  Option.match(IpNetwork.canonicalAddress(text), { onNone: () => text, onSome: IpNetwork.hostNetwork })

const Ports = Schema.String.pipe(Schema.decodeTo(Schema.Array(Schema.Int), {
  decode: SchemaGetter.transformEffect((text: string, options) =>
    Option.match(PortList.parse(text), {
      onNone: () =>
        Effect.fail(
          new SchemaIssue.InvalidValue({ message: "Expected ports such as 22,80,8000-8099" }, text, options)
        ),
      onSome: (ports) => Effect.succeed(ports)
    })
  ),
  encode: SchemaGetter.transform((ports: ReadonlyArray<number>) => ports.join(","))
}))

const atLeastOne = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }))

const parameters = {
  networks: Argument.String("network").pipe(
    Argument.withDescription("Networks such as 192.0.2.0/24, or addresses; of IPv6 single addresses only"),
    Argument.variadic({ min: 1 })
  ),
  ports: Flag.String("ports").pipe(
    Flag.withDefault("22,80,443"),
    Flag.withSchema(Ports),
    Flag.withDescription("TCP ports, such as 22,80,8000-8099")
  ),
  mode: Flag.Literals("mode", ["both", "icmp", "tcp"]).pipe(
    Flag.withDefault("both"),
    Flag.withDescription("Echo requests, TCP connections, or both")
  ),
  rate: Flag.Int("rate").pipe(
    Flag.optional,
    Flag.withSchema(Schema.Option(atLeastOne(1_000_000))),
    Flag.withDescription(
      "Packets in a second, of each mode; unless told 1000 echo requests, and connections as they come"
    )
  ),
  concurrency: Flag.Int("concurrency").pipe(
    Flag.withDefault(SweepSettings.defaults.concurrency),
    Flag.withSchema(atLeastOne(SweepSettings.concurrencyMax)),
    Flag.withDescription("Connections being opened at once")
  ),
  threads: Flag.Int("threads").pipe(
    Flag.withDefault(SweepSettings.defaults.threads),
    Flag.withSchema(atLeastOne(SweepSettings.threadsMax)),
    Flag.withDescription("In which connections are opened; two are faster, and take more memory")
  ),
  timeout: Flag.String("timeout").pipe(
    Flag.withDefault("2s"),
    Flag.withSchema(GoDuration),
    Flag.withDescription("How long an answer is awaited")
  ),
  exclude: Flag.String("exclude").pipe(
    Flag.optional,
    Flag.withDescription("Networks that are left out, separated by commas")
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Print one JSON object: the totals, and the hosts that answered")
  )
}

/** A bar on the terminal, where there is one to look at it. */
const progressOf = Effect.fnUntraced(function*(findings: SweepFindings, isShown: boolean) {
  if (!isShown) return { tell: Effect.void, clear: Effect.void }
  const screen = yield* Screen.make(process.stderr)
  const style = Style.forStream(process.stderr, process.env)
  return {
    tell: Effect.suspend(() => screen.draw([SweepText.progress(findings, style)])),
    clear: screen.draw([])
  }
})

export const command = Command.make("sweep", parameters, (given) =>
  Effect.gen(function*() {
    const excluded = Option.match(given.exclude, {
      onNone: () => [],
      onSome: (text) => text.split(",").map((one) => one.trim())
    })
    const wrong = excluded.find((text) => Option.isNone(SweepPlan.forbidden(networkOf(text))))
    if (wrong !== undefined) {
      const reason = `--exclude: ${
        JSON.stringify(wrong)
      } is no network: expected one such as 192.0.2.0/24, or an address`
      return yield* new NothingToSweep({ reasons: [reason] })
    }
    const rate = Option.getOrUndefined(given.rate)
    const settings = SweepSettings.merge({
      networks: given.networks.map(networkOf),
      ports: given.mode === "icmp" ? [] : given.ports,
      modes: given.mode === "both" ? ["icmp", "tcp"] : [given.mode],
      blacklist: excluded.map(networkOf),
      timeout: Duration.isZero(given.timeout) ? undefined : given.timeout,
      concurrency: given.concurrency,
      threads: given.threads,
      ratePerSecond: rate,
      icmpRatePerSecond: rate
    })
    const plan = SweepPlan.make(settings, TargetPolicy.fromBlock())
    if (plan.rejected.length > 0) return yield* new NothingToSweep({ reasons: plan.rejected })
    if (plan.hosts === 0) {
      return yield* new NothingToSweep({ reasons: ["no host is left: all of them are excluded, or link-local"] })
    }
    const findings = new SweepFindings(plan)
    const { clear, tell } = yield* progressOf(findings, process.stderr.isTTY === true && !given.json)
    const path = yield* Config.option(Config.String("PATH"))
    const counts = { refused: 0, silent: 0, unreachable: 0 }
    const startedMillis = yield* Clock.currentTimeMillis
    const print = Effect.fnUntraced(function*(icmpBy: string) {
      yield* clear
      const totals = { ...counts, icmpBy, millis: (yield* Clock.currentTimeMillis) - startedMillis }
      const terminal = {
        style: Style.forStream(process.stdout, process.env),
        columns: process.stdout.isTTY ? process.stdout.columns : Number.MAX_SAFE_INTEGER
      }
      yield* Console.log(given.json ? SweepText.json(findings, totals) : SweepText.table(findings, totals, terminal))
    })
    yield* ProcessMain.owesAnswer
    yield* tell
    const { icmpBy } = yield* SweepRun.run(findings, settings, ({ answers }) => {
      counts.refused += answers.refused
      counts.silent += answers.silent
      counts.unreachable += answers.unreachable
      return tell
    }).pipe(
      Effect.provide(NodeSweepScanner.layer(Option.getOrUndefined(path))),
      // What was found in an hour is not lost to whoever has seen enough.
      Effect.onInterrupt(() =>
        Effect.andThen(
          print(""),
          Console.error(`Interrupted: ${findings.hosts} of ${plan.hosts} hosts were swept`)
        )
      )
    )
    yield* print(icmpBy)
    if (findings.availableHosts === 0) return yield* new NobodyAnswers()
  }).pipe(Effect.scoped)).pipe(
    Command.withDescription(
      "Find out who answers in a network; exit code 1 when nobody does, 2 when there is nothing to sweep, 130 when it was " +
        "interrupted, with what was found by then. " +
        "Sweep only networks whose owner has agreed"
    ),
    Command.withExamples([
      { command: "serviceradar sweep 192.0.2.0/24", description: "Echo requests, and the ports 22, 80 and 443" },
      {
        command: "serviceradar sweep 192.0.2.0/24 --mode tcp --ports 1-1024 --rate 500",
        description: "Half a thousand connections in a second, no more"
      },
      {
        command: "serviceradar sweep 10.0.0.0/16 --mode icmp --exclude 10.0.9.0/24 --json",
        description: "Who answers echo requests, for a script"
      }
    ])
  )
