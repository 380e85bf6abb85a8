/**
 * The sync service's configuration file: every key of the existing one, and ours beside them.
 *
 * Fallbacks are those of the Go service: a missing or zero interval takes its default, a source without agent, poller or
 * partition takes the top level's or `default`, a source of an unknown type is left out with a warning.
 */
import { Duration, Option, Redacted, Schema } from "effect"
import { GoDuration } from "../config/GoDuration.ts"
import { ListenAddress } from "../config/ListenAddress.ts"
import { nonEmpty } from "../config/NonEmpty.ts"
import * as SecretText from "../config/SecretText.ts"
import * as Blacklist from "../inventory/Blacklist.ts"
import type { GuardPolicy } from "../inventory/SourceGuard.ts"
import * as SweepConfig from "../inventory/SweepConfig.ts"
import { LoggingBlock } from "../monitoring/LoggingConfig.ts"
import * as SecurityConfig from "../security/SecurityConfig.ts"

const discoveryDefault = Duration.hours(6)
const refreshDefault = Duration.hours(12)
const updateIntervalDefault = Duration.hours(12)
const writeBackBatchDefault = 1_000
const apiDefault = "http://localhost:8080"
const retractionRetentionDefault = Duration.days(7)
const requestTimeoutDefault = Duration.seconds(30)
const thresholdDefault = 80
const armisPageSizeDefault = 100
const netboxPageSizeDefault = 1_000

const Percent = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 }))

const QueryEntry = Schema.Struct({
  label: Schema.optionalKey(Schema.String),
  query: Schema.String,
  sweep_modes: Schema.optionalKey(Schema.Array(Schema.String))
})

const GuardBlock = Schema.Struct({
  /** Per cent of the last good run's devices. */
  threshold: Schema.optionalKey(Percent),
  confirm_first: Schema.optionalKey(Schema.Boolean)
})

/** A secret must not be shown by a message about the file. */
const Credentials = Schema.Record(Schema.String, Schema.String)

const problemsOf = (
  source: {
    readonly type: string
    readonly endpoint: string
    readonly custom_field?: string
    readonly write_back?: boolean
    readonly credentials?: typeof Credentials.Type
  }
): ReadonlyArray<Schema.FilterIssue> => {
  if (source.write_back === true && (source.type !== "armis" || (source.custom_field ?? "") === "")) {
    return [{ path: ["write_back"], issue: "only with type \"armis\" and a custom_field that is written" }]
  }
  const api = source.credentials?.["serviceradar_endpoint"] ?? ""
  if (source.write_back === true && api !== "" && !(URL.canParse(api) && /^https?:/.test(api))) {
    return [{ path: ["credentials", "serviceradar_endpoint"], issue: "a URL such as \"http://srql.example.net:8080\"" }]
  }
  if (source.type === "file") return []
  const isUrl = URL.canParse(source.endpoint) && /^https?:/.test(source.endpoint)
  return isUrl || !["armis", "netbox"].includes(source.type)
    ? []
    : [{ path: ["endpoint"], issue: "a URL such as \"https://armis.example.net\"" }]
}

const SourceEntry = Schema.Struct({
  type: Schema.String.check(Schema.isMinLength(1)),
  endpoint: Schema.String.check(Schema.isMinLength(1)),
  credentials: Schema.optionalKey(Credentials),
  queries: Schema.optionalKey(Schema.Array(QueryEntry)),
  agent_id: Schema.optionalKey(Schema.String),
  poller_id: Schema.optionalKey(Schema.String),
  partition: Schema.optionalKey(Schema.String),
  network_blacklist: Schema.optionalKey(Schema.Array(Schema.String)),
  custom_field: Schema.optionalKey(Schema.String),
  batch_size: Schema.optionalKey(Schema.Int),
  /** Ours: whether availability is written to `custom_field` each `update_interval`. */
  write_back: Schema.optionalKey(Schema.Boolean),
  prefix: Schema.optionalKey(Schema.String),
  insecure_skip_verify: Schema.optionalKey(Schema.Boolean),
  sweep_interval: Schema.optionalKey(Schema.String),
  poll_interval: Schema.optionalKey(GoDuration),
  /** In shipped files, read by nobody. */
  page_size: Schema.optionalKey(Schema.Int),
  /** Ours: NetBox's virtual machines as devices, its prefixes as networks to sweep. */
  virtual_machines: Schema.optionalKey(Schema.Boolean),
  prefixes: Schema.optionalKey(Schema.Boolean),
  /** Ours: requests per second at most; 0 for no limit. */
  rate_limit: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
  /** Ours: until an answer begins, and between two pieces of it. */
  request_timeout: Schema.optionalKey(GoDuration),
  discovery_interval: Schema.optionalKey(GoDuration),
  guard: Schema.optionalKey(GuardBlock)
}).check(Schema.makeFilter(problemsOf))

