/**
 * What the environment says to the event writer: the variables of the Elixir writer, of the Go writer's container, and
 * ours.
 *
 * The Elixir writer's two batch variables changed nothing, because each of its streams had sizes of its own; here they
 * count for every stream that has no variable of its own.
 */
import { Duration, Effect, Option, Redacted, Schema } from "effect"
import { DatabaseUrl } from "../../../domain/config/DatabaseUrl.ts"
import * as GoDuration from "../../../domain/config/GoDuration.ts"
import * as ListenAddress from "../../../domain/config/ListenAddress.ts"
import * as CnpgConfig from "../../../domain/events/settings/CnpgConfig.ts"
import * as ConfiguredSubjects from "../../../domain/events/settings/ConfiguredSubjects.ts"
import * as Limits from "../../../domain/events/settings/EventWriterLimits.ts"
import type { EventWriterOptions, StreamOptions } from "../../../domain/events/settings/EventWriterSettings.ts"
import * as NatsSettings from "../../../domain/events/settings/NatsSettings.ts"
import * as TableForm from "../../../domain/events/storing/TableForm.ts"
import { type FlowTable, flowTables, type StreamName, streamNames } from "../../../domain/events/stream/Streams.ts"
import * as SecurityConfig from "../../../domain/security/SecurityConfig.ts"
import * as HostPort from "../../../domain/sockets/HostPort.ts"
import * as Variables from "./EnvironmentVariables.ts"
import * as UnknownVariables from "./UnknownVariables.ts"

export interface EventWriterEnvironment {
  /** Absent: not said. */
  readonly isEnabled: boolean | undefined
  readonly options: EventWriterOptions
  /** Of variables that look like ours and are none. */
  readonly warnings: ReadonlyArray<string>
}

const secret: Variables.Variable<Redacted.Redacted> = {
  expectation: "a secret",
  parse: (value) => Option.some(Redacted.make(value)),
  isSecret: true
}

const listen: Variables.Variable<ListenAddress.ListenAddress> = {
  expectation: ListenAddress.expectation,
  parse: (value) => HostPort.parse(value.trim())
}

/** It may carry a password. */
const natsUrl: Variables.Variable<Redacted.Redacted> = {
  expectation: NatsSettings.urlExpectation,
  parse: (value) => Option.map(NatsSettings.parseUrl(value), (url) => Redacted.make(url)),
  isSecret: true
}

const databaseUrl: Variables.Variable<Redacted.Redacted> = {
  expectation: "an address such as \"postgresql://user@host:5432/database\"",
  parse: (value) => Option.map(Option.liftPredicate(value, Schema.is(DatabaseUrl)), (url) => Redacted.make(url)),
  isSecret: true
}

/** Milliseconds without a unit, as the Elixir writer has them. */
const duration = (limit: Limits.DurationLimit): Variables.Variable<Duration.Duration> => ({
  expectation: `${limit.expectation}, in milliseconds or with a unit`,
  parse: (value) => {
    const text = value.trim()
    const nanos = /^\d+$/.test(text) ? GoDuration.parseNanos(`${text}ms`) : GoDuration.parseNanos(text)
    return nanos.pipe(
      Option.filter((some) => some >= 0n),
      Option.map((some) => Duration.nanos(some)),
      Option.filter((some) => Limits.isWithin(limit, some))
    )
  }
})

const name = Variables.checked(Limits.JetStreamName, "a name without spaces, dots, slashes, * and >")
const batchSize = Variables.whole(Limits.BatchSize, "a whole number of messages from 1 to 20000")
const batchTimeout = duration(Limits.batchTimeout)
const concurrency = Variables.whole(Limits.Concurrency, "a whole number from 1 to 16")
const connections = Variables.whole(CnpgConfig.Connections, "a whole number from 1 to 1000")
const port = Variables.whole(
  Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 })),
  "a port from 1 to 65535"
)

const tenantPrefixes: Variables.Variable<ReadonlyArray<string>> = {
  expectation: "tenants with commas between them, or * for any",
  parse: (value) =>
    Option.liftPredicate(
      value.split(",").map((one) => one.trim()).filter((one) => one !== ""),
      (all) => all.length > 0 && all.every(Schema.is(Limits.TenantPrefix))
    )
}

const sslMode: Variables.Variable<CnpgConfig.SslMode> = {
  expectation: `one of ${CnpgConfig.sslModes.join(", ")}`,
  parse: (value) => Option.fromNullishOr(CnpgConfig.sslModes.find((mode) => mode === value.trim()))
}

const tables: Variables.Variable<TableForm.TablesSetting> = {
  expectation: TableForm.tablesSettings.join(", "),
  parse: (value) => Option.fromNullishOr(TableForm.tablesSettings.find((one) => one === value.trim()))
}

const flowTable: Variables.Variable<FlowTable> = {
  expectation: flowTables.join(" or "),
  parse: (value) => Option.fromNullishOr(flowTables.find((table) => table === value.trim()))
}

const SubjectEntries = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ subject: Schema.NonEmptyString, table: Schema.NonEmptyString }))
)

