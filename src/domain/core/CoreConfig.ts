/**
 * Core's configuration file, and the value core works with.
 *
 * The keys are those of the existing core. One with nothing behind it here is refused where leaving it out would change
 * what core does to others (another database, no events), and otherwise ignored with a word on what to use
 * instead: a file is never half taken.
 */
import { Duration, Option, Redacted, Schema } from "effect"
import { DatabaseUrl } from "../config/DatabaseUrl.ts"
import { GoDuration } from "../config/GoDuration.ts"
import { type ListenAddress, OptionalListenAddress } from "../config/ListenAddress.ts"
import * as OnboardingConfig from "../edge/OnboardingConfig.ts"
import { PollerId } from "../monitoring/Ids.ts"
import { LoggingBlock } from "../monitoring/LoggingConfig.ts"
import * as SecurityConfig from "../security/SecurityConfig.ts"
import { isLoopback } from "../security/SecurityMode.ts"
import * as HostPort from "../sockets/HostPort.ts"
import * as AuthConfig from "./AuthConfig.ts"
import { type Cors, CorsBlock, fromBlock as corsOf } from "./Cors.ts"
import * as WebhookConfig from "./WebhookConfig.ts"

const retentionDefault = Duration.days(30)
const grpcAddressDefault: ListenAddress = { host: "127.0.0.1", port: 50_052 }
const httpAddressDefault: ListenAddress = { host: "127.0.0.1", port: 8090 }

/** A key of the existing core without which core would do something else than its file says. */
const refused = (remedy: string) =>
  Schema.optionalKey(Schema.Unknown.check(Schema.makeFilter((value) => value === null || remedy)))

const Events = Schema.Struct({
  enabled: Schema.optionalKey(Schema.Boolean),
  stream_name: Schema.optionalKey(Schema.String),
  subjects: Schema.optionalKey(Schema.Array(Schema.String))
}).check(
  Schema.makeFilter(({ enabled }) =>
    enabled !== true ||
    {
      path: ["enabled"],
      issue: "false: core publishes events where NATS_URL in its environment says, and to no stream by name"
    }
  )
)

/** What to use instead of the existing core's keys that change nothing here. */
export const ignoredKeys: Readonly<Record<string, string>> = {
  metrics: "history_retention says how long the history is kept",
  database: "this was the address of its first database; set database_url or DATABASE_URL",
  db_addr: "this was Proton's address; set database_url or DATABASE_URL",
  db_name: "it is in database_url or DATABASE_URL",
  db_user: "it is in database_url or DATABASE_URL",
  db_pass: "it is in database_url or DATABASE_URL",
  db_path: "set database_url or DATABASE_URL, or data_dir for a PostgreSQL of core's own",
  poller_patterns: "known_pollers has pollers by their whole names",
  snmp: "core asks nobody by SNMP; agents' checks do",
  write_buffer: "reports are stored before they are acknowledged, so nothing is buffered",
  service_name: "core's health has the name of the whole server",
  service_type: "read by nobody",
  mcp: "there is no MCP server",
  spire_admin: "there is no onboarding by SPIRE: edge_onboarding makes packages with certificates",
  kv_address: "configuration comes from this file alone",
  kv_security: "configuration comes from this file alone",
  kv_endpoints: "configuration comes from this file alone",
  features: "there are no feature switches",
  srql: "there is no query interface in core yet"
}

/** What stands for the variables in the environment of the existing core that change nothing here. */
export const ignoredVariables: Readonly<Record<string, string>> = {
  API_KEY: "X-API-Key takes the API tokens of users: serviceradar token create",
  AUTH_ENABLED: "the API asks for a sign-in always",
  CNPG_PASSWORD_FILE: "the database is where database_url or DATABASE_URL says"
}

const Connections = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 }))

