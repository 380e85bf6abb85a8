/**
 * What core knows of pollers that were lost or came back, in PostgreSQL.
 *
 * Whoever is missed, or is back, is written down together with what is owed to webhooks for it, and that is removed when
 * they have answered: a core that dies in between tells it after its next start.
 */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { DateTime, Effect, Schema } from "effect"
import type { PollerTurn } from "../../domain/core/PollerTurn.ts"
import { PollerId } from "../../domain/monitoring/Ids.ts"
import * as Rows from "../postgres/connection/Rows.ts"

const dateOf = (millis: number): Date => DateTime.toDateUtc(DateTime.makeUnsafe(millis))

/** Of a poller that has never reported there is nothing to note. */
export const noteMissed = (sql: PgClient.PgClient, { atMillis, pollerId, silenceMillis }: PollerTurn) =>
  Effect.asVoid(sql`
    with noted as (
      update reporting_pollers set is_missed = true where poller_id = ${pollerId} returning poller_id
    )
    insert into untold_poller_turns (poller_id, is_missed, turned_at, silence_millis)
    select poller_id, true, ${dateOf(atMillis)}::timestamptz, ${silenceMillis}::float8 from noted
    on conflict (poller_id, is_missed) do update set
      turned_at = excluded.turned_at, silence_millis = excluded.silence_millis`)

/** Also of earlier ones of the same kind; a later one stays. */
export const noteTold = (sql: PgClient.PgClient, { atMillis, isMissed, pollerId }: PollerTurn) =>
  Effect.asVoid(sql`
    delete from untold_poller_turns
    where poller_id = ${pollerId} and is_missed = ${isMissed} and turned_at <= ${dateOf(atMillis)}::timestamptz`)

const Untold = Schema.Struct({
  pollerId: PollerId,
  isMissed: Schema.Boolean,
  atMillis: Schema.Finite,
  silenceMillis: Schema.Finite
})

/** The oldest first. */
export const untold = (sql: PgClient.PgClient) =>
  Rows.query(
    Untold,
    sql`
      select poller_id as "pollerId", is_missed as "isMissed",
        extract(epoch from turned_at)::float8 * 1000 as "atMillis", silence_millis as "silenceMillis"
      from untold_poller_turns order by turned_at, is_missed`
  )
