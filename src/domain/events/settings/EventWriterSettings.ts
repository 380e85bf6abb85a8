/**
 * All that the event writer works with, made from what environment and file say.
 *
 * Batches are larger and wait less than the historic 100 messages and 1,000 ms: an insert of five hundred rows costs
 * hardly more than one of a hundred, and a quiet stream's rows are there after a fifth of a second.
 */
import { Duration, Option, type Redacted } from "effect"
import type { ListenAddress } from "../../config/ListenAddress.ts"
import * as SecurityConfig from "../../security/SecurityConfig.ts"
import type * as TableForm from "../storing/TableForm.ts"
import { type AskedRetention, type Retention, writtenNames } from "../storing/TablePolicy.ts"
import { type FlowTable, type StreamName, streamNames } from "../stream/Streams.ts"
import { rawSubjects } from "../stream/Subject.ts"
import * as CnpgConfig from "./CnpgConfig.ts"
import type * as NatsSettings from "./NatsSettings.ts"

export interface StreamOptions {
  readonly enabled?: boolean | undefined
  readonly batchSize?: number | undefined
  readonly batchTimeout?: Duration.Duration | undefined
  readonly concurrency?: number | undefined
}

type Parts<A> = { readonly [K in keyof A]?: A[K] | undefined }

/** What one source of configuration says; what it does not say is absent. */
export interface EventWriterOptions {
  readonly grpc?: ListenAddress | undefined
  readonly grpcSecurity?: SecurityConfig.SecurityConfig | undefined
  readonly natsUrl?: Redacted.Redacted | undefined
  readonly natsCredentials?: NatsSettings.NatsCredentials | undefined
  readonly natsSecurity?: SecurityConfig.SecurityConfig | undefined
  readonly jetStream?: string | undefined
  /** Subjects that somebody listed: of their streams no others are consumed. */
  readonly subjects?: ReadonlyArray<string> | undefined
  readonly tables?: TableForm.TablesSetting | undefined
  readonly consumer?: string | undefined
  readonly domain?: string | undefined
  readonly startAfter?: string | undefined
  readonly createStreams?: boolean | undefined
  readonly deadLetterStream?: string | undefined
  readonly deliveriesMax?: number | undefined
  readonly ackWait?: Duration.Duration | undefined
  /** For every stream that says nothing else. */
  readonly batch?: StreamOptions | undefined
  readonly streams?: Parts<Record<StreamName, StreamOptions>> | undefined
  readonly tenantDefault?: string | undefined
  readonly tenantPrefixes?: ReadonlyArray<string> | undefined
  readonly flowTable?: FlowTable | undefined
  /** Whether a rule engine takes all that it could take; none says nothing about `superseded`. */
  readonly hasRuleEngine?: boolean | undefined
  readonly superseded?: ReadonlyArray<string> | undefined
  readonly schema?: string | undefined
  readonly retention?: Parts<Retention> | undefined
  readonly hasMigrations?: boolean | undefined
  readonly databaseUrl?: Redacted.Redacted | undefined
  readonly database?: Parts<CnpgConfig.DatabaseAddress> | undefined
  readonly databasePasswordFile?: string | undefined
  readonly databaseTls?: CnpgConfig.DatabaseTls | undefined
  /** Of the environment; they weigh more, one by one. */
  readonly databaseTlsVariables?: CnpgConfig.TlsVariables | undefined
  readonly pool?: Parts<CnpgConfig.PoolSettings> | undefined
}

export interface StreamSettings {
  readonly stream: StreamName
  /** Messages in a batch. */
  readonly batchSize: number
  /** How long the first message of a batch may wait. */
  readonly batchTimeout: Duration.Duration
  /** Batches written at once. */
  readonly concurrency: number
  /** Payload bytes fetched and not settled. */
  readonly bytesMax: number
  /** Deliveries after which a message that cannot be stored becomes a dead letter. */
  readonly deliveriesMax: number
}

