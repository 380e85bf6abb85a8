/**
 * The poller's configuration file, every key of it, and the value the poller works with.
 *
 * The key of an entry in `agents` is that agent's id on the wire; it should equal the agent's own `agent_id`, otherwise
 * core sees two agents.
 */
import { Duration, type LogLevel, Option, Schema } from "effect"
import type { DecodeOptions } from "../config/ConfigDocument.ts"
import { GoDuration } from "../config/GoDuration.ts"
import { type ListenAddress, OptionalListenAddress } from "../config/ListenAddress.ts"
import { nonEmpty } from "../config/NonEmpty.ts"
import type { Check } from "../monitoring/checks/Check.ts"
import { AgentId, Partition, PollerId } from "../monitoring/Ids.ts"
import * as LoggingConfig from "../monitoring/LoggingConfig.ts"
import * as CleanText from "../monitoring/reports/CleanText.ts"
import * as ServiceKinds from "../monitoring/ServiceKinds.ts"
import * as SecurityConfig from "../security/SecurityConfig.ts"
import * as CheckEntry from "./CheckEntry.ts"
import * as DialTarget from "./DialTarget.ts"
import * as DiscoveryConfig from "./discovery/DiscoveryConfig.ts"
import * as DistinctChecks from "./DistinctChecks.ts"
import * as Rollout from "./rollout/Rollout.ts"

const pollIntervalDefault = Duration.minutes(5)
const pluginCallDefault = Duration.millis(250)
const bufferAgeDefault = Duration.hours(24)
/** A day of 1,000 agents with 5 checks each 5 minutes: 1.4 million statuses of some 700 bytes. */
const bufferBytesDefault = 2 ** 30
const bufferBytesMin = 2 ** 20

const Address = Schema.String.check(
  Schema.makeFilter((text) => Option.isSome(DialTarget.parse(text)) || DialTarget.expectation)
)

const targetOf = (address: string): string =>
  Option.match(DialTarget.parse(address), { onNone: () => address, onSome: ({ target }) => target })

const AgentEntry = Schema.Struct({
  address: Address,
  security: Schema.optionalKey(SecurityConfig.SecurityBlock),
  checks: Schema.optionalKey(Schema.Array(CheckEntry.CheckEntry))
})

/** Where statuses wait while core is away; beyond the keys of existing pollers. */
const BufferBlock = Schema.Struct({
  /** `memory`: nothing is written, and what waits is gone with the process. */
  type: Schema.optionalKey(Schema.Literals(["disk", "memory"])),
  /** One poller for each folder. */
  dir: Schema.optionalKey(Schema.String),
  max_bytes: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(bufferBytesMin))),
  max_age: Schema.optionalKey(GoDuration),
  /** Statuses a second that core gets at most. */
  drain_rate: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)))
})

/** Modules that change what agents answered before it is reported; beyond the keys of existing pollers. */
const PluginsBlock = Schema.Struct({
  dir: Schema.NonEmptyString,
  /** Of one call; 250 ms unless told. */
  timeout: Schema.optionalKey(GoDuration)
})

/** Judged here, because a record drops entries whose key does not fit its key schema without a word. */
const agentProblems = (agents: Readonly<Record<string, unknown>>): ReadonlyArray<Schema.FilterIssue> => {
  const names = Object.keys(agents).filter((name) => !Schema.is(AgentId)(name) || !CleanText.isKept(name))
  return names.map((name) => ({ path: [name], issue: "a name of 1 to 256 characters, without NUL" }))
}

/** Stands in names of files, in lines of the log and in every report. */
const isPrintable = Schema.makeFilter((name: string) =>
  (CleanText.isKept(name) && !CleanText.hasControls(name)) || "a name without control characters"
)

const isKept = Schema.makeFilter((text: string) => CleanText.isKept(text) || "a text without NUL")

