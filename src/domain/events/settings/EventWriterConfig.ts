/**
 * The event writer's configuration file: the one of the Go writer, every key of it, and keys of our own that the Go
 * writer ignores.
 *
 * It is judged as the Go writer judges it, but for `nats_creds_file`: the first generation had no such key, and a server
 * without accounts needs none.
 */
import { Option, Record, Redacted, Schema } from "effect"
import { GoDuration } from "../../config/GoDuration.ts"
import { ListenAddress } from "../../config/ListenAddress.ts"
import { LoggingBlock } from "../../monitoring/LoggingConfig.ts"
import * as SecurityConfig from "../../security/SecurityConfig.ts"
import { tables } from "../rows/Tables.ts"
import * as TableForm from "../storing/TableForm.ts"
import { flowTables, type StreamName, streamNames, streams } from "../stream/Streams.ts"
import * as CnpgConfig from "./CnpgConfig.ts"
import * as ConfiguredSubjects from "./ConfiguredSubjects.ts"
import * as Limits from "./EventWriterLimits.ts"
import type { EventWriterOptions, StreamOptions } from "./EventWriterSettings.ts"
import * as NatsSettings from "./NatsSettings.ts"

const NonEmpty = Schema.String.check(Schema.makeFilter((text) => text.trim() !== "" || "a value that is not empty"))

/**
 * Unlike elsewhere, an object that secures nothing is refused, because the Go writer refuses it. (It refuses `spiffe` too,
 * which it has no way to do.)
 */
const NatsSecurityBlock = SecurityConfig.RolelessBlock.check(
  Schema.makeFilter(({ mode }) =>
    ["mtls", "spiffe"].includes((mode ?? "").toLowerCase()) ||
    { path: ["mode"], issue: "\"mtls\" or \"spiffe\"; leave nats_security out to connect without certificates" }
  )
)

const within = (limit: Limits.DurationLimit) =>
  GoDuration.check(Schema.makeFilter((duration) => Limits.isWithin(limit, duration) || limit.expectation))

const StreamBlock = Schema.Struct({
  enabled: Schema.optionalKey(Schema.Boolean),
  batch_size: Schema.optionalKey(Limits.BatchSize),
  batch_timeout: Schema.optionalKey(within(Limits.batchTimeout)),
  concurrency: Schema.optionalKey(Limits.Concurrency)
})

const File = Schema.Struct({
  listen_addr: ListenAddress,
  nats_url: NatsSettings.NatsUrl,
  nats_creds_file: Schema.optionalKey(Schema.String),
  /** The JetStream stream that has all the subjects. */
  stream_name: Limits.JetStreamName,
  consumer_name: Limits.JetStreamName,
  /** Of JetStream. */
  domain: Schema.optionalKey(Schema.String),
  streams: Schema.optionalKey(Schema.Array(Schema.Struct({ subject: NonEmpty, table: NonEmpty }))),
  /** A single subject and its table, from before there was a list. */
  subject: Schema.optionalKey(Schema.String),
  table: Schema.optionalKey(Schema.String),
  security: Schema.optionalKey(SecurityConfig.RolelessBlock),
  nats_security: Schema.optionalKey(NatsSecurityBlock),
  cnpg: CnpgConfig.CnpgBlock,
  logging: Schema.optionalKey(LoggingBlock),

  /** In shipped files, read by nobody. */
  partition: Schema.optionalKey(Schema.Unknown),
  agent_id: Schema.optionalKey(Schema.Unknown),
  poller_id: Schema.optionalKey(Schema.Unknown),
  gateway_id: Schema.optionalKey(Schema.Unknown),

  // Ours.
  batch_size: Schema.optionalKey(Limits.BatchSize),
  batch_timeout: Schema.optionalKey(within(Limits.batchTimeout)),
  concurrency: Schema.optionalKey(Limits.Concurrency),
  stream_settings: Schema.optionalKey(Schema.Struct(Record.map(streams, () => Schema.optionalKey(StreamBlock)))),
  start_after: Schema.optionalKey(Limits.JetStreamName),
  create_streams: Schema.optionalKey(Schema.Boolean),
  dead_letter_stream: Schema.optionalKey(Limits.JetStreamName),
  max_deliver: Schema.optionalKey(Limits.Deliveries),
  ack_wait: Schema.optionalKey(within(Limits.ackWait)),
  /** Empty: messages that name no tenant are refused. */
  tenant: Schema.optionalKey(Schema.Union([Schema.Literal(""), Limits.Tenant])),
  tenant_prefixes: Schema.optionalKey(Schema.Array(Limits.TenantPrefix)),
  flow_table: Schema.optionalKey(Schema.Literals(flowTables)),
  rule_engine: Schema.optionalKey(Schema.Boolean),
  tables: Schema.optionalKey(Schema.Literals(TableForm.tablesSettings)),
  schema: Schema.optionalKey(Limits.SchemaName),
  retention: Schema.optionalKey(Schema.Struct(
    Record.map(tables, () => Schema.optionalKey(within(Limits.retention)))
  ))
})

