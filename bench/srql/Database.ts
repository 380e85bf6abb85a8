/** A PostgreSQL of its own with the event writer's tables and an inventory of devices, filled by the server itself. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Console, Effect, Layer, Logger, Option, Schedule, Schema } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { coreCatalog } from "../../src/domain/core/CoreCatalog.ts"
import { rowRules } from "../../src/domain/queries/RowRules.ts"
import * as PgEventTables from "../../src/layers/events/store/PgEventTables.ts"
import { DatabaseEndpoint } from "../../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"
import * as Rows from "../../src/layers/postgres/connection/Rows.ts"
import * as RowSecurity from "../../src/layers/postgres/connection/RowSecurity.ts"
import * as EmbeddedPostgres from "../../src/layers/postgres/server/EmbeddedPostgres.ts"
import * as PgQueries from "../../src/layers/queries/PgQueries.ts"
import { EventTables } from "../../src/services/events/EventTables.ts"

export interface Sizes {
  /** A data directory that is kept, and found filled the next time. */
  readonly home: string | undefined
  readonly metrics: number
  readonly devices: number
  readonly logs: number
}

const columnTypes: Readonly<Record<string, string>> = { text_array: "text[]" }

/** Core's own table has more; these are the columns that a question can name. */
const devicesTable = `create table platform.ocsf_devices (${
  (coreCatalog.entity("devices")?.columns ?? []).map(({ name, type }) => `"${name}" ${columnTypes[type] ?? type}`)
    .join(", ")
}, tags jsonb, tenant_id text, primary key (uid))`

const fill = ({ devices, logs, metrics }: Sizes): ReadonlyArray<string> => [
  devicesTable,
  `insert into platform.ocsf_devices (tenant_id, uid, type_id, type, hostname, ip, vendor_name, risk_level,
      is_available, last_seen_time, first_seen_time, metadata, discovery_sources)
    select 'default', 'sr:' || n, n % 10, 'Server', 'host-' || n || case n % 50 when 0 then '-core' else '' end,
      '10.' || n / 65536 % 256 || '.' || n / 256 % 256 || '.' || n % 256, 'vendor ' || n % 20,
      (array['Low', 'High', null])[1 + n % 3], n % 7 > 0, now() - n % 2592000 * interval '1 s',
      now() - interval '60 d', jsonb_build_object('rack', n % 100), array['snmp']
    from generate_series(1, ${devices}) n`,
  "create index on platform.ocsf_devices (last_seen_time desc, uid desc)",
  `insert into platform.logs (id, timestamp, severity_text, severity_number, body, service_name, trace_id, attributes)
    select gen_random_uuid(), now() - n * (interval '1 d' / ${logs}), (array['INFO', 'INFO', 'INFO', 'WARN', 'ERROR'])[1 + n % 5],
      9 + n % 5 * 2, 'request ' || n || case n % 97 when 0 then ' timeout' else ' done' end || ' in ' || n % 1000 || ' ms',
      'service ' || n % 30, md5(n::text), '{"a":"b"}'
    from generate_series(1, ${logs}) n`,
  `insert into platform.timeseries_metrics (timestamp, gateway_id, series_key, agent_id, metric_name, metric_type,
      device_id, value, is_delta, if_index)
    select now() - (n / 500) * (interval '1 d' / (${metrics} / 500 + 1)), 'gw', n % 500, 'agent ' || n % 50, 'ifHCInOctets', 'snmp',
      'sr:' || n % 500, n * 10, false, n % 10
    from generate_series(1, ${metrics}) n`,
  "vacuum analyze platform.ocsf_devices",
  "vacuum analyze platform.logs",
  "vacuum analyze platform.timeseries_metrics",
  "checkpoint"
]

const temporary = Effect.acquireRelease(
  Effect.promise(() => fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-bench-"))),
  (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true }))
)

const Done = Schema.Struct({ step: Schema.Int })

/** From where it was left. */
const filled = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, sizes: Sizes) {
  const { devices, logs, metrics } = sizes
  const of = `${devices}/${logs}/${metrics}`
  yield* sql.unsafe("create table if not exists public.bench_steps (of text, step integer)")
  const done = yield* Rows.query(Done, sql.unsafe("select step from public.bench_steps where of = $1", [of]))
  for (const [step, statement] of fill(sizes).entries()) {
    if (done.some((one) => one.step === step)) continue
    const from = performance.now()
    yield* sql.unsafe(statement)
    yield* sql.unsafe("insert into public.bench_steps values ($1, $2)", [of, step])
    yield* Console.error(`${statement.trimStart().slice(0, 60)}: ${Math.round((performance.now() - from) / 1000)} s`)
  }
})

const server = (sizes: Sizes) =>
  Layer.effectDiscard(Effect.gen(function*() {
    const home = sizes.home ?? (yield* temporary)
    yield* Effect.promise(() => fs.mkdir(home, { recursive: true }))
    yield* Effect.promise(() => fs.chmod(home, 0o755))
    const postgres = yield* EmbeddedPostgres.start({ home: path.join(home, "postgres"), port: 0, durable: false })
    yield* (yield* DatabaseEndpoint).publish(postgres.url)
    const connection = yield* PgConnection
    yield* Effect.forkScoped(connection.keep)
    yield* (yield* EventTables).prepare.pipe(Effect.retry(Schedule.spaced("20 millis")), Effect.timeout("60 seconds"))
    const sql = yield* connection.client
    yield* filled(sql, sizes)
    yield* Effect.provideService(RowSecurity.separate("platform", ["ocsf_devices"]), SqlClient.SqlClient, sql)
  }))

export const layer = (sizes: Sizes) =>
  server(sizes).pipe(
    Layer.provideMerge(PgQueries.layer({ catalog: coreCatalog, rules: rowRules, costMax: Number.POSITIVE_INFINITY })),
    Layer.provideMerge(PgEventTables.layer()),
    Layer.provideMerge(
      PgConnection.layer({ maxConnections: 4, parameters: { statement_timeout: "0", search_path: "public, platform" } })
    ),
    Layer.provideMerge(DatabaseEndpoint.layer(Option.none())),
    Layer.provideMerge(NodeFileSystem.layer),
    Layer.provideMerge(Logger.layer([]))
  )