/** As written in the file. */
export const PollerConfigFile = Schema.Struct({
  core_address: Address,
  poller_id: PollerId.check(isPrintable),
  agents: Schema.Record(Schema.String, AgentEntry).check(Schema.makeFilter(agentProblems)),
  partition: Schema.optionalKey(Schema.String.check(isKept)),
  source_ip: Schema.optionalKey(Schema.String.check(isKept)),
  poll_interval: Schema.optionalKey(GoDuration),
  listen_addr: Schema.optionalKey(OptionalListenAddress),
  service_name: Schema.optionalKey(Schema.String),
  /** In every shipped file, read by nobody. */
  service_type: Schema.optionalKey(Schema.String),
  security: Schema.optionalKey(SecurityConfig.SecurityBlock),
  kv_domain: Schema.optionalKey(Schema.String.check(isKept)),
  kv_address: Schema.optionalKey(Schema.String.check(isKept)),
  buffer: Schema.optionalKey(BufferBlock),
  rollout: Schema.optionalKey(Rollout.RolloutBlock),
  plugins: Schema.optionalKey(PluginsBlock),
  discovery: Schema.optionalKey(DiscoveryConfig.DiscoveryBlock),
  logging: Schema.optionalKey(LoggingConfig.LoggingBlock)
}).check(
  Schema.makeFilter(({ agents, discovery }): ReadonlyArray<Schema.FilterIssue> =>
    Object.keys(agents).length > 0 || discovery !== undefined ? [] : [{ path: ["agents"], issue: "at least one agent" }]
  )
)
export type PollerConfigFile = typeof PollerConfigFile.Type

/** What an operator should know although the file is valid, with the key it is about. */
export const notices = (file: PollerConfigFile): ReadonlyArray<{ readonly key: string; readonly notice: string }> => [
  ...portNotice("core_address", file.core_address),
  ...(file.rollout === undefined ? [] : Rollout.notices(file.rollout, Object.keys(file.agents))),
  ...(file.discovery?.registration !== undefined && Option.isNone(file.listen_addr ?? Option.none())
    ? [{ key: "discovery.registration", notice: "no agent can register: there is no listen_addr" }]
    : []),
  ...Object.entries(file.agents).flatMap(([name, { address, checks = [] }]) => [
    ...portNotice(`agents.${name}.address`, address),
    ...checks.flatMap(({ service_type }, index) => {
      const notice = ServiceKinds.notice(service_type)
      return notice === undefined ? [] : [{ key: `agents.${name}.checks[${index}].service_type`, notice }]
    }),
    ...repeatedNotices(`agents.${name}.checks`, checks)
  ]),
  ...repeatedNotices("discovery.checks", file.discovery?.checks ?? [])
]

const repeatedNotices = (key: string, entries: ReadonlyArray<CheckEntry.CheckEntry>) =>
  [...DistinctChecks.repeated(entries.map(CheckEntry.nameOf))].map((index) => ({
    key: `${key}[${index}]`,
    notice: `there is a check ${JSON.stringify(entries[index]?.service_name)} of type ${
      JSON.stringify(entries[index]?.service_type)
    } before it: this one is left out`
  }))

const portNotice = (key: string, address: string) =>
  Option.exists(DialTarget.parse(address), ({ isPortAssumed }) => isPortAssumed)
    ? [{ key, notice: `${JSON.stringify(address)} names no port: 443 is dialled` }]
    : []

/**
 * How the file is read: the existing poller starts with a key that is given twice, and with checks that nobody can ask
 * for; one check is not to stop all others.
 */
export const decodeOptions: DecodeOptions = {
  repeatedKeys: "last",
  elementOf: ([agents, , checks, index]) =>
    agents === "agents" && checks === "checks" && typeof index === "number" ? 4 : 0
}

export interface PolledAgent {
  readonly agentId: AgentId
  readonly address: string
  readonly security: SecurityConfig.SecurityConfig
  readonly checks: ReadonlyArray<Check>
}