const sourcesProblem = (sources: Readonly<Record<string, unknown>>) =>
  Object.keys(sources).length > 0 || "at least one source"

/** As written in the file. */
export const SyncConfigFile = Schema.Struct({
  sources: Schema.Record(Schema.String, SourceEntry).check(Schema.makeFilter(sourcesProblem)),
  listen_addr: ListenAddress,
  kv_address: Schema.optionalKey(Schema.String),
  discovery_interval: Schema.optionalKey(GoDuration),
  /** Of the writing back to Armis, which the Go service of 1.0.76 does not do any more. */
  update_interval: Schema.optionalKey(GoDuration),
  poll_interval: Schema.optionalKey(GoDuration),
  agent_id: Schema.optionalKey(Schema.String),
  poller_id: Schema.optionalKey(Schema.String),
  security: Schema.optionalKey(SecurityConfig.SecurityBlock),
  logging: Schema.optionalKey(LoggingBlock),
  /** JetStream's key-value store, used when there is no `kv_address`. */
  nats_url: Schema.optionalKey(Schema.String),
  /** In shipped files, read by nobody. */
  nats_security: Schema.optionalKey(Schema.Unknown),
  stream_name: Schema.optionalKey(Schema.String),
  subject: Schema.optionalKey(Schema.String),
  domain: Schema.optionalKey(Schema.String),
  /** Ours. */
  spool_dir: Schema.optionalKey(Schema.String),
  kv_prefix: Schema.optionalKey(Schema.String),
  kv_refresh: Schema.optionalKey(GoDuration),
  guard: Schema.optionalKey(GuardBlock),
  /** Whether core is told of devices that are gone, so that it deletes them. */
  retractions: Schema.optionalKey(Schema.Boolean),
  /** How long it is told. */
  retraction_retention: Schema.optionalKey(GoDuration),
  /** Names of sources, the most trusted first; others follow in the order of the file. */
  source_precedence: Schema.optionalKey(Schema.Array(Schema.String))
})
export type SyncConfigFile = typeof SyncConfigFile.Type

export interface SyncQuery {
  readonly label: string
  readonly query: string
  readonly sweepModes: ReadonlyArray<string>
}

export interface SourceConfig {
  readonly name: string
  readonly type: string
  /** Without a trailing slash. */
  readonly endpoint: string
  readonly credential: (key: string) => Redacted.Redacted
  readonly pageSize: number
  readonly expandSubnets: boolean
  readonly virtualMachines: boolean
  readonly prefixes: boolean
  readonly queries: ReadonlyArray<SyncQuery>
  readonly agentId: string
  readonly pollerId: string
  readonly partition: string
  readonly blacklist: Blacklist.Blacklist
  readonly blacklisted: ReadonlyArray<string>
  readonly skipVerify: boolean
  /** 0: none. */
  readonly requestsPerSecond: number
  readonly requestTimeout: Duration.Duration
  readonly interval: Duration.Duration
  readonly guard: GuardPolicy
  readonly writeBack: WriteBackConfig
}

export interface WriteBackConfig {
  /** Whether the service does it by itself. */
  readonly isOn: boolean
  /** For messages: where availability comes from is not the source. */
  readonly name: string
  /** The custom property; empty when none is named. */
  readonly field: string
  readonly batchSize: number
  /** Base address of the API that knows which devices can be reached. */
  readonly api: string
  readonly interval: Duration.Duration
}

export interface SyncConfig {
  readonly listen: ListenAddress
  readonly agentId: string
  readonly kvAddress: string
  readonly natsUrl: string
  readonly kvPrefix: string
  readonly kvRefresh: Duration.Duration
  readonly security: SecurityConfig.SecurityConfig
  readonly spoolFolder: string
  /** How long a device that is gone is retracted on the wire; none when it is not. */
  readonly retractionRetention: Option.Option<Duration.Duration>
  /** In order of precedence. */
  readonly sources: ReadonlyArray<SourceConfig>
}

type FileSource = typeof SourceEntry.Type

const nonZero = (given: Duration.Duration | undefined, otherwise: Duration.Duration): Duration.Duration =>
  given === undefined || Duration.isZero(given) ? otherwise : given

const positiveInteger = (text: string | undefined, otherwise: number): number =>
  text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : otherwise

const guardOf = (file: SyncConfigFile, source: FileSource): GuardPolicy => ({
  threshold: (source.guard?.threshold ?? file.guard?.threshold ?? thresholdDefault) / 100,
  confirmFirst: source.guard?.confirm_first ?? file.guard?.confirm_first ?? false
})

