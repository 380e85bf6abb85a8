/**
 * An outage in the middle of a transaction, as the failure that it is.
 *
 * When the connection breaks, the rollback fails too, which to the client is a defect: of the rollback's error, or of the
 * migration's whose transaction it was.
 */
import { Effect } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { MigrationFailed } from "../migrations/Migrations.ts"

export const asFailure = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError | MigrationFailed, R> =>
  Effect.catchDefect(
    effect,
    (defect) => isSqlError(defect) || defect instanceof MigrationFailed ? Effect.fail(defect) : Effect.die(defect)
  )