const hasSubjects = (file: typeof File.Type): boolean =>
  (file.streams !== undefined && file.streams.length > 0) || (file.subject ?? "").trim() !== ""

/** The subjects of the list, or the single one from before there was a list. */
const entriesOf = (file: typeof File.Type): ReadonlyArray<ConfiguredSubjects.SubjectEntry> => {
  if (file.streams !== undefined && file.streams.length > 0) return file.streams
  const table = file.table ?? ""
  const subject = (file.subject ?? "").trim()
  return subject === "" ? ConfiguredSubjects.ofTable(table) : [{ subject, table }]
}

const subjectProblems = (file: typeof File.Type): ReadonlyArray<Schema.FilterIssue> => {
  const isList = file.streams !== undefined && file.streams.length > 0
  if (!isList && (file.table ?? "").trim() === "") {
    return [{ path: ["table"], issue: "a table, because streams has no subject" }]
  }
  const entries = entriesOf(file)
  if (entries.length === 0) return [{ path: ["table"], issue: "a table that one of the streams is stored in" }]
  return ConfiguredSubjects.problems(entries).map(({ expectation, index, key }) => ({
    path: isList ? ["streams", index, key] : [key],
    issue: expectation
  }))
}

/** As written in the file, already judged. */
export const EventWriterConfigFile = File.check(Schema.makeFilter(subjectProblems))
export type EventWriterConfigFile = typeof EventWriterConfigFile.Type

/** What is done otherwise than the file says. */
export const warnings = (file: EventWriterConfigFile): ReadonlyArray<string> => [
  ...ConfiguredSubjects.warnings(entriesOf(file)),
  ...(file.cnpg.tls !== undefined && file.cnpg.ssl_mode === "disable"
    ? ["cnpg.ssl_mode is \"disable\", but cnpg.tls names certificates: they are used"]
    : [])
]

const nonEmpty = (text: string | undefined): string | undefined => text?.trim() === "" ? undefined : text?.trim()

type StreamTable = { readonly [S in StreamName]?: StreamOptions | undefined }

const streamOptions = (file: EventWriterConfigFile, wanted: ReadonlyArray<StreamName>): StreamTable =>
  Object.fromEntries(streamNames.map((stream): readonly [StreamName, StreamOptions] => {
    const own = file.stream_settings?.[stream]
    return [stream, {
      enabled: own?.enabled ?? wanted.includes(stream),
      batchSize: own?.batch_size,
      batchTimeout: own?.batch_timeout,
      concurrency: own?.concurrency
    }]
  }))

const natsUrl = (text: string): Redacted.Redacted =>
  Redacted.make(Option.getOrElse(NatsSettings.parseUrl(text), () => text))

/** Where the Go writer's file is used there is one tenant, whose name nobody ever wrote down. */
const tenantOfFile = "default"

/** What the file says. */
export const toOptions = (file: EventWriterConfigFile): EventWriterOptions => {
  const selected = ConfiguredSubjects.selection(entriesOf(file), hasSubjects(file))
  const { flowTable, schema, streams, subjects, superseded } = selected
  const credsFile = nonEmpty(file.nats_creds_file)
  return {
    grpc: file.listen_addr,
    grpcSecurity: SecurityConfig.fromBlock(file.security),
    natsUrl: natsUrl(file.nats_url),
    natsCredentials: credsFile === undefined ? undefined : { _tag: "CredsFile", path: credsFile },
    natsSecurity: file.nats_security === undefined ? undefined : SecurityConfig.fromBlock(file.nats_security),
    jetStream: file.stream_name,
    subjects,
    tables: file.tables ?? selected.tables,
    consumer: file.consumer_name,
    domain: nonEmpty(file.domain),
    startAfter: file.start_after,
    createStreams: file.create_streams,
    deadLetterStream: file.dead_letter_stream,
    deliveriesMax: file.max_deliver,
    ackWait: file.ack_wait,
    batch: { batchSize: file.batch_size, batchTimeout: file.batch_timeout, concurrency: file.concurrency },
    streams: streamOptions(file, streams),
    tenantDefault: file.tenant === "" ? undefined : file.tenant ?? tenantOfFile,
    tenantPrefixes: file.tenant_prefixes,
    flowTable: file.flow_table ?? flowTable,
    hasRuleEngine: file.rule_engine,
    superseded,
    schema: file.schema ?? schema,
    retention: file.retention,
    database: CnpgConfig.address(file.cnpg),
    databaseTls: Option.getOrUndefined(CnpgConfig.tls(file.cnpg)),
    pool: CnpgConfig.pool(file.cnpg)
  }
}
