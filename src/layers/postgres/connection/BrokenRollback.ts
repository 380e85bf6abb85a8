/**
 * An outage in the middle of a transaction, as the failure that it is.
 *
 * When the connection breaks, the rollback fails too, which to the client is a defect.
 */
import { Effect } from "effect"
import { isSqlError, type SqlError } from "effect/sql/SqlError"

/** Of these defects; any other stays one. */
export const asFailureOf =
  <D>(isFailure: (defect: unknown) => defect is D) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | D, R> =>
    Effect.catchDefect(effect, (defect) => isFailure(defect) ? Effect.fail(defect) : Effect.die(defect))

export const asFailure: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R> = asFailureOf(
  isSqlError
)