export interface DatabaseSettings {
  /** None: published by whoever runs a server. */
  readonly url: Option.Option<Redacted.Redacted>
  /** The file with the password that belongs to `url`; it may change at any time. */
  readonly passwordFile: Option.Option<string>
  readonly tls: Option.Option<CnpgConfig.DatabaseTls>
  readonly sslMode: Option.Option<CnpgConfig.SslMode>
  readonly pool: CnpgConfig.PoolSettings
}

export interface EventWriterSettings {
  /** None: the writer serves no gRPC. */
  readonly grpc: Option.Option<ListenAddress>
  readonly grpcSecurity: SecurityConfig.SecurityConfig
  readonly nats: NatsSettings.NatsSettings
  /** None: found by the subjects. */
  readonly jetStream: Option.Option<string>
  /** Listed ones; the streams among them are consumed of no others. */
  readonly subjects: ReadonlyArray<string>
  /** Whether the first JetStream stream is made with the listed subjects when it is missing, as the Go writer does. */
  readonly createsListed: boolean
  /** In which writer's tables rows are stored. */
  readonly tables: TableForm.TablesSetting
  /** The first part of the names of the durable consumers. */
  readonly consumer: string
  readonly domain: Option.Option<string>
  /** A durable of another writer that this one goes on for. */
  readonly startAfter: Option.Option<string>
  readonly createStreams: boolean
  readonly deadLetterStream: string
  /** How long a delivery may go without a sign of life before it comes again. */
  readonly ackWait: Duration.Duration
  /** Those that are enabled. */
  readonly streams: ReadonlyArray<StreamSettings>
  /** Those that somebody has asked for; of the others it is no fault when nobody publishes to them. */
  readonly requested: ReadonlySet<StreamName>
  /** Whose messages are that name no tenant; without it they are refused. */
  readonly tenantDefault: Option.Option<string>
  /** Tenants whose names may stand in front of subjects, `*` for all; besides subjects without a tenant. */
  readonly tenantPrefixes: ReadonlyArray<string>
  /** None: the one that the database has. */
  readonly flowTable: Option.Option<FlowTable>
  /** Subjects whose messages a rule engine publishes once more, processed. */
  readonly superseded: ReadonlySet<string>
  /** None: found in the database, by the tables that are there. */
  readonly schema: Option.Option<string>
  /** Only what was asked for: tables of another writer's making are pruned on request only. */
  readonly retention: AskedRetention
  /** Whether tables are made and maintained here. */
  readonly hasMigrations: boolean
  readonly database: DatabaseSettings
}

export const batchSizeDefault = 500
export const batchTimeoutDefault = Duration.millis(200)
export const concurrencyDefault = 4
export const deliveriesMaxDefault = 10
export const ackWaitDefault = Duration.seconds(30)
export const consumerDefault = "serviceradar-event-writer"
export const deadLetterStreamDefault = "DLQ"

/** With all seven streams held up at their limits this is 112 MiB. */
const streamBytesMax = 16 * 2 ** 20

type Sources = ReadonlyArray<EventWriterOptions>

/** By key, the value of the first source that has one. */
const firstOf =
  <A extends object>(sources: ReadonlyArray<A | undefined>) =>
  <K extends keyof A>(key: K): NonNullable<A[K]> | undefined => {
    for (const source of sources) {
      const value = source?.[key]
      if (value !== undefined && value !== null) return value
    }
    return undefined
  }

const streamSettings = (sources: Sources, deliveriesMax: number) => (stream: StreamName) => {
  const first = firstOf([
    ...sources.map((source) => source.streams?.[stream]),
    ...sources.map((source) => source.batch)
  ])
  return {
    isEnabled: first("enabled") ?? true,
    isRequested: first("enabled") === true,
    settings: {
      stream,
      batchSize: first("batchSize") ?? batchSizeDefault,
      batchTimeout: first("batchTimeout") ?? batchTimeoutDefault,
      concurrency: first("concurrency") ?? concurrencyDefault,
      bytesMax: streamBytesMax,
      deliveriesMax
    }
  }
}

