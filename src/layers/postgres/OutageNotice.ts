/**
 * Says when a server that answered queries stops doing so, and when it answers again.
 *
 * Once each, not for every query: hundreds fail during an outage, and the operator has to read the one line.
 */
import { Effect, type Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as SqlFailure from "./SqlFailure.ts"

export const make = () => {
  let isAway = false
  const note = (away: boolean, line: Effect.Effect<void>) =>
    Effect.suspend(() => {
      if (isAway === away) return Effect.void
      isAway = away
      return line
    })
  return <A, E extends SqlError | Schema.SchemaError>(query: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    query.pipe(
      Effect.tap(() => note(false, Effect.logInfo("PostgreSQL answers again"))),
      Effect.tapError((error) =>
        error._tag === "SqlError" && SqlFailure.isOutage(error)
          ? note(
            true,
            Effect.logWarning(`PostgreSQL does not answer (${SqlFailure.detail(error)}): pollers keep their reports`)
          )
          : Effect.void
      )
    )
}