/** As written in the file. */
export const CoreConfigFile = Schema.Struct({
  /** HTTP: health, metrics and API. */
  listen_addr: Schema.optionalKey(OptionalListenAddress),
  /** Where pollers report. */
  grpc_addr: Schema.optionalKey(OptionalListenAddress),
  /** `DATABASE_URL` in the environment wins; without either core runs a PostgreSQL of its own. */
  database_url: Schema.optionalKey(DatabaseUrl),
  /** Where the PostgreSQL of our own keeps its data. */
  data_dir: Schema.optionalKey(Schema.String),
  max_connections: Schema.optionalKey(Connections),
  /** When given, reports of other pollers are acknowledged and dropped. */
  known_pollers: Schema.optionalKey(Schema.Array(PollerId)),
  /** How long the history of statuses is kept. */
  history_retention: Schema.optionalKey(GoDuration),
  /** How long a poller may be silent; without it four of its intervals, at least half a minute. */
  alert_threshold: Schema.optionalKey(GoDuration),
  webhooks: Schema.optionalKey(Schema.Array(WebhookConfig.WebhookBlock)),
  cnpg: refused(
    "no such key: core takes the address as database_url or DATABASE_URL, such as " +
      "\"postgresql://user:password@host:5432/database?sslmode=verify-full\""
  ),
  auth: Schema.optionalKey(Schema.NullOr(AuthConfig.AuthBlock)),
  /** Also as a part of `auth`. */
  rbac: Schema.optionalKey(Schema.NullOr(AuthConfig.RbacBlock)),
  nats: refused("no such key: where core publishes its events is said by NATS_URL in its environment"),
  events: Schema.optionalKey(Events),
  edge_onboarding: Schema.optionalKey(Schema.NullOr(OnboardingConfig.OnboardingBlock)),
  /** Of the API and the sign-in; without origins no other site's pages read them. */
  cors: Schema.optionalKey(CorsBlock),
  security: Schema.optionalKey(SecurityConfig.SecurityBlock),
  logging: Schema.optionalKey(LoggingBlock)
})
export type CoreConfigFile = typeof CoreConfigFile.Type

/** What an operator should know of a file that is valid. */
export const notices = (file: CoreConfigFile): ReadonlyArray<string> =>
  Option.toArray(fromFile(file).http).flatMap((address) =>
    isLoopback(address.host) ? [] : [
      `listen_addr: others can reach ${JSON.stringify(HostPort.format(address))}: core starts with it only where ` +
      "SERVICERADAR_HTTP_TOKEN in its environment holds the bearer token that they have to send"
    ]
  )

export interface CoreConfig {
  /** None: no HTTP. */
  readonly http: Option.Option<ListenAddress>
  readonly grpc: ListenAddress
  /** None: the endpoint is published by whoever runs a server. */
  readonly databaseUrl: Option.Option<Redacted.Redacted>
  readonly dataDirectory: string
  readonly maxConnections: number
  readonly alertThreshold: Option.Option<Duration.Duration>
  readonly webhooks: ReadonlyArray<WebhookConfig.Webhook>
  readonly knownPollers: Option.Option<ReadonlySet<PollerId>>
  readonly historyRetention: Duration.Duration
  readonly security: SecurityConfig.SecurityConfig
  readonly auth: AuthConfig.AuthConfig
  readonly cors: Cors
  readonly onboarding: OnboardingConfig.OnboardingConfig
}

export const fromFile = (file: CoreConfigFile): CoreConfig => ({
  http: file.listen_addr ?? Option.some(httpAddressDefault),
  grpc: Option.getOrElse(file.grpc_addr ?? Option.none(), () => grpcAddressDefault),
  databaseUrl: Option.map(Option.fromNullishOr(file.database_url), (url) => Redacted.make(url)),
  dataDirectory: file.data_dir ?? ".serviceradar/postgres",
  maxConnections: file.max_connections ?? 8,
  alertThreshold: Option.filter(Option.fromNullishOr(file.alert_threshold), (some) => !Duration.isZero(some)),
  webhooks: (file.webhooks ?? []).flatMap((block) => Option.toArray(WebhookConfig.fromBlock(block))),
  knownPollers: Option.map(Option.fromNullishOr(file.known_pollers), (ids) => new Set(ids)).pipe(
    Option.filter((ids) => ids.size > 0)
  ),
  historyRetention: file.history_retention === undefined || Duration.isZero(file.history_retention)
    ? retentionDefault
    : file.history_retention,
  security: SecurityConfig.fromBlock(file.security),
  auth: AuthConfig.fromBlock(file.auth ?? {}, file.rbac ?? {}),
  cors: corsOf(file.cors),
  onboarding: OnboardingConfig.fromBlock(file.edge_onboarding ?? {})
})
