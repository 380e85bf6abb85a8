/**
 * The sync service's configuration file as it is written: every key of the existing one, and ours beside them.
 */
import { Duration, Schema } from "effect"
import { GoDuration } from "../config/GoDuration.ts"
import { ListenAddress } from "../config/ListenAddress.ts"
import { LoggingBlock } from "../monitoring/LoggingConfig.ts"
import * as SecurityConfig from "../security/SecurityConfig.ts"

/** Below this a number without a unit was meant to be seconds: it would ask a source without a pause. */
const intervalMin = Duration.millis(100)

/** Zero stands for the default, as it does in the Go service. */
const Interval = GoDuration.check(
  Schema.makeFilter((interval: Duration.Duration) =>
    Duration.isZero(interval) || Duration.isGreaterThanOrEqualTo(interval, intervalMin) ||
    "at least 100ms, such as \"30s\" or \"6h\"; a number means nanoseconds"
  )
)

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
  // The path is put behind it.
  const isUrl = URL.canParse(source.endpoint) && /^https?:[^?#]*$/.test(source.endpoint)
  return isUrl || !["armis", "netbox"].includes(source.type)
    ? []
    : [{ path: ["endpoint"], issue: "a URL such as \"https://armis.example.net\"" }]
}

export const SourceEntry = Schema.Struct({
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
  request_timeout: Schema.optionalKey(Interval),
  discovery_interval: Schema.optionalKey(Interval),
  guard: Schema.optionalKey(GuardBlock)
}).check(Schema.makeFilter(problemsOf))

const nameMax = 200

const sourcesProblem = (sources: Readonly<Record<string, unknown>>) => {
  const names = Object.keys(sources)
  if (names.length === 0) return "at least one source"
  return names.every((name) => name.trim() !== "" && name.length <= nameMax) ||
    `names of sources with 1 to ${nameMax} characters`
}

/** As written in the file. */
export const SyncConfigFile = Schema.Struct({
  sources: Schema.Record(Schema.String, SourceEntry).check(Schema.makeFilter(sourcesProblem)),
  listen_addr: ListenAddress,
  kv_address: Schema.optionalKey(Schema.String),
  discovery_interval: Schema.optionalKey(Interval),
  /** Of the writing back to Armis, which the Go service of 1.0.76 does not do any more. */
  update_interval: Schema.optionalKey(Interval),
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
  kv_refresh: Schema.optionalKey(Interval),
  guard: Schema.optionalKey(GuardBlock),
  /** Whether core is told of devices that are gone, so that it deletes them. */
  retractions: Schema.optionalKey(Schema.Boolean),
  /** How long it is told. */
  retraction_retention: Schema.optionalKey(Interval),
  /** Names of sources, the most trusted first; others follow in the order of the file. */
  source_precedence: Schema.optionalKey(Schema.Array(Schema.String))
})
export type SyncConfigFile = typeof SyncConfigFile.Type
