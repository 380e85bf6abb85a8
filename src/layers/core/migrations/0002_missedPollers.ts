/** How often a poller reports, as it says itself, and whether it is missed: both outlive a restart of core. */
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"

export const missedPollers = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    alter table reporting_pollers
      add column report_interval_millis bigint,
      add column is_missed boolean not null default false`
})