const subjects: Variables.Variable<ConfiguredSubjects.Selection> = {
  expectation:
    "a JSON array of {\"subject\": …, \"table\": …}, each a subject of one of the streams and the table it goes to",
  parse: (value) =>
    Schema.decodeOption(SubjectEntries)(value).pipe(
      Option.filter((entries) => entries.length > 0 && ConfiguredSubjects.problems(entries).length === 0),
      Option.map(ConfiguredSubjects.selection)
    )
}

const certificateDirectoryDefault = "/etc/serviceradar/certs"

const nats = Effect.fnUntraced(function*({ read, readFirst, refuse }: Variables.Reader) {
  const credsFile = yield* readFirst(
    ["EVENT_WRITER_NATS_CREDS_FILE", "DB_EVENT_WRITER_NATS_CREDS_FILE", "NATS_CREDS_FILE"],
    Variables.text
  )
  const seed = yield* read("EVENT_WRITER_NATS_NKEY_SEED", secret)
  const jwt = yield* read("EVENT_WRITER_NATS_JWT", secret)
  const user = yield* readFirst(["EVENT_WRITER_NATS_USER", "NATS_USER"], Variables.text)
  const password = yield* readFirst(["EVENT_WRITER_NATS_PASSWORD", "NATS_PASSWORD"], secret)
  const isTls = yield* read("EVENT_WRITER_NATS_TLS", Variables.boolean)
  const isWithoutTls = yield* read("DB_EVENT_WRITER_DISABLE_NATS_SECURITY", Variables.boolean)
  const directory = yield* readFirst(["SPIFFE_CERT_DIR", "DATASVC_CERT_DIR"], Variables.text)
  if (jwt !== undefined && seed === undefined && credsFile === undefined) {
    refuse({
      variable: "EVENT_WRITER_NATS_NKEY_SEED",
      value: "missing",
      expectation: "the seed that belongs to EVENT_WRITER_NATS_JWT"
    })
  }
  return {
    natsUrl: yield* readFirst(["EVENT_WRITER_NATS_URL", "DB_EVENT_WRITER_NATS_URL", "NATS_URL"], natsUrl),
    natsCredentials: credentials({ credsFile, seed, jwt, user, password }),
    natsSecurity: isTls === true
      ? NatsSettings.ofCertificateDirectory(directory ?? certificateDirectoryDefault)
      : isWithoutTls === true
      ? SecurityConfig.none
      : undefined
  }
})

/** A file weighs more than inline values, a key more than a password. */
const credentials = (given: {
  readonly credsFile: string | undefined
  readonly seed: Redacted.Redacted | undefined
  readonly jwt: Redacted.Redacted | undefined
  readonly user: string | undefined
  readonly password: Redacted.Redacted | undefined
}): NatsSettings.NatsCredentials | undefined => {
  if (given.credsFile !== undefined) return { _tag: "CredsFile", path: given.credsFile }
  if (given.seed !== undefined) return { _tag: "Nkey", seed: given.seed, jwt: Option.fromNullishOr(given.jwt) }
  if (given.user === undefined) return undefined
  return { _tag: "User", user: given.user, password: given.password ?? Redacted.make("") }
}

/** As the entrypoint of the existing container takes them. */
const databaseTls = Effect.fnUntraced(function*({ read }: Variables.Reader, mode: CnpgConfig.SslMode | undefined) {
  return {
    folder: yield* read("CNPG_CERT_DIR", Variables.text),
    caFile: yield* read("CNPG_CA_FILE", Variables.text),
    certFile: yield* read("CNPG_CERT_FILE", Variables.text),
    keyFile: yield* read("CNPG_KEY_FILE", Variables.text),
    sslMode: mode
  } satisfies CnpgConfig.TlsVariables
})

const database = Effect.fnUntraced(function*(reader: Variables.Reader) {
  const { read, readFirst } = reader
  const password = yield* read("CNPG_PASSWORD", secret)
  const mode = yield* readFirst(["CNPG_SSL_MODE", "CNPG_SSLMODE"], sslMode)
  return {
    databaseUrl: yield* read("DATABASE_URL", databaseUrl),
    database: {
      host: yield* read("CNPG_HOST", Variables.text),
      port: yield* read("CNPG_PORT", port),
      database: yield* read("CNPG_DATABASE", Variables.text),
      username: yield* read("CNPG_USERNAME", Variables.text),
      password: password === undefined ? undefined : Option.some(password),
      sslMode: mode === undefined ? undefined : Option.some(mode)
    },
    databasePasswordFile: yield* read("CNPG_PASSWORD_FILE", Variables.text),
    databaseTlsVariables: yield* databaseTls(reader, mode),
    pool: {
      maxConnections: yield* readFirst(
        ["EVENT_WRITER_MAX_CONNECTIONS", "DB_EVENT_WRITER_CNPG_MAX_CONNECTIONS", "POOL_SIZE"],
        connections
      ),
      minConnections: yield* read(
        "DB_EVENT_WRITER_CNPG_MIN_CONNECTIONS",
        Variables.whole(CnpgConfig.IdleConnections, "a whole number from 0 to 1000")
      )
    }
  }
})

