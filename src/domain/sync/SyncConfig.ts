/**
 * What the sync service's configuration file means.
 *
 * Fallbacks are those of the Go service: a missing or zero interval takes its default, a source without agent, poller or
 * partition takes the top level's or `default`, a source of an unknown type is left out with a warning.
 */
import { Duration, Option, Redacted } from "effect"
import type { ListenAddress } from "../config/ListenAddress.ts"
import { nonEmpty } from "../config/NonEmpty.ts"
import * as Blacklist from "../inventory/Blacklist.ts"
import type { GuardPolicy } from "../inventory/SourceGuard.ts"
import * as SweepConfig from "../inventory/SweepConfig.ts"
import * as SecurityConfig from "../security/SecurityConfig.ts"
import type { SourceEntry, SyncConfigFile } from "./SyncConfigFile.ts"

const discoveryDefault = Duration.hours(6)
const refreshDefault = Duration.hours(12)
const updateIntervalDefault = Duration.hours(12)
const writeBackBatchDefault = 1_000
const apiDefault = "http://localhost:8080"
const retractionRetentionDefault = Duration.days(7)
const requestTimeoutDefault = Duration.seconds(30)
/** Per cent. */
export const guardThresholdDefault = 80
const armisPageSizeDefault = 100
const netboxPageSizeDefault = 1_000

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
  readonly credentials: Redacted.Redacted<Readonly<Record<string, string>>>
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
  threshold: (source.guard?.threshold ?? file.guard?.threshold ?? guardThresholdDefault) / 100,
  confirmFirst: source.guard?.confirm_first ?? file.guard?.confirm_first ?? false
})

const sourceOf = (file: SyncConfigFile, name: string, source: FileSource): SourceConfig => {
  const credentials = source.credentials ?? {}
  const pageSizeDefault = source.type === "netbox" ? netboxPageSizeDefault : armisPageSizeDefault
  return {
    name,
    type: source.type,
    endpoint: source.endpoint.replace(/\/+$/, ""),
    credentials: Redacted.make(credentials),
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
