/**
 * Rows as their statement promises them. What the database answers otherwise is a failure of the statement, with the place
 * in the answer and what was expected there: a view or a table of the same name may be somebody else's.
 */
import { Effect, Schema } from "effect"
import { SqlError, UnknownError } from "effect/sql/SqlError"

/** Every row, decoded by `schema`. */
export const query = <S extends Schema.Decoder<unknown>>(
  schema: S,
  statement: Effect.Effect<ReadonlyArray<unknown>, SqlError>
): Effect.Effect<ReadonlyArray<S["Type"]>, SqlError> => {
  const decode = Schema.decodeUnknownEffect(Schema.Array(schema))
  return Effect.flatMap(statement, (rows) =>
    Effect.mapError(
      decode(rows),
      (cause) =>
        new SqlError({
          reason: new UnknownError({ cause, message: `unexpected rows: ${cause.message}`, operation: "decode" })
        })
    ))
}