const batchOptions = Effect.fnUntraced(function*({ read }: Variables.Reader, prefix: string) {
  return {
    batchSize: yield* read(`${prefix}_BATCH_SIZE`, batchSize),
    batchTimeout: yield* read(`${prefix}_BATCH_TIMEOUT`, batchTimeout),
    concurrency: yield* read(`${prefix}_CONCURRENCY`, concurrency)
  } satisfies StreamOptions
})

/** `EVENT_WRITER_STREAM_OTEL_METRICS_BATCH_SIZE` and its like. */
const streams = Effect.fnUntraced(function*(
  reader: Variables.Reader,
  selection: ConfiguredSubjects.Selection | undefined
) {
  const one = Effect.fnUntraced(function*(stream: StreamName) {
    const prefix = `EVENT_WRITER_STREAM_${stream}`
    const enabled = yield* reader.read(`${prefix}_ENABLED`, Variables.boolean)
    const options: StreamOptions = {
      ...(yield* batchOptions(reader, prefix)),
      enabled: enabled ?? selection?.streams.includes(stream)
    }
    return [stream, options] as const
  })
  return Object.fromEntries(yield* Effect.forEach(streamNames, one))
})

/** Whether core is to run a writer. Nothing else of the environment is looked at, as it may not be about a writer. */
export const wantsWriter = Variables.collect((reader) =>
  Effect.map(reader.read("EVENT_WRITER_ENABLED", Variables.boolean), (enabled) => enabled === true)
)

/** Reads the whole environment; without any of the variables nothing is said. */
export const read = Variables.collect((reader) =>
  Effect.gen(function*() {
    const { read, readFirst } = reader
    const selection = yield* read("DB_EVENT_WRITER_STREAMS_JSON", subjects)
    const options: EventWriterOptions = {
      ...(yield* nats(reader)),
      ...(yield* database(reader)),
      grpc: yield* readFirst(["EVENT_WRITER_LISTEN_ADDR", "DB_EVENT_WRITER_LISTEN_ADDR"], listen),
      grpcSecurity: (yield* read("DB_EVENT_WRITER_DISABLE_SECURITY", Variables.boolean)) === true
        ? SecurityConfig.none
        : undefined,
      jetStream: yield* readFirst(["EVENT_WRITER_NATS_STREAM", "DB_EVENT_WRITER_STREAM_NAME"], name),
      consumer: yield* readFirst(
        ["EVENT_WRITER_CONSUMER_NAME", "EVENT_WRITER_NATS_CONSUMER", "DB_EVENT_WRITER_CONSUMER_NAME"],
        name
      ),
      domain: yield* read("EVENT_WRITER_NATS_DOMAIN", name),
      startAfter: yield* read("EVENT_WRITER_START_AFTER", name),
      createStreams: yield* read("EVENT_WRITER_CREATE_STREAMS", Variables.boolean),
      deadLetterStream: yield* read("EVENT_WRITER_DEAD_LETTER_STREAM", name),
      deliveriesMax: yield* read(
        "EVENT_WRITER_MAX_DELIVER",
        Variables.whole(Limits.Deliveries, "a whole number of deliveries from 1 to 1000")
      ),
      ackWait: yield* read("EVENT_WRITER_ACK_WAIT", duration(Limits.ackWait)),
      batch: yield* batchOptions(reader, "EVENT_WRITER"),
      streams: yield* streams(reader, selection),
      tenantDefault: yield* read(
        "EVENT_WRITER_TENANT",
        Variables.checked(Limits.Tenant, "a name without spaces and dots that no subject starts with")
      ),
      tenantPrefixes: yield* read("EVENT_WRITER_TENANT_PREFIXES", tenantPrefixes),
      flowTable: (yield* read("EVENT_WRITER_FLOW_TABLE", flowTable)) ?? selection?.flowTable,
      subjects: selection?.subjects,
      tables: (yield* read("EVENT_WRITER_TABLES", tables)) ?? selection?.tables,
      hasRuleEngine: yield* read("EVENT_WRITER_RULE_ENGINE", Variables.boolean),
      superseded: selection?.superseded,
      schema: (yield* read(
        "EVENT_WRITER_SCHEMA",
        Variables.checked(Limits.SchemaName, "the name of a schema, letters, digits and _")
      )) ?? selection?.schema,
      hasMigrations: yield* read("ENABLE_DB_MIGRATIONS", Variables.boolean)
    }
    // Of the existing container's entrypoint, where they change what nobody reads here.
    yield* Effect.forEach(withoutEffect, (name) => read(name, Variables.text))
    const isEnabled = yield* read("EVENT_WRITER_ENABLED", Variables.boolean)
    const warnings = yield* UnknownVariables.warnings(["EVENT_WRITER", "DB_EVENT_WRITER"], yield* reader.known)
    return { isEnabled, options, warnings } satisfies EventWriterEnvironment
  })
)

const withoutEffect = ["AGENT_ID", "GATEWAY_ID", "POLLER_ID", "PARTITION", "OTEL_ENABLED"].map((name) =>
  `DB_EVENT_WRITER_${name}`
)

/** What it says of NATS alone, for programs that only publish. */
export const readNats = Variables.collect(nats)
