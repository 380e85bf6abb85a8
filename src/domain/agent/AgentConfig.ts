/**
 * The agent's configuration file, the checker files beside it, and the value the agent works with.
 *
 * Of a checker file only `name`, `address` and `security` decide anything, as in the Go agent, and of type `exec`, which
 * is ours, `details`; the other keys belong to the checker process that reads the same file.
 */
import { type LogLevel, Option, Result, Schema } from "effect"
import { GoDuration } from "../config/GoDuration.ts"
import { type ListenAddress, OptionalListenAddress } from "../config/ListenAddress.ts"
import { nonEmpty } from "../config/NonEmpty.ts"
import { asciiAddress, type InvalidTarget, parseHostPort } from "../monitoring/checks/ProbeTarget.ts"
import * as TargetPolicy from "../monitoring/checks/TargetPolicy.ts"
import * as LoggingConfig from "../monitoring/LoggingConfig.ts"
import * as SecurityConfig from "../security/SecurityConfig.ts"
import type { HostPort } from "../sockets/HostPort.ts"
import { Availability } from "./Availability.ts"
import * as ProgramSpec from "./programs/ProgramSpec.ts"
import * as Registration from "./Registration.ts"

/** Checkers that are modules of the operator's; a key of our own. */
const PluginsBlock = Schema.Struct({
  dir: Schema.NonEmptyString,
  /** Of each thread; 64 unless told. */
  memory_mb: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 8, maximum: 4_096 }))),
  /** Of one core, for each thread over ten seconds; 50 unless told. */
  cpu_percent: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })))
})

export interface PluginsConfig {
  readonly folder: string
  readonly memoryMegabytesMax: number
  readonly cpuPercentMax: number
}

const pluginsFromBlock = ({ cpu_percent, dir, memory_mb }: typeof PluginsBlock.Type): PluginsConfig => ({
  folder: dir,
  memoryMegabytesMax: memory_mb ?? 64,
  cpuPercentMax: cpu_percent ?? 50
})

/** As written in the file. */
export const AgentConfigFile = Schema.Struct({
  agent_id: Schema.optionalKey(Schema.String.check(
    Schema.isMaxLength(256),
    Schema.makeFilter((text: string) => /\p{Cc}/u.test(text) ? "expected a name without control characters" : undefined)
  )),
  agent_name: Schema.optionalKey(Schema.String),
  host_ip: Schema.optionalKey(Schema.String),
  partition: Schema.optionalKey(Schema.String),
  listen_addr: Schema.optionalKey(OptionalListenAddress),
  checkers_dir: Schema.optionalKey(Schema.String),
  /** In every shipped file, read by nobody. */
  service_name: Schema.optionalKey(Schema.String),
  service_type: Schema.optionalKey(Schema.String),
  security: Schema.optionalKey(SecurityConfig.SecurityBlock),
  /** What checks may be pointed at; a key of our own. */
  probe_targets: Schema.optionalKey(TargetPolicy.TargetsBlock),
  /** The poller at which this agent registers by itself; a key of our own. */
  registration: Schema.optionalKey(Registration.RegistrationBlock),
  /** What `available` of an answer says; a key of our own. */
  availability: Schema.optionalKey(Availability),
  plugins: Schema.optionalKey(PluginsBlock),
  kv_address: Schema.optionalKey(Schema.String),
  kv_security: Schema.optionalKey(SecurityConfig.SecurityBlock),
  logging: Schema.optionalKey(LoggingConfig.LoggingBlock)
})
export type AgentConfigFile = typeof AgentConfigFile.Type

export const CheckerFile = Schema.Struct({
  name: Schema.optionalKey(Schema.String),
  type: Schema.optionalKey(Schema.String),
  address: Schema.optionalKey(Schema.String),
  port: Schema.optionalKey(Schema.Int),
  timeout: Schema.optionalKey(GoDuration),
  listen_addr: Schema.optionalKey(Schema.String),
  details: Schema.optionalKey(Schema.Unknown),
  additional: Schema.optionalKey(Schema.Unknown),
  security: Schema.optionalKey(SecurityConfig.SecurityBlock),
  /** What the agent starts and watches; a key of our own. */
  program: Schema.optionalKey(ProgramSpec.ProgramBlock)
})
export type CheckerFile = typeof CheckerFile.Type