export interface BufferConfig {
  readonly isOnDisk: boolean
  /** None: where the poller finds a place for it. */
  readonly folder: Option.Option<string>
  /** Of the files in the folder. */
  readonly bytesMax: number
  readonly ageMax: Duration.Duration
  /** Statuses a second; none: as many as is usual. */
  readonly drainRate: Option.Option<number>
}

export interface PluginsConfig {
  readonly folder: string
  /** Of one call. */
  readonly callLimit: Duration.Duration
}

const pluginsFromBlock = (block: typeof PluginsBlock.Type | undefined): Option.Option<PluginsConfig> =>
  Option.map(Option.fromNullishOr(block), ({ dir, timeout }) => ({
    folder: dir,
    callLimit: timeout === undefined || Duration.isZero(timeout) ? pluginCallDefault : timeout
  }))

const bufferFromBlock = (block: typeof BufferBlock.Type = {}): BufferConfig => ({
  isOnDisk: block.type !== "memory",
  folder: Option.liftPredicate((folder: string) => folder !== "")(block.dir ?? ""),
  bytesMax: block.max_bytes ?? bufferBytesDefault,
  ageMax: block.max_age === undefined || Duration.isZero(block.max_age) ? bufferAgeDefault : block.max_age,
  drainRate: Option.fromNullishOr(block.drain_rate)
})

export interface PollerConfig {
  readonly pollerId: PollerId
  readonly partition: Partition
  /** An address, a name, or one of the words that ask for detection. */
  readonly sourceIp: string
  readonly coreAddress: string
  readonly pollInterval: Duration.Duration
  /** None: the poller serves no gRPC of its own. */
  readonly listenAddress: Option.Option<ListenAddress>
  /** The name under which its health is served. */
  readonly serviceName: string
  readonly security: SecurityConfig.SecurityConfig
  readonly kvStoreId: string
  readonly buffer: BufferConfig
  /** None: the file does not say. */
  readonly logLevel: Option.Option<LogLevel.LogLevel>
  readonly logOutput: LoggingConfig.LoggingConfig["output"]
  /** None: what agents answer is reported as it is. */
  readonly plugins: Option.Option<PluginsConfig>
  /** None: it takes every agent of its file. */
  readonly rollout: Option.Option<Rollout.RolloutConfig>
  /** None: it knows no agents but those of its file. */
  readonly discovery: Option.Option<DiscoveryConfig.DiscoveryConfig>
  /** Those that it takes. */
  readonly agents: ReadonlyArray<PolledAgent>
}

export const fromFile = (file: PollerConfigFile): PollerConfig => ({
  pollerId: file.poller_id,
  partition: Partition.make(nonEmpty(file.partition, "default")),
  sourceIp: nonEmpty(file.source_ip, "auto"),
  coreAddress: targetOf(file.core_address),
  pollInterval: file.poll_interval === undefined || Duration.isZero(file.poll_interval)
    ? pollIntervalDefault
    : file.poll_interval,
  listenAddress: file.listen_addr ?? Option.none(),
  serviceName: nonEmpty(file.service_name, "PollerService"),
  security: SecurityConfig.fromBlock(file.security),
  kvStoreId: nonEmpty(file.kv_domain, file.kv_address ?? ""),
  buffer: bufferFromBlock(file.buffer),
  logLevel: LoggingConfig.fromBlock(file.logging).level,
  logOutput: LoggingConfig.fromBlock(file.logging).output,
  rollout: Option.map(Option.fromNullishOr(file.rollout), Rollout.fromBlock),
  plugins: pluginsFromBlock(file.plugins),
  discovery: Option.map(
    Option.fromNullishOr(file.discovery),
    (block) => DiscoveryConfig.fromBlock(block, SecurityConfig.fromBlock(file.security))
  ),
  agents: Rollout.taken(file.rollout, Object.entries(file.agents)).map(([name, agent]) => ({
    agentId: AgentId.make(name),
    address: targetOf(agent.address),
    security: SecurityConfig.fromBlock(agent.security),
    checks: DistinctChecks.distinct((agent.checks ?? []).map(CheckEntry.toCheck))
  }))
})
