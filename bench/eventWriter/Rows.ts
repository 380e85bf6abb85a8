/** What is in the tables, by SQL: every row of the publisher has a moment of its own. */
import type { Servers } from "./Servers.ts"

const timeColumns: Readonly<Record<string, string>> = {
  timeseries_metrics: "timestamp",
  ocsf_events: "time",
  sweep_host_states: "last_sweep_time",
  ocsf_network_activity: "time",
  otel_metrics: "timestamp",
  otel_traces: "timestamp",
  logs: "timestamp"
}

const tables = Object.entries(timeColumns)

/** Of the publisher. */
const tenant = "default"

const numbersOf = (row: object | undefined): ReadonlyArray<number> => Object.values(row ?? {}).map(Number)

export interface Stored {
  readonly rows: number
  readonly lost: number
  readonly doubled: number
}

/** Compares with what was published. */
export const verify = async (servers: Servers, expected: Readonly<Record<string, number>>): Promise<Stored> => {
  let rows = 0
  let lost = 0
  let doubled = 0
  for (const [table, column] of tables) {
    const [row] = await servers.query(
      `select count(*)::float8 as all, count(distinct ${column})::float8 as different
       from platform.${table} where tenant_id = $1`,
      [tenant]
    )
    const [all = 0, different = 0] = numbersOf(row)
    rows += all
    lost += (expected[table] ?? 0) - different
    doubled += all - different
  }
  return { rows, lost, doubled }
}

export const count = async (servers: Servers): Promise<number> => {
  let rows = 0
  for (const [table] of tables) {
    const [row] = await servers.query(`select count(*)::float8 from platform.${table}`)
    rows += numbersOf(row)[0] ?? 0
  }
  return rows
}

/** With partitions for the days to come. */
export const areThere = async (servers: Servers): Promise<boolean> => {
  const found = await servers.query("select from pg_inherits where inhparent = to_regclass('platform.logs')")
  return found.length > 1
}

export const clear = async (servers: Servers): Promise<void> => {
  await servers.query(`truncate ${tables.map(([table]) => `platform.${table}`).join(", ")}`)
  await servers.query("checkpoint")
}

/** Milliseconds from the publisher's moment to the beginning of the transaction that stored the row. */
export const latencies = async (servers: Servers): Promise<{ readonly p50: number; readonly p99: number }> => {
  const union = tables
    .map(([table, column]) =>
      `select extract(epoch from created_at - ${column}) * 1000 as ms from platform.${table}
       where tenant_id = '${tenant}'`
    )
    .join(" union all ")
  const [row] = await servers.query(
    `select percentile_cont(0.5) within group (order by ms), percentile_cont(0.99) within group (order by ms) as p99
     from (${union}) as all_rows`
  )
  const [p50 = 0, p99 = 0] = numbersOf(row)
  return { p50, p99 }
}

/** The newest moment in the tables, which changes with the first commit; it asks indexes only. */
export const committed = async (servers: Servers): Promise<string> => {
  const newest = tables.map(([table, column]) =>
    `(select ${column} as at from platform.${table} where tenant_id = '${tenant}' order by ${column} desc limit 1)`
  )
  const [row] = await servers.query(`select max(at)::text as newest from (${newest.join(" union all ")}) as all_tables`)
  return String(Object.values(row ?? {})[0])
}
