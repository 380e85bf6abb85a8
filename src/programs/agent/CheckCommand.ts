/**
 * `serviceradar check TYPE TARGET`: one probe from the command line, exactly as an agent would make it.
 *
 * Exit code 0 when the target is available, 1 when not, 2 when there was nothing to probe.
 */
import { Config, Console, DateTime, Duration, Effect, Layer, Option, Runtime, Schema } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as AgentConfig from "../../domain/agent/AgentConfig.ts"
import * as GoDuration from "../../domain/config/GoDuration.ts"
import * as HttpTarget from "../../domain/monitoring/checks/HttpTarget.ts"
import type { ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"
import { GrpcCheckers } from "../../layers/probes/GrpcCheckers.ts"
import * as ProbeTable from "../../layers/probes/ProbeTable.ts"
import * as SecurityLayer from "../../layers/security/SecurityLayer.ts"
import { type CheckRequest, probeOnce } from "../../services/monitoring/Prober.ts"

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
    ProbeTable.layer({ config, path: Option.getOrUndefined(path) }).pipe(
      Layer.provide(GrpcCheckers.layer(config)),
      Layer.provide(SecurityLayer.layer)
    )
))

interface Line {
  readonly serviceName: string
  readonly serviceType: string
  readonly available: boolean
  readonly responseTimeNanos: number
  readonly message: unknown
  readonly at: string
}

const messageOf = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const lineOf = (request: CheckRequest, result: ProbeResult, at: DateTime.Utc): Line => ({
  serviceName: request.serviceName,
  serviceType: request.serviceType,
  available: result.available,
  responseTimeNanos: Number(result.responseTimeNanos),
  message: Option.getOrElse(messageOf(result.message), () => result.message),
  at: DateTime.formatIso(at)
})

const table = (line: Line): string => {
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["check", `${line.serviceType} ${line.serviceName}`],
    ["status", line.available ? "available" : "not available"],
    ["time", GoDuration.format(Duration.nanos(BigInt(line.responseTimeNanos)))],
    ["at", line.at],
    ["message", JSON.stringify(line.message)]
  ]
  return rows.map(([name, value]) => `${name.padEnd(9)}${value}`).join("\n")
}

const parameters = {
  type: Argument.String("type").pipe(
    Argument.withDescription("port, process, icmp, http, grpc or sysmon")
  ),
  target: Argument.String("target").pipe(
    Argument.withDescription("host:port, process name, host, or URL; may be left out for sysmon and icmp"),
    Argument.optional
  ),
  timeout: Flag.String("timeout").pipe(
    Flag.optional,
    Flag.withSchema(Schema.Option(GoDuration.GoDuration)),
    Flag.withDescription("How long the probe may take, such as 2s; by default as long as the type's own limit")
  ),
  json: Flag.Boolean("json").pipe(Flag.withDefault(false), Flag.withDescription("Print a JSON array of one element"))
}

export const command = Command.make("check", parameters, ({ json, target, timeout, type }) =>
  Effect.gen(function*() {
    const details = Option.getOrElse(target, () => "")
    const request: CheckRequest = {
      serviceType: type,
      serviceName: details === "" ? type : HttpTarget.presentable(details),
      details,
      port: 0,
      agentId: config.agentId,
      pollerId: "serviceradar-check"
    }
    const result = yield* probeOnce(request, Option.getOrUndefined(timeout))
    const line = lineOf(request, result, yield* DateTime.now)
    yield* Console.log(json ? JSON.stringify([line]) : table(line))
    if (!result.available) return yield* new NotAvailable({ serviceType: type, target: details })
  }).pipe(Effect.provide(layer))).pipe(
    Command.withDescription("Run one check from the command line; exit code 1 when the target is not available"),
    Command.withExamples([
      { command: "serviceradar check port example.org:443", description: "Can a connection be opened?" },
      { command: "serviceradar check http https://example.org --json", description: "Status and certificate, as JSON" },
      { command: "serviceradar check process nginx", description: "Does it run?" }
    ])
  )
