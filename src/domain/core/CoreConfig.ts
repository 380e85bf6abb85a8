/**
 * Core's configuration file, and the value core works with.
 *
 * The keys are those of the Go core as far as there is something behind them here; its other keys are reported as
 * unknown and ignored. An HTTP address without a host means the loopback, not all interfaces as in Go: there is no
 * authentication yet.
 */
import { Duration, Option, Redacted, Schema } from "effect"
import { DatabaseUrl } from "../config/DatabaseUrl.ts"
import { GoDuration } from "../config/GoDuration.ts"
import * as ListenAddress from "../config/ListenAddress.ts"
import { PollerId } from "../monitoring/Ids.ts"
import { LoggingBlock } from "../monitoring/LoggingConfig.ts"
import * as SecurityConfig from "../security/SecurityConfig.ts"

const retentionDefault = Duration.days(30)
const grpcAddressDefault = "127.0.0.1:50052"
const httpAddressDefault = "127.0.0.1:8090"

const Connections = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))

/** As written in the file. */
export const CoreConfigFile = Schema.Struct({
  /** HTTP: health, metrics and API. */
  listen_addr: Schema.optionalKey(ListenAddress.ListenAddress),
  /** Where pollers report. */
  grpc_addr: Schema.optionalKey(ListenAddress.ListenAddress),
  /** `DATABASE_URL` in the environment wins; without either core runs a PostgreSQL of its own. */
  database_url: Schema.optionalKey(DatabaseUrl),
  /** Where the PostgreSQL of our own keeps its data. */
  data_dir: Schema.optionalKey(Schema.String),
  max_connections: Schema.optionalKey(Connections),
  /** When given, reports of other pollers are acknowledged and dropped. */
  known_pollers: Schema.optionalKey(Schema.Array(PollerId)),
  /** How long the history of statuses is kept. */
  history_retention: Schema.optionalKey(GoDuration),
  security: Schema.optionalKey(SecurityConfig.SecurityBlock),
  logging: Schema.optionalKey(LoggingBlock)
})
export type CoreConfigFile = typeof CoreConfigFile.Type

export interface CoreConfig {
  /** None: no HTTP. */
  readonly http: Option.Option<ListenAddress.ListenAddress>
  readonly grpc: ListenAddress.ListenAddress
  /** None: the endpoint is published by whoever runs a server. */
  readonly databaseUrl: Option.Option<Redacted.Redacted>
  readonly dataDirectory: string
  readonly maxConnections: number
  readonly knownPollers: Option.Option<ReadonlySet<PollerId>>
  readonly historyRetention: Duration.Duration
  readonly security: SecurityConfig.SecurityConfig
}

const fallback: ListenAddress.ListenAddress = { host: "127.0.0.1", port: 0 }

const address = (text: string): ListenAddress.ListenAddress =>
  Option.getOrElse(ListenAddress.parse(text), () => fallback)

const httpAddress = (text: string): Option.Option<ListenAddress.ListenAddress> =>
  text === "" ? Option.none() : Option.some(address(text.startsWith(":") ? `127.0.0.1${text}` : text))

export const fromFile = (file: CoreConfigFile): CoreConfig => ({
  http: httpAddress(file.listen_addr ?? httpAddressDefault),
  grpc: address(file.grpc_addr === undefined || file.grpc_addr === "" ? grpcAddressDefault : file.grpc_addr),
  databaseUrl: Option.map(Option.fromNullishOr(file.database_url), (url) => Redacted.make(url)),
  dataDirectory: file.data_dir ?? ".serviceradar/postgres",
  maxConnections: file.max_connections ?? 8,
  knownPollers: Option.map(Option.fromNullishOr(file.known_pollers), (ids) => new Set(ids)).pipe(
    Option.filter((ids) => ids.size > 0)
  ),
  historyRetention: file.history_retention === undefined || Duration.isZero(file.history_retention)
    ? retentionDefault
    : file.history_retention,
  security: SecurityConfig.fromBlock(file.security)
})
