/**
 * The `cnpg` object of a configuration file, and the database it comes to.
 *
 * Files in `tls` always mean TLS, verified as strictly as `ssl_mode` says and fully when it says nothing: a certificate
 * that is configured and not used would be worse than a refused connection.
 */
import { Duration, Option, Redacted, Schema } from "effect"
import { GoDuration } from "../../config/GoDuration.ts"
import type { HostPort } from "../../sockets/HostPort.ts"

const NonBlank = Schema.String.check(
  Schema.makeFilter((text) => text.trim() !== "" || "a value that is not blank")
)

/** As steps in the path of an address these two vanish, however they are encoded (WHATWG URL). */
const DatabaseName = NonBlank.check(
  Schema.makeFilter((text) =>
    !/^\.{1,2}$/.test(text.trim()) || "a name other than . and .., which no address can carry"
  )
)

const Port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))

/** PostgreSQL's own limit on connections is far below it. */
const connectionsMax = 1_000

export const Connections = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: connectionsMax }))

export const IdleConnections = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: connectionsMax }))

export const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const
export type SslMode = typeof sslModes[number]

/** A CA alone verifies the server; a certificate and its key say who we are. */
const TlsFiles = Schema.Struct({
  cert_file: Schema.optionalKey(Schema.String),
  key_file: Schema.optionalKey(Schema.String),
  ca_file: NonBlank,
  client_ca_file: Schema.optionalKey(Schema.String),
  /** In shipped files, where it is never true. */
  skip_verify: Schema.optionalKey(Schema.Boolean)
}).check(
  Schema.makeFilter(({ cert_file = "", key_file = "" }) =>
    (cert_file.trim() === "") === (key_file.trim() === "") || {
      path: [cert_file.trim() === "" ? "cert_file" : "key_file"],
      issue: "a PEM file, because certificate and key belong together"
    }
  )
)

const Block = Schema.Struct({
  host: NonBlank,
  port: Schema.optionalKey(Port),
  database: DatabaseName,
  username: NonBlank,
  /** `CNPG_PASSWORD_FILE` weighs more. */
  password: Schema.optionalKey(Schema.String),
  application_name: Schema.optionalKey(Schema.String),
  ssl_mode: Schema.optionalKey(Schema.Literals(["", ...sslModes])),
  cert_dir: Schema.optionalKey(Schema.String),
  tls: Schema.optionalKey(TlsFiles),
  max_connections: Schema.optionalKey(Connections),
  min_connections: Schema.optionalKey(IdleConnections),
  max_conn_lifetime: Schema.optionalKey(GoDuration),
  /** Known and without effect: a broken connection is found when it is used, and replaced. */
  health_check_period: Schema.optionalKey(GoDuration),
  statement_timeout: Schema.optionalKey(GoDuration),
  runtime_params: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})

/** As written in the file, already judged. */
export const CnpgBlock = Block.check(
  Schema.makeFilter(({ max_connections = connectionsMax, min_connections = 0 }) =>
    min_connections <= max_connections ||
    { path: ["min_connections"], issue: `at most ${max_connections}, the value of max_connections` }
  )
)
export type CnpgBlock = typeof CnpgBlock.Type

/** Where the database is, in parts. */
export interface DatabaseAddress extends HostPort {
  /** A folder, starting with `/`, means a Unix socket in it. */
  readonly host: string
  readonly database: string
  readonly username: string
  readonly password: Option.Option<Redacted.Redacted>
  readonly sslMode: Option.Option<SslMode>
}

/** Certificates of a connection to PostgreSQL. */
export interface DatabaseTls {
  /** Who we are; none when the server does not ask. */
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
  /** Verifies the server; the system's own without one. */
  readonly caFile?: string | undefined
  /** Whether the server's certificate must carry its name. */
  readonly verifiesName: boolean
}

export interface PoolSettings {
  readonly applicationName: string
  readonly maxConnections: number
  readonly minConnections: number
  readonly connectionLife: Option.Option<Duration.Duration>
  /** For one statement of the writer. */
  readonly statementLimit: Option.Option<Duration.Duration>
  /** Settings of the sessions, by lower-case name. */
  readonly parameters: Readonly<Record<string, string>>
}

export const poolDefault: PoolSettings = {
  applicationName: "serviceradar-event-writer",
  maxConnections: 10,
  minConnections: 0,
  connectionLife: Option.none(),
  statementLimit: Option.none(),
  parameters: {}
}

const given = <A>(value: A | undefined): Option.Option<A> => Option.fromNullishOr(value)