const sourceOf = (file: SyncConfigFile, name: string, source: FileSource): SourceConfig => {
  const credentials = source.credentials ?? {}
  const pageSizeDefault = source.type === "netbox" ? netboxPageSizeDefault : armisPageSizeDefault
  return {
    name,
    type: source.type,
    endpoint: source.endpoint.replace(/\/+$/, ""),
    credential: (key) => Redacted.make(Object.hasOwn(credentials, key) ? credentials[key] ?? "" : ""),
    pageSize: positiveInteger(credentials["page_size"], pageSizeDefault),
    expandSubnets: credentials["expand_subnets"] === "true",
    virtualMachines: source.virtual_machines ?? false,
    prefixes: source.prefixes ?? false,
    queries: (source.queries ?? []).map(({ label, query, sweep_modes }) => ({
      label: label ?? "",
      query,
      sweepModes: sweep_modes ?? []
    })),
    agentId: nonEmpty(source.agent_id, file.agent_id ?? ""),
    pollerId: nonEmpty(source.poller_id, file.poller_id ?? ""),
    partition: nonEmpty(source.partition, "default"),
    blacklist: Blacklist.make(source.network_blacklist ?? []),
    blacklisted: source.network_blacklist ?? [],
    skipVerify: source.insecure_skip_verify ?? false,
    requestsPerSecond: source.rate_limit ?? 0,
    requestTimeout: nonZero(source.request_timeout, requestTimeoutDefault),
    interval: nonZero(source.discovery_interval, nonZero(file.discovery_interval, discoveryDefault)),
    guard: guardOf(file, source),
    writeBack: {
      isOn: source.write_back ?? false,
      name: `${name} (availability)`,
      field: source.custom_field ?? "",
      batchSize: Math.max(1, source.batch_size ?? writeBackBatchDefault),
      api: nonEmpty(credentials["serviceradar_endpoint"], apiDefault).replace(/\/+$/, ""),
      interval: nonZero(file.update_interval, updateIntervalDefault)
    }
  }
}

/** What an agent can do with a target; anything else it passes over. */
const sweepModes = ["icmp", "tcp", "tcp_connect"]

/** What an operator should know, though the service starts. */
export const warningsOf = (config: SyncConfig, knownTypes: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...(config.kvAddress === "" && config.natsUrl === ""
    ? ["neither kv_address nor nats_url is given: devices are served, but no agent is told what to sweep"]
    : []),
  ...config.sources.flatMap((source) => [
    ...(knownTypes.includes(source.type)
      ? []
      : [
        `sources.${source.name}.type is "${source.type}", known are ${knownTypes.join(", ")}: the source is left out`
      ]),
    ...source.blacklist.rejected.map((entry) =>
      `sources.${source.name}.network_blacklist has "${entry}", which is no network such as "10.0.0.0/8": it is left out`
    ),
    ...(source.agentId === "" ? [`sources.${source.name} has no agent_id: its devices are served but not swept`] : []),
    ...(source.type === "armis" && source.queries.length === 0
      ? [`sources.${source.name} has no queries: every run of it fails`]
      : []),
    ...(source.writeBack.isOn || Redacted.value(source.credential("enable_status_updates")) !== "true"
      ? []
      : [
        `sources.${source.name}.credentials.enable_status_updates is "true": ` +
        "nothing is written back to Armis without write_back"
      ]),
    ...(source.type !== "file" && /\/api(\/|$)/.test(source.endpoint)
      ? [
        `sources.${source.name}.endpoint is "${
          SecretText.inAddress(source.endpoint)
        }", expected the address without "/api": that is added`
      ]
      : []),
    ...source.queries.flatMap(({ label, sweepModes: given }) =>
      given.filter((mode) => !sweepModes.includes(mode)).map((mode) =>
        `sources.${source.name} has the sweep mode "${mode}" in query "${label}", known are ${sweepModes.join(", ")}`
      )
    )
  ])
]

/** Whether devices must be found by their identifiers: to be joined, or to be known as living on elsewhere. */
export const needsIdentifiers = ({ retractionRetention, sources }: SyncConfig): boolean =>
  sources.length > 1 || Option.isSome(retractionRetention)

export const fromFile = (file: SyncConfigFile): SyncConfig => {
  const names = Object.keys(file.sources)
  const preferred = (file.source_precedence ?? []).filter((name) => names.includes(name))
  const ordered = [...new Set([...preferred, ...names])]
  return {
    listen: file.listen_addr,
    agentId: file.agent_id ?? "",
    kvAddress: file.kv_address ?? "",
    natsUrl: file.nats_url ?? "",
    kvPrefix: nonEmpty(file.kv_prefix, SweepConfig.prefixDefault).replace(/\/+$/, ""),
    kvRefresh: nonZero(file.kv_refresh, refreshDefault),
    security: SecurityConfig.fromBlock(file.security),
    retractionRetention: file.retractions === true
      ? Option.some(nonZero(file.retraction_retention, retractionRetentionDefault))
      : Option.none(),
    spoolFolder: nonEmpty(file.spool_dir, "/var/lib/serviceradar/sync"),
    sources: ordered.flatMap((name) => {
      const source = file.sources[name]
      return source === undefined ? [] : [sourceOf(file, name, source)]
    })
  }
}
