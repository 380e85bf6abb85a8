/**
 * Says when a server that answered queries stops doing so, and when it answers again.
 *
 * Once each, not for every query: hundreds fail during an outage, and the operator has to read the one line. While a
 * server dies some connections still answer and others do not; that is one outage, not many.
 */
import { Effect, type Schema } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as Monotonic from "../../../services/clock/Monotonic.ts"
import * as SqlFailure from "./SqlFailure.ts"

/** An answer this soon after a failure is no end of the outage yet. */
const settlingMillis = 500

export const make = () => {
  let isAway = false
  let failedMillis = -Infinity
  const note = (away: boolean, line: Effect.Effect<void>) =>
    Effect.flatMap(Monotonic.millis, (now) => {
      if (away) failedMillis = now
      if (isAway === away || (!away && now - failedMillis < settlingMillis)) return Effect.void
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
