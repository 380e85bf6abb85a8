/**
 * What an agent sweeps and how: `<checkers_dir>/sweep/sweep.json`, with the document at the agent's key over it.
 *
 * Keys as the Go agent has them. Unlike there, `tcp_connect` is a mode that works (the Go agent drops such targets), and
 * the settings of `icmp_settings`, `tcp_settings` and `icmp_rate_limit` count in the file too. `network_blacklist` and
 * `rate_limit` are keys of our own.
 */
import { Duration, Option, Result, Schema } from "effect"
import { GoDuration } from "../../config/GoDuration.ts"
import type { SweepDocument } from "../../inventory/SweepDocument.ts"

const nullable = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Texts = nullable(Schema.Array(Schema.String))

const ScannerBlock = nullable(Schema.Struct({
  rate_limit: nullable(Schema.Int),
  concurrency: nullable(Schema.Int),
  timeout: nullable(GoDuration),
  max_batch: nullable(Schema.Int),
  route_discovery_host: nullable(Schema.String),
  ring_block_size: nullable(Schema.Int),
  ring_block_count: nullable(Schema.Int),
  interface: nullable(Schema.String),
  suppress_rst_reply: nullable(Schema.Boolean),
  global_ring_memory_mb: nullable(Schema.Int),
  ring_readers: nullable(Schema.Int),
  ring_poll_timeout_ms: nullable(Schema.Int)
}))

/** As written in the file. */
export const SweepFile = Schema.Struct({
  networks: Texts,
  device_targets: nullable(Schema.Array(Schema.Struct({
    network: Schema.String,
    sweep_modes: Texts,
    query_label: nullable(Schema.String),
    source: nullable(Schema.String),
    metadata: nullable(Schema.Record(Schema.String, Schema.String))
  }))),
  ports: nullable(Schema.Array(Schema.Int)),
  sweep_modes: Texts,
  interval: nullable(GoDuration),
  timeout: nullable(GoDuration),
  concurrency: nullable(Schema.Int),
  icmp_count: nullable(Schema.Int),
  high_perf_icmp: nullable(Schema.Boolean),
  icmp_rate_limit: nullable(Schema.Int),
  icmp_settings: ScannerBlock,
  tcp_settings: ScannerBlock,
  max_idle: nullable(Schema.Int),
  max_lifetime: nullable(GoDuration),
  idle_timeout: nullable(GoDuration),
  network_blacklist: Texts,
  rate_limit: nullable(Schema.Int)
})
export type SweepFile = typeof SweepFile.Type

export interface Target {
  /** A network, as written. */
  readonly network: string
  /** As written; empty: those of all. */
  readonly modes: ReadonlyArray<string>
}

export interface SweepSettings {
  /** As written. */
  readonly networks: ReadonlyArray<string>
  readonly deviceTargets: ReadonlyArray<Target>
  readonly ports: ReadonlyArray<number>
  /** As written. */
  readonly modes: ReadonlyArray<string>
  /** Networks that are never swept, as written. */
  readonly blacklist: ReadonlyArray<string>
  /** From the beginning of one sweep to the beginning of the next. */
  readonly interval: Duration.Duration
  /** How long an answer is awaited. */
  readonly timeout: Duration.Duration
  /** Connections being opened at once. */
  readonly concurrency: number
  /** TCP connections begun in a second; 0: as fast as `concurrency` allows. */
  readonly ratePerSecond: number
  /** Echo requests in a second. */
  readonly icmpRatePerSecond: number
  /** In which connections are opened: each costs some 20 MB while a sweep runs. */
  readonly threads: number
}

/** What is missing in one source is taken from the next. */
export type PartialSettings = { readonly [Key in keyof SweepSettings]?: SweepSettings[Key] | undefined }

/** Of the Go agent where it has one. */
export const defaults: SweepSettings = {
  networks: [],
  deviceTargets: [],
  ports: [],
  modes: ["icmp", "tcp"],
  blacklist: [],
  interval: Duration.minutes(5),
  timeout: Duration.seconds(2),
  concurrency: 500,
  ratePerSecond: 0,
  icmpRatePerSecond: 1000,
  threads: 1
}

/** Each connection costs a file descriptor, and more at once only fill the queues of routers. */
export const concurrencyMax = 10_000
const rateMax = 1_000_000
/** More are not faster: the kernel does most of the work. */
export const threadsMax = 4
const intervalMin = Duration.seconds(1)

/** Zero and less stand for nothing, as in Go. */
const positive = (value: number | null | undefined): number | undefined =>
  value === null || value === undefined || value <= 0 ? undefined : value
const lasting = (value: Duration.Duration | null | undefined): Duration.Duration | undefined =>
  value === null || value === undefined || Duration.isZero(value) ? undefined : value
const filled = <A>(values: ReadonlyArray<A> | null | undefined): ReadonlyArray<A> | undefined =>
  values === null || values === undefined || values.length === 0 ? undefined : values

export const ofFile = (file: SweepFile): PartialSettings => ({
  networks: filled(file.networks),
  deviceTargets: filled(
    file.device_targets?.map(({ network, sweep_modes }) => ({ network, modes: sweep_modes ?? [] }))
  ),
  ports: filled(file.ports),
  modes: filled(file.sweep_modes),
  blacklist: filled(file.network_blacklist),
  interval: lasting(file.interval),
  timeout: lasting(file.tcp_settings?.timeout) ?? lasting(file.timeout),
  concurrency: positive(file.tcp_settings?.concurrency) ?? positive(file.concurrency),
  ratePerSecond: positive(file.tcp_settings?.rate_limit) ?? positive(file.rate_limit),
  icmpRatePerSecond: positive(file.icmp_settings?.rate_limit) ?? positive(file.icmp_rate_limit)
})

const decodeDuration = Schema.decodeUnknownResult(GoDuration)

/** What an assigned document says; a duration in it that cannot be read counts as missing. */
export const ofDocument = (document: SweepDocument): PartialSettings => {
  const duration = (text: string | null | undefined) => Option.getOrUndefined(Result.getSuccess(decodeDuration(text)))
  return ofFile({
    ...(document.networks === undefined ? {} : { networks: document.networks }),
    ...(document.device_targets === undefined ? {} : { device_targets: document.device_targets }),
    ports: document.ports ?? null,
    sweep_modes: document.sweep_modes ?? null,
    interval: duration(document.interval) ?? null,
    timeout: duration(document.timeout) ?? null,
    concurrency: document.concurrency ?? null,
    icmp_rate_limit: document.icmp_rate_limit ?? null
  })
}

/**
 * The settings of the file with what the agent was told over them: its networks and targets replace those of the file
 * where it has any, its other values only fill gaps.
 */
export const merge = (file: PartialSettings, told: PartialSettings = {}): SweepSettings => {
  const gap = <Key extends keyof SweepSettings>(key: Key): SweepSettings[Key] => file[key] ?? told[key] ?? defaults[key]
  const interval = gap("interval")
  return {
    networks: told.networks ?? file.networks ?? defaults.networks,
    deviceTargets: told.deviceTargets ?? file.deviceTargets ?? defaults.deviceTargets,
    ports: gap("ports"),
    modes: gap("modes"),
    blacklist: gap("blacklist"),
    interval: Duration.max(interval, intervalMin),
    timeout: gap("timeout"),
    concurrency: Math.min(gap("concurrency"), concurrencyMax),
    ratePerSecond: Math.min(gap("ratePerSecond"), rateMax),
    icmpRatePerSecond: Math.min(gap("icmpRatePerSecond"), rateMax),
    threads: Math.min(gap("threads"), threadsMax)
  }
}
