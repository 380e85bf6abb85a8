/**
 * An outage in the middle of a transaction, as the failure that it is.
 *
 * When the connection breaks, the rollback fails too, which to the client is a defect.
 */
import { Effect } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"

export const asFailure = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
  Effect.catchDefect(effect, (defect) => isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect))
