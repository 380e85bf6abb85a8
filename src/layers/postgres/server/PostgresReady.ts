/**
 * Waits until a server that was just started answers queries, and makes its database.
 *
 * Asks with a real connection: the port is open well before the server lets anybody in. A refused password ends the
 * wait at once, because waiting does not change it.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { type Duration, Effect, type Redacted, Schedule } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type * as tls from "node:tls"
import type { HostPort } from "../../../domain/sockets/HostPort.ts"
import { failedAt, noAnswer, type SetupFailed } from "../../process/SetupFailed.ts"

interface Address extends HostPort {
  readonly username: string
  readonly password: Redacted.Redacted
  /** Plain text unless told. */
  readonly ssl?: tls.ConnectionOptions | undefined
}

const isFinal = (error: SqlError): boolean =>
  error.reason._tag === "AuthenticationError" || error.reason._tag === "AuthorizationError"

const createMissing = Effect.fnUntraced(function*(address: Address, database: string) {
  const connection = yield* PgConnection.make({ ...address, database: "postgres", connectTimeout: "2 seconds" })
  const found = yield* connection.query("select 1 from pg_database where datname = $1", [database])
  if (found.rows.length === 0) {
    yield* connection.query(`create database "${database.replaceAll("\"", "\"\"")}"`, [])
  }
}, Effect.scoped)

export const awaitDatabase = (
  address: Address,
  database: string,
  limit: Duration.Duration
): Effect.Effect<void, SetupFailed> =>
  createMissing(address, database).pipe(
    Effect.retry({ schedule: Schedule.spaced("50 millis"), while: (error) => !isFinal(error) }),
    Effect.mapError(failedAt("connecting to the new server")),
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () => Effect.fail(noAnswer(address, limit))
    })
  )