const poolSettings = (sources: Sources): CnpgConfig.PoolSettings => {
  const first = firstOf(sources.map((source) => source.pool))
  const fallback = CnpgConfig.poolDefault
  const maxConnections = first("maxConnections") ?? fallback.maxConnections
  return {
    applicationName: first("applicationName") ?? fallback.applicationName,
    maxConnections,
    minConnections: Math.min(maxConnections, first("minConnections") ?? fallback.minConnections),
    connectionLife: first("connectionLife") ?? fallback.connectionLife,
    statementLimit: first("statementLimit") ?? fallback.statementLimit,
    parameters: first("parameters") ?? fallback.parameters
  }
}

const noTlsVariables: CnpgConfig.TlsVariables = {
  folder: undefined,
  caFile: undefined,
  certFile: undefined,
  keyFile: undefined,
  sslMode: undefined
}

const databaseSettings = (sources: Sources): DatabaseSettings => {
  const first = firstOf(sources)
  const part = firstOf(sources.map((source) => source.database))
  const [host, database, username] = [part("host"), part("database"), part("username")]
  const [password, sslMode] = [part("password") ?? Option.none(), part("sslMode") ?? Option.none()]
  const inParts = host === undefined || database === undefined || username === undefined
    ? undefined
    : CnpgConfig.toUrl({ host, database, username, port: part("port") ?? 5432, password, sslMode })
  const pool = poolSettings(sources)
  const whole = first("databaseUrl")
  if (whole !== undefined) {
    return { url: Option.some(whole), passwordFile: Option.none(), tls: Option.none(), sslMode: Option.none(), pool }
  }
  return {
    url: Option.fromNullishOr(inParts),
    passwordFile: Option.fromNullishOr(first("databasePasswordFile")),
    tls: CnpgConfig.tlsOf(first("databaseTlsVariables") ?? noTlsVariables, Option.fromNullishOr(first("databaseTls"))),
    sslMode,
    pool
  }
}

const retention = (sources: Sources): AskedRetention => {
  const first = firstOf(sources.map((source) => source.retention))
  return Object.fromEntries(writtenNames.map((name) => [name, first(name)]))
}

const supersededSubjects = (hasRuleEngine: boolean | undefined, known: ReadonlyArray<string>): ReadonlySet<string> => {
  if (hasRuleEngine === undefined) return new Set(known)
  return hasRuleEngine ? rawSubjects : new Set()
}

/** Of several sources the earlier weighs more, key by key. */
export const resolve = (sources: Sources): EventWriterSettings => {
  const first = firstOf(sources)
  const subjects = first("subjects") ?? []
  const streams = streamNames.map(streamSettings(sources, first("deliveriesMax") ?? deliveriesMaxDefault))
  return {
    grpc: Option.fromNullishOr(first("grpc")),
    grpcSecurity: first("grpcSecurity") ?? SecurityConfig.none,
    nats: {
      url: Option.fromNullishOr(first("natsUrl")),
      credentials: first("natsCredentials") ?? { _tag: "None" },
      security: first("natsSecurity") ?? SecurityConfig.none
    },
    jetStream: Option.fromNullishOr(first("jetStream")),
    subjects,
    createsListed: subjects.length > 0 && first("jetStream") !== undefined && first("createStreams") !== false,
    tables: first("tables") ?? "auto",
    consumer: first("consumer") ?? consumerDefault,
    domain: Option.fromNullishOr(first("domain")),
    startAfter: Option.fromNullishOr(first("startAfter")),
    createStreams: first("createStreams") ?? false,
    deadLetterStream: first("deadLetterStream") ?? deadLetterStreamDefault,
    ackWait: first("ackWait") ?? ackWaitDefault,
    streams: streams.filter(({ isEnabled }) => isEnabled).map(({ settings }) => settings),
    requested: new Set(streams.filter(({ isRequested }) => isRequested).map(({ settings }) => settings.stream)),
    tenantDefault: Option.fromNullishOr(first("tenantDefault")),
    tenantPrefixes: first("tenantPrefixes") ?? [],
    flowTable: Option.fromNullishOr(first("flowTable")),
    superseded: supersededSubjects(first("hasRuleEngine"), first("superseded") ?? []),
    schema: Option.fromNullishOr(first("schema")),
    retention: retention(sources),
    hasMigrations: first("hasMigrations") ?? true,
    database: databaseSettings(sources)
  }
}