/** An external checker that a file describes. */
export interface ConfiguredChecker {
  readonly name: string
  readonly type: string
  /** Empty when the check's details must name it. */
  readonly address: string
  readonly security: SecurityConfig.SecurityConfig | undefined
  /** Of type `exec`: the program, as its probe reads it. */
  readonly details: unknown
  /** Where the agent runs the checker. */
  readonly program?: ProgramSpec.ProgramSpec
}

export interface AgentConfig {
  readonly agentId: string
  readonly hostIp: string
  readonly partition: string
  readonly listen: ListenAddress
  readonly security: SecurityConfig.SecurityConfig
  /** Empty: no folder of checker files. */
  readonly checkersDir: string
  readonly checkers: ReadonlyArray<ConfiguredChecker>
  readonly targets: TargetPolicy.TargetPolicy
  readonly registration: Option.Option<Registration.RegistrationConfig>
  readonly availability: Availability
  readonly plugins: Option.Option<PluginsConfig>
  /** None: the file does not say. */
  readonly logLevel: Option.Option<LogLevel.LogLevel>
  /** The data service in which the agent is told what to sweep. */
  readonly kv: Option.Option<{ readonly address: string; readonly security: SecurityConfig.SecurityConfig }>
}

const listenDefault: ListenAddress = { host: "", port: 50051 }

export const fromFile = (file: AgentConfigFile): AgentConfig => ({
  agentId: nonEmpty(file.agent_id, nonEmpty(file.agent_name, "default-agent")),
  hostIp: file.host_ip ?? "",
  partition: nonEmpty(file.partition, "default"),
  listen: Option.getOrElse(file.listen_addr ?? Option.none(), () => listenDefault),
  security: SecurityConfig.fromBlock(file.security),
  checkersDir: file.checkers_dir ?? "",
  checkers: [],
  targets: TargetPolicy.fromBlock(file.probe_targets),
  registration: Option.map(
    Option.fromNullishOr(file.registration),
    (block) => Registration.fromBlock(block, SecurityConfig.fromBlock(file.security))
  ),
  availability: file.availability ?? "truthful",
  plugins: Option.map(Option.fromNullishOr(file.plugins), pluginsFromBlock),
  logLevel: LoggingConfig.fromBlock(file.logging).level,
  kv: file.kv_address === undefined || file.kv_address === "" ? Option.none() : Option.some({
    address: asciiAddress(file.kv_address),
    security: SecurityConfig.fromBlock(file.kv_security ?? file.security)
  })
})

/** What the agent is to run of the checkers. */
export const programsOf = ({ checkers }: Pick<AgentConfig, "checkers">): ReadonlyArray<ProgramSpec.ProgramSpec> =>
  checkers.flatMap(({ program }) => program === undefined ? [] : [program])

/** None for an entry without name or type: it belongs to the checker process alone. */
export const checkerFromFile = (file: CheckerFile): Option.Option<ConfiguredChecker> => {
  const { name = "", type = "" } = file
  if (name === "" || type === "") return Option.none()
  const address = nonEmpty(file.address, type === "grpc" ? file.listen_addr ?? "" : "")
  return Option.some({
    name,
    type,
    details: file.details,
    address,
    ...(file.program === undefined ? {} : { program: ProgramSpec.fromBlock(name, address, file.program) }),
    security: file.security === undefined ? undefined : SecurityConfig.fromBlock(file.security)
  })
}

/** Where a check of an external checker goes: its details, else the address of the checker file of that name. */
export const dialTarget = (
  config: AgentConfig,
  serviceName: string,
  details: string
): Result.Result<HostPort & { readonly address: string }, InvalidTarget> => {
  const configured = config.checkers.find((checker) => checker.name === serviceName)?.address ?? ""
  const address = nonEmpty(details.trim(), configured)
  return Result.map(parseHostPort("grpc", address), (target) => ({ ...target, address: asciiAddress(address) }))
}
