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
  /** A server that is read-only or out of room answers questions: only what is written again ends that. */
  let isOfWrites = false
  let failedMillis = -Infinity

  const failed = (isWrite: boolean, detail: string) =>
    Effect.flatMap(Monotonic.millis, (now) => {
      failedMillis = now
      isOfWrites = isOfWrites || isWrite
      if (isAway) return Effect.void
      isAway = true
      return Effect.logWarning(`PostgreSQL does not answer (${detail}): pollers keep their reports`)
    })

  const answered = (isWrite: boolean) =>
    Effect.flatMap(Monotonic.millis, (now) => {
      if (!isAway || (isOfWrites && !isWrite) || now - failedMillis < settlingMillis) return Effect.void
      isAway = false
      isOfWrites = false
      return Effect.logInfo("PostgreSQL answers again")
    })

  return <A, E extends SqlError | Schema.SchemaError>(
    query: Effect.Effect<A, E>,
    isWrite: boolean
  ): Effect.Effect<A, E> =>
    query.pipe(
      Effect.tap(() => answered(isWrite)),
      Effect.tapError((error) =>
        error._tag === "SqlError" && SqlFailure.isOutage(error)
          ? failed(isWrite, SqlFailure.detail(error))
          : Effect.void
      )
    )
}
