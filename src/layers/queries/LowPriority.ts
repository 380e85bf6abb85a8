/**
 * The server's processes that answer queries give way to everybody else's on this machine: its others, which store reports, and
 * the programs. On a machine with nothing else to do they lose nothing by it.
 *
 * For a server that is ours and runs here: of another one the process ids say nothing. Processes come and go with connections, and
 * a query has helpers, so they are looked for soon after a query has begun, and once a second while queries are asked.
 */
import { Effect, Schema } from "effect"
import { PgConnection } from "../postgres/connection/PgConnection.ts"
import * as Rows from "../postgres/connection/Rows.ts"
import * as SystemPriority from "../process/priority/SystemPriority.ts"
import * as QueryPool from "./QueryPool.ts"

const Process = Schema.Struct({ pid: Schema.Int })

/**
 * A third of what another session gets: costly queries rest most of the time anyway, and one that hardly gets on costs reports more
 * than its processor time, as PostgreSQL cleans up nothing of what they replace before it has ended.
 */
const sessionPriority = 5

/** Every process of PostgreSQL is a session of its own. */
const lower = (pid: number): void => {
  SystemPriority.lower(pid, SystemPriority.least)
  SystemPriority.lowerSession(pid, sessionPriority)
}

/** To be said when a query begins. */
export const make = Effect.gen(function*() {
  const database = yield* PgConnection
  const life = yield* Effect.scope
  let isUnderWay = false

  const pass = Effect.gen(function*() {
    const sql = yield* database.client
    const processes = yield* Rows.query(
      Process,
      sql`select pid from pg_stat_activity where application_name = ${QueryPool.applicationName}`
    )
    for (const { pid } of processes) lower(pid)
  })

  // Who cannot be asked answers no queries either.
  const round = Effect.sleep("100 millis").pipe(
    Effect.andThen(Effect.ignore(pass)),
    Effect.andThen(Effect.sleep("900 millis")),
    Effect.ensuring(Effect.sync(() => isUnderWay = false))
  )

  return Effect.suspend(() => {
    if (isUnderWay) return Effect.void
    isUnderWay = true
    return Effect.asVoid(Effect.forkIn(round, life))
  })
})