const nonZero = (duration: Duration.Duration | undefined) =>
  Option.filter(given(duration), (some) => !Duration.isZero(some))

export const address = (block: CnpgBlock): DatabaseAddress => ({
  host: block.host.trim(),
  port: block.port ?? 5432,
  database: block.database.trim(),
  username: block.username.trim(),
  password: given(block.password).pipe(
    Option.filter((password) => password !== ""),
    Option.map((password) => Redacted.make(password))
  ),
  sslMode: block.ssl_mode === undefined || block.ssl_mode === "" ? Option.none() : Option.some(block.ssl_mode)
})

/** A relative file is in the folder, if there is one. */
const within = (folder: string | undefined, file: string | undefined): string | undefined =>
  file === undefined || file.trim() === ""
    ? undefined
    : file.startsWith("/") || (folder ?? "") === ""
    ? file
    : `${folder?.replace(/\/+$/, "")}/${file}`

const verifiesName = (mode: string | undefined): boolean => mode !== "verify-ca" && mode !== "require"

export const tls = (block: CnpgBlock): Option.Option<DatabaseTls> =>
  Option.map(given(block.tls), (files) => ({
    certFile: within(block.cert_dir, files.cert_file),
    keyFile: within(block.cert_dir, files.key_file),
    caFile: within(block.cert_dir, files.ca_file),
    verifiesName: verifiesName(block.ssl_mode)
  }))

/** Certificates as the variables of the existing containers name them. */
export interface TlsVariables {
  readonly folder: string | undefined
  readonly caFile: string | undefined
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
  readonly sslMode: SslMode | undefined
}

/** Modes in which the existing containers leave certificates out. */
const plainModes: ReadonlyArray<SslMode | undefined> = ["disable", "allow", "prefer"]

/**
 * Variables weigh more than the file, one by one. A folder alone means the names of files that the existing containers
 * expect in it, where the file names none.
 */
export const tlsOf = (variables: TlsVariables, file: Option.Option<DatabaseTls>): Option.Option<DatabaseTls> => {
  if (plainModes.includes(variables.sslMode)) return Option.none()
  const { folder } = variables
  const named = Option.getOrUndefined(file)
  const isNamed = named !== undefined || variables.caFile !== undefined || variables.certFile !== undefined
  const expected = isNamed || folder === undefined
    ? {}
    : { caFile: "root.pem", certFile: "cnpg-client.pem", keyFile: "cnpg-client-key.pem" }
  const chosen = {
    certFile: within(folder, variables.certFile) ?? named?.certFile ?? within(folder, expected.certFile),
    keyFile: within(folder, variables.keyFile) ?? named?.keyFile ?? within(folder, expected.keyFile),
    caFile: within(folder, variables.caFile) ?? named?.caFile ?? within(folder, expected.caFile)
  }
  if (Object.values(chosen).every((one) => one === undefined)) return Option.none()
  const isNameVerified = variables.sslMode === undefined
    ? named?.verifiesName ?? true
    : verifiesName(variables.sslMode)
  return Option.some({ ...chosen, verifiesName: isNameVerified })
}

export const pool = (block: CnpgBlock): PoolSettings => ({
  applicationName: (block.application_name ?? "") === "" ? poolDefault.applicationName : block.application_name ?? "",
  maxConnections: block.max_connections ?? Math.max(poolDefault.maxConnections, block.min_connections ?? 0),
  minConnections: block.min_connections ?? poolDefault.minConnections,
  connectionLife: nonZero(block.max_conn_lifetime),
  statementLimit: nonZero(block.statement_timeout),
  parameters: Object.fromEntries(
    Object.entries(block.runtime_params ?? {}).map(([name, value]) => [name.toLowerCase(), value])
  )
})

/** The address as one text, for a driver. */
export const toUrl = (database: DatabaseAddress): Redacted.Redacted => {
  const isSocket = database.host.startsWith("/")
  const host = isSocket ? "localhost" : database.host.includes(":") ? `[${database.host}]` : database.host
  const password = Option.match(database.password, {
    onNone: () => "",
    onSome: (secret) => `:${encodeURIComponent(Redacted.value(secret))}`
  })
  const query = new URLSearchParams({
    ...(isSocket ? { host: database.host } : {}),
    ...Option.match(database.sslMode, { onNone: () => ({}), onSome: (sslmode) => ({ sslmode }) })
  })
  const suffix = query.size === 0 ? "" : `?${query}`
  const user = encodeURIComponent(database.username)
  const name = encodeURIComponent(database.database)
  return Redacted.make(`postgresql://${user}${password}@${host}:${database.port}/${name}${suffix}`)
}
