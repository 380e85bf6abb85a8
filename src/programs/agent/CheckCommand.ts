/**
 * `serviceradar check TYPE TARGET`: one probe from the command line, exactly as an agent would make it.
 *
 * Exit code 0 when the target is available, 1 when not, 2 when there was nothing to probe. Of several checks (`--watch`)
 * the last decides.
 */
import { Config, Console, DateTime, Duration, Effect, Layer, Option, Runtime, Schedule, Schema } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as AgentConfig from "../../domain/agent/AgentConfig.ts"
import * as GoDuration from "../../domain/config/GoDuration.ts"
import * as Details from "../../domain/monitoring/checks/details/Details.ts"
import type { ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"
import { GrpcCheckers } from "../../layers/probes/GrpcCheckers.ts"
import type { Kind } from "../../layers/probes/ProbeKit.ts"
import * as ProbeTable from "../../layers/probes/ProbeTable.ts"
import * as SecurityLayer from "../../layers/security/SecurityLayer.ts"
import * as Style from "../../layers/terminal/Style.ts"
import { type CheckRequest, checkWithin, Prober } from "../../services/monitoring/Prober.ts"
import * as CheckText from "./CheckText.ts"

/** The probe was made and the target is not available; everything about it has been printed. */
export class NotAvailable extends Schema.TaggedError<NotAvailable>()("NotAvailable", {
  serviceType: Schema.String,
  target: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 1
  override readonly [Runtime.errorReported] = false
  override get message(): string {
    return `${this.serviceType} ${this.target} is not available`
  }
}

const config: AgentConfig.AgentConfig = {
  ...AgentConfig.fromFile({}),
  agentId: "serviceradar-check"
}

const layer = Layer.unwrap(Effect.map(
  Config.option(Config.String("PATH")),
  (path) =>
    ProbeTable.layer({ config, path: Option.getOrUndefined(path), takesPrograms: true }).pipe(
      Layer.provide(GrpcCheckers.layer(config)),
      Layer.provide(SecurityLayer.layer)
    )
))

const kinds: ReadonlyArray<readonly [string, Kind]> = Object.entries(ProbeTable.table)

/** The target as it may stand in a terminal's history and in logs. */
const nameOf = (type: string, details: string): string => {
  const schema = kinds.find(([name]) => name === type)?.[1].details.schema
  return schema === undefined ? Details.withoutCredentials(details) : Details.presentable({ schema }, details)
}

const messageOf = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const lineOf = (request: CheckRequest, result: ProbeResult, at: DateTime.Utc): CheckText.Line => ({
  serviceName: request.serviceName,
  serviceType: request.serviceType,
  available: result.available,
  responseTimeNanos: Number(result.responseTimeNanos),
  message: Option.getOrElse(messageOf(result.message), () => result.message),
  at: DateTime.formatIso(at)
})

const Lasting = GoDuration.GoDuration.check(
  Schema.makeFilter((time: Duration.Duration) => Duration.isPositive(time) ? undefined : "expected more than no time")
)

const duration = (flag: Flag.Flag<string>) => flag.pipe(Flag.optional, Flag.withSchema(Schema.Option(Lasting)))

const intervalDefault = Duration.seconds(2)

const parameters = {
  type: Argument.String("type").pipe(
    Argument.withDescription(kinds.map(([type]) => type).join(", "))
  ),
  target: Argument.String("target").pipe(
    Argument.withDescription("The details of the check, such as host:port, a URL or a JSON object; see docs/checks.md"),
    Argument.optional
  ),
  timeout: duration(Flag.String("timeout")).pipe(
    Flag.withDescription("How long the probe may take, such as 2s; by default as long as the type's own limit")
  ),
  explain: Flag.Boolean("explain").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Show each key of the message, and how long each step took")
  ),
  watch: Flag.Boolean("watch").pipe(
    Flag.withDefault(false),
    Flag.withDescription("Repeat the check until Ctrl-C; one line for each, with --json one JSON object")
  ),
  interval: duration(Flag.String("interval")).pipe(
    Flag.withDescription("Between two checks of --watch; 2s unless told")
  ),
  count: Flag.Int("count").pipe(
    Flag.optional,
    Flag.withSchema(Schema.Option(Schema.Int.check(Schema.isGreaterThan(0)))),
    Flag.withDescription("Repeat the check so many times, as --watch does")
  ),
  json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print a JSON array of one element"))
}

export const command = Command.make("check", parameters, (given) =>
  Effect.gen(function*() {
    const details = Option.getOrElse(given.target, () => "")
    const request: CheckRequest = {
      serviceType: given.type,
      serviceName: details === "" ? given.type : nameOf(given.type, details),
      details,
      port: 0,
      agentId: config.agentId,
      pollerId: "serviceradar-check"
    }
    const style = Style.forStream(process.stdout, process.env)
    const prober = yield* Prober
    const checker = yield* prober.prepare(request)
    const limit = Option.getOrElse(given.timeout, () => checker.timeout)

    const check = Effect.gen(function*() {
      const result = yield* checkWithin(checker, limit)
      const line = lineOf(request, result, yield* DateTime.now)
      yield* Console.log(CheckText.render(line, { ...given, style }))
      return result.available
    })

    const interval = Option.getOrElse(given.interval, () => intervalDefault)
    const watched = Effect.repeat(check, {
      schedule: Schedule.spaced(interval).pipe(Schedule.passthrough),
      ...(Option.isNone(given.count) ? {} : { times: given.count.value - 1 })
    })
    const isAvailable = yield* given.watch || Option.isSome(given.count) ? watched : check
    if (!isAvailable) return yield* new NotAvailable({ serviceType: given.type, target: request.serviceName })
  }).pipe(Effect.scoped, Effect.provide(layer))).pipe(
    Command.withDescription("Run one check from the command line; exit code 1 when the target is not available"),
    Command.withExamples([
      { command: "serviceradar check port example.org:443", description: "Can a connection be opened?" },
      { command: "serviceradar check http https://example.org --explain", description: "Where does the time go?" },
      { command: "serviceradar check dns 'example.org MX @192.0.2.53' --json", description: "What does it answer?" },
      { command: "serviceradar check process nginx --watch", description: "Does it run, and what does it use?" }
    ])
  )
