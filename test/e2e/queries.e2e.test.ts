/**
 * The worked examples of the language over what core and the event writer store: separate processes between a real NATS and a
 * real PostgreSQL, asked over HTTP, in both shapes.
 *
 * What neither of them stores, devices and interfaces among it, stands in tables as the existing system makes them.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { coreCatalog } from "../../src/domain/core/CoreCatalog.ts"
import { PollerServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import { rowEntities } from "../domain/queries/asking.ts"
import { columnsOf, makeSettings, postgresTypes, tableOf } from "../layers/queries/tables.ts"
import * as CoreProcess from "../support/coreProcess.ts"
import { awaitSettled, awaitStreams, environment, natsConnection } from "../support/eventWriter.ts"
import * as NatsServer from "../support/natsServer.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"
import { TestDatabase } from "../support/TestDatabase.ts"

const second = Math.floor(Date.now() / 1000)
const ago = (seconds: number): number => second - seconds
const nanos = (seconds: number): number => seconds * 1_000_000_000
const id = (number: number, length: number): string => number.toString(16).padStart(length, "0")
const day = new Date(second * 1000).toISOString().slice(0, 10)
const yesterdayNoon = Date.parse(`${day}T12:00:00Z`) / 1000 - 86_400

const span = (number: number, more: object) => ({
  timestamp: ago(120),
  trace_id: id(number, 32),
  span_id: id(number, 16),
  name: "get",
  kind: 2,
  status_code: 2,
  service_name: "checkout",
  start_time_unix_nano: nanos(ago(121)),
  end_time_unix_nano: nanos(ago(120)),
  ...more
})

const snmp = (minutes: number, value: number, more: object = {}) => ({
  timestamp: ago(minutes * 60),
  metric_name: "ifHCInOctets",
  metric_type: "snmp",
  if_index: 3,
  value,
  ...more
})

const messages: ReadonlyArray<readonly [subject: string, payloads: ReadonlyArray<object>]> = [
  ["logs.app.processed", [
    { timestamp: ago(60), severity_text: "error", severity_number: 17, body: "disk full", service_name: "api" },
    { timestamp: ago(70), severity_text: "error", severity_number: 18, body: "disk full", service_name: "b" },
    { timestamp: ago(80), severity_text: "error", severity_number: 19, body: "disk full", service_name: "b" },
    { timestamp: ago(90), severity_text: "info", severity_number: 9, body: "fine", service_name: "api" },
    { timestamp: ago(100), severity_text: "warn", severity_number: 13, body: "hot", service_name: "c" }
  ]],
  ["events.syslog.processed", [
    { version: "1.1", host: "router-1", short_message: "link down", timestamp: ago(60), level: 3 },
    { version: "1.1", host: "router-2", short_message: "link up", timestamp: ago(60), level: 6 }
  ]],
  ["otel.metrics", [
    {
      timestamp: ago(60),
      trace_id: id(1, 32),
      span_id: id(1, 16),
      service_name: "web",
      span_name: "a",
      metric_type: "span",
      duration_ms: 150,
      http_route: "/api/a",
      is_slow: true
    },
    {
      timestamp: ago(61),
      trace_id: id(2, 32),
      span_id: id(2, 16),
      service_name: "web",
      span_name: "b",
      metric_type: "span",
      duration_ms: 20,
      http_route: "/api/b"
    },
    {
      timestamp: ago(62),
      trace_id: id(3, 32),
      span_id: id(3, 16),
      service_name: "db",
      span_name: "c",
      metric_type: "span",
      duration_ms: 300,
      http_route: "/x",
      is_slow: true
    }
  ]],
  ["otel.traces", [
    span(11, {}),
    span(12, { kind: 1 }),
    span(13, { status_code: 1 }),
    span(14, { service_name: "web", start_time_unix_nano: nanos(ago(125)), parent_span_id: "" }),
    span(15, { service_name: "web", status_code: 1, parent_span_id: "" }),
    span(16, {
      timestamp: yesterdayNoon,
      start_time_unix_nano: nanos(yesterdayNoon),
      end_time_unix_nano: nanos(yesterdayNoon + 1)
    })
  ]],
  ["telemetry.snmp", [
    snmp(20, 1000),
    snmp(15, 4000),
    snmp(10, 7000, {}),
    snmp(12, 999, { if_index: 1 }),
    snmp(12, 1000, { if_index: 2 }),
    snmp(13, 5000, { if_index: 1 })
  ]],
  ["telemetry.rperf", [
    { timestamp: ago(60), metric_name: "bandwidth", metric_type: "rperf", target_device_ip: "198.51.100.9", value: 5 },
    { timestamp: ago(60), metric_name: "bandwidth", metric_type: "rperf", target_device_ip: "198.51.100.8", value: 6 }
  ]],
  ["netflow.v9", [
    {
      timestamp: ago(60),
      src_addr: "10.0.0.1",
      dst_addr: "10.0.0.2",
      src_port: 51_000,
      dst_port: 443,
      protocol: 6,
      packets: 1,
      octets: 1500
    },
    {
      timestamp: ago(60),
      src_addr: "192.0.2.1",
      dst_addr: "10.0.0.2",
      src_port: 51_000,
      dst_port: 443,
      protocol: 6,
      packets: 1,
      octets: 7000
    }
  ]]
]

const reported = [
  { serviceName: "api", serviceType: "grpc", available: false },
  { serviceName: "cache", serviceType: "grpc", available: true },
  { serviceName: "web", serviceType: "http", available: true },
  { serviceName: "shop", serviceType: "http", available: false }
]

/** Entities whose tables nobody of ours makes. */
const peers = [
  "devices",
  "device_updates",
  "interfaces",
  "alerts",
  "cpu_metrics",
  "memory_metrics",
  "disk_metrics",
  "process_metrics"
]

const uuid = "0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10"

const peerRows: ReadonlyArray<string> = [
  `insert into ocsf_devices (uid, hostname, vendor_name, is_available, ip, discovery_sources, tags, os, type_id, gateway_id, risk_level, last_seen_time) values
    ('sr:a', 'core-1', 'Acme Networks', false, '172.16.4.1', '{snmp,mapper}', '{"prod":"1","owner":"netops"}', '{"name":"Linux"}', 12, 'gw-7', 'High', now()),
    ('sr:b', 'edge-1', 'Acme Networks', true, '10.1.0.50', '{snmp,mapper,manual}', '{"edge":"1","owner":"x"}', '{"name":"Windows 11"}', 10, 'gw-7', 'Low', now()),
    ('sr:c', 'edge-2', null, null, null, null, null, null, 12, 'gw-8', 'High', now() - interval '9 days')`,
  `insert into device_updates (observed_at, device_id, discovery_source) values (now(), 'sr:x1', 'sweep'), (now(), 'sr:x1', 'snmp'), (now() - interval '2 days', 'sr:x1', 'sweep')`,
  `insert into discovered_interfaces (timestamp, created_at, device_id, interface_uid, if_index, if_oper_status, if_phys_address, ip_addresses, speed_bps, if_speed) values
    (now(), now(), 'sr:x1', 'i2', 2, 2, '0A:1B:2C:00:00:02', '{192.0.2.1}', null, 1000000000),
    (now() - interval '1 h', now(), 'sr:x1', 'i2', 2, 2, '0A:1B:2C:00:00:02', '{192.0.2.1}', 10, null),
    (now(), now(), 'sr:x1', 'i1', 1, 2, 'ff1b2c000001', '{}', null, null)`,
  `insert into interface_settings (device_id, interface_uid, favorited) values ('sr:x1', 'i2', true)`,
  `insert into alerts (id, title, severity, status, triggered_at) values ('${uuid}', 'one', 'critical', 'open', now()), (gen_random_uuid(), 'two', 'critical', 'closed', now() - interval '1 h'), (gen_random_uuid(), 'three', 'low', 'open', now())`,
  `insert into cpu_metrics (timestamp, host_id, device_id, usage_percent) values (now(), 'h1', 'd1', 80), (now(), 'h1', 'd1', 90), (now(), 'h1', 'd2', 70), (now(), 'h2', 'd3', 95.5)`,
  `insert into memory_metrics (timestamp, device_id, used_bytes) select date_trunc('hour', now()) - n * interval '15 min', 'd' || 1 + n % 3, n from generate_series(1, 12) n`,
  `insert into disk_metrics (timestamp, mount_point, usage_percent) values (now(), '/var', 90), (now(), '/var', 91), (now(), '/', 90)`,
  `insert into process_metrics (timestamp, name, memory_usage) values (now(), 'java -jar', 2147483648), (now(), 'Java', 3221225472), (now(), 'java', 1), (now(), 'node', 4294967296)`
]

const makePeers = Effect.gen(function*() {
  const sql = yield* PgClient.PgClient
  for (const name of peers) {
    const entity = coreCatalog.entity(name)
    if (entity === undefined) continue
    const columns = columnsOf(entity).map(({ name, type }) => `"${name}" ${postgresTypes[type]}`)
    yield* sql.unsafe(`create table ${tableOf(entity)} (${columns.join(", ")}, tenant_id text)`)
  }
  yield* makeSettings
  yield* Effect.forEach(peerRows, (statement) => sql.unsafe(statement))
})

type Row = Readonly<Record<string, unknown>>

/** What is asked, the key that tells rows apart, and its values in the order of the answer. */
type Example = readonly [query: string, key: string, values: ReadonlyArray<unknown>]

const examples: ReadonlyArray<Example> = [
  ["in:devices hostname:%core% limit:25", "uid", ["sr:a"]],
  ["in:device vendor_name:\"Acme Networks\" !is_available:true", "uid", ["sr:a"]],
  ["in:devices device_id:(sr:a,sr:b) sort:uid:asc", "uid", ["sr:a", "sr:b"]],
  ["in:devices ip:172.16.0.0/12 time:last_3d", "uid", ["sr:a"]],
  ["in:devices !ip:10.1.0.10-10.1.0.99", "uid", ["sr:a"]],
  ["in:devices discovery_sources:(snmp,mapper) !discovery_sources:(manual)", "uid", ["sr:a"]],
  ["in:devices tags:(prod,edge) tags.owner:netops", "uid", ["sr:a"]],
  ["in:devices !os.name:%windows%", "uid", ["sr:a", "sr:c"]],
  ["in:devices type_id:12 sort:name:asc", "uid", ["sr:a", "sr:c"]],
  ["in:devices gateway_id:gw-7 stats:\"count() as n by vendor\" limit:5", "n", [2]],
  ["in:devices stats:count() as n by risk sort:n:asc", "n", [1, 2]],
  ["in:agents capabilities:(snmp,icmp) !version:1.0.% sort:name:asc,last_seen", "uid", []],
  ["in:agents", "uid", ["agent-1"]],
  ["in:gateways !status:(inactive,degraded) is_healthy:yes", "gateway_id", ["poller-1"]],
  ["in:updates uid:sr:x1 source:sweep time:today", "discovery_source", ["sweep"]],
  ["in:interfaces uid:sr:x1 latest:true oper_status:2 sort:if_index:asc limit:50", "if_index", [1, 2]],
  ["in:interfaces mac:0A-1B-2C-%", "if_index", [2, 2]],
  ["in:interfaces ip_address:192.0.2.1 speed:1000000000 favorited:true", "if_index", [2]],
  ["in:activity severity:(Critical,High) level:4 time:last_6h", "short_message", ["link down"]],
  ["in:logs level:ERROR body:\"disk full\" severity_number:(17,18)", "severity_number", [17, 18]],
  ["in:logs time:\"[2026-01-10T00:00:00Z,2026-01-11 12:00:00]\" sort:timestamp:asc", "body", []],
  ["in:logs service:api time:last_1h stats:\"count() as n, group_uniq_array(severity) as levels\"", "n", [2]],
  ["in:logs !service_name:(a,b) rollup_stats:severity time:last_12h", "total", [3]],
  ["in:services type:grpc available:0 timeFrame:\"2 Hours\"", "service_name", ["api"]],
  ["in:metrics is_slow:true http_route:/api/% sort:duration_ms:desc", "span_name", ["a"]],
  ["in:otel_metrics time:last_2h stats:\"count() as hits by service\" limit:3", "service_name", ["web", "db"]],
  ["in:traces service.name:checkout status_code:2 !kind:(1,4)", "span_id", [id(11, 16), id(16, 16)]],
  ["in:traces rollup_stats:summary time:yesterday", "total", [1]],
  ["in:trace_summaries root_service_name:web sort:duration_ms limit:10", "trace_id", [id(14, 32), id(15, 32)]],
  [
    "in:trace_summaries time:last_1h root_service_name:web stats:\"count() as n, sum(if(status_code != 1,1,0)) as bad, sum(if(duration_ms > 250,1,0)) as slow\"",
    "n",
    [2]
  ],
  ["in:snmp metric_name:ifHCInOctets if_index:(1,2) value:>=1000 time:last_30m", "value", [1000, 5000]],
  ["in:rperf target_device_ip:198.51.100.9", "value", [5]],
  ["in:cpu usage_percent:>70 usage_percent:<=95 sort:usage_percent", "usage_percent", [90, 80]],
  [
    "in:cpu_metrics host_id:h1 time:last_1h stats:\"avg(usage_percent) as load by device_id\" sort:device_id:asc limit:20",
    "load",
    [85, 70]
  ],
  ["in:processes name:%java% memory_usage:>1073741824 sort:memory_usage,name:asc", "name", ["Java", "java -jar"]],
  ["in:disk mount_point:/var usage_percent:90", "mount_point", ["/var"]],
  [
    "in:memory_metrics uid:(d1,d2) time:last_24h bucket:15m agg:max value_field:used_bytes series:uid limit:500",
    "value",
    [12, 10, 9, 7, 6, 4, 3, 1]
  ],
  ["in:snmp_metrics if_index:3 time:last_6h bucket:5m agg:rate series:metric_name", "value", [10, 10]],
  [`in:alerts id:${uuid}`, "title", ["one"]],
  ["in:alerts status:() severity:critical sort:severity,timestamp", "title", ["one", "two"]],
  ["in:flows src_ip:10.0.0.0/8 time:last_1h stats:\"sum(bytes_total) as bytes by dst_ip\" having:bytes>1000", "bytes", [
    1500
  ]]
]

const counted: ReadonlyArray<readonly [query: string, alias: string, count: number]> = [
  ["in:devices is_available:false stats:count() as down", "down", 1],
  ["in:services available:true stats:\"count() as ok\"", "ok", 2]
]

const refusals: ReadonlyArray<readonly [query: string, text: string]> = [
  ["in:devices hostname:(a,b)", "hostname filter does not support lists"],
  ["in:devices time:last_2w", "unsupported time token 'last_2w'"],
  ["in:logs bucket:5m", "downsample is only supported for metric entities"],
  ["in:cpu bucket:5m", "downsample queries require time:<range>"],
  ["in:devices partition:p1", "unsupported filter field 'partition'"],
  ["in:logs limit:0", "limit must be a positive integer"],
  ["in:services uid:x", "unsupported filter field for services: 'device_id'"],
  ["in:disk usage_percent:>90", "usage_percent filter only supports equality"]
]

const client = Layer.effect(
  PgClient.PgClient,
  Effect.flatMap(TestDatabase, ({ url }) => PgClient.make({ url, maxConnections: 1 }))
).pipe(Layer.provide(Reactivity.layer), Layer.provideMerge(TestDatabase.layer), Layer.provideMerge(NodeServices.layer))

const started = Effect.gen(function*() {
  const { url } = yield* TestDatabase
  const server = yield* NatsServer.start()
  const { config, ports } = yield* CoreProcess.configured(yield* temporaryFolder)
  const core = yield* Program.start(["core", "--config", config], { env: { DATABASE_URL: Redacted.value(url) } })
  const poller = yield* GrpcClient.make(PollerServiceService, { target: `127.0.0.1:${ports.grpc}` })
  const report = CoreProcess.wireReport(BigInt(second - 30), reported.map(CoreProcess.wireStatus))
  yield* Program.eventually("a report", Effect.asSome(poller.reportStatus(report)), {
    within: "30 seconds",
    programs: [core]
  })
  const startWriter = Program.start(["event-writer", "--http", "off"], {
    env: { ...environment(server.url, Redacted.value(url)), EVENT_WRITER_TENANT: "default" }
  })
  const writer = yield* startWriter
  const connection = yield* natsConnection(server.url)
  yield* awaitStreams(connection)
  const { jetstream } = yield* Effect.promise(() => import("@nats-io/jetstream"))
  for (const [subject, payloads] of messages) {
    for (const payload of payloads) {
      yield* Effect.promise(() => jetstream(connection).publish(subject, JSON.stringify(payload)))
    }
  }
  yield* awaitSettled(connection, { within: "30 seconds", programs: [writer] })
  // Traces are summed up at the start, and then every other minute.
  yield* writer.kill("SIGTERM")
  yield* writer.exited
  yield* startWriter
  yield* makePeers
  return `http://127.0.0.1:${ports.http}`
})

interface Answer {
  readonly status: number
  readonly results: ReadonlyArray<Row>
  readonly error: string | null
  readonly pagination: Row
}

const ask = Effect.fnUntraced(function*(base: string, body: object, style: "web" | "service" = "web") {
  const response = yield* Effect.promise(() =>
    fetch(`${base}/api/query?style=${style}`, { method: "POST", body: JSON.stringify(body) })
  )
  // boundary: the answer of core, whose parts are asserted one by one.
  const answer = (yield* Effect.promise(() => response.json())) as Omit<Answer, "status">
  return { ...answer, status: response.status } satisfies Answer
})

describe("queries over what the programs store", () => {
  it.live(
    "give the answers of the worked examples, in both shapes",
    () =>
      Effect.gen(function*() {
        const base = yield* started
        yield* Program.eventually(
          "summaries of traces",
          Effect.map(
            ask(base, { query: "in:trace_summaries root_service_name:web" }),
            ({ results }) => results?.length === 2 ? Option.some(true) : Option.none()
          ),
          { within: "30 seconds", programs: [] }
        )
        const wrong: Array<unknown> = []
        const expect = (what: string, found: unknown, expected: unknown) => {
          if (JSON.stringify(found) !== JSON.stringify(expected)) {
            wrong.push({ what, found, expected })
          }
        }
        for (const [query, key, values] of examples) {
          for (const style of ["web", "service"] as const) {
            const { error, results } = yield* ask(base, { query }, style)
            expect(
              `${query} (${style})`,
              results?.map((row) =>
                Number(row[key]) === row[key] || typeof row[key] === "string" && typeof values[0] === "number"
                  ? Number(row[key])
                  : row[key]
              ) ?? error,
              values
            )
          }
        }
        for (const [query, alias, count] of counted) {
          expect(query, (yield* ask(base, { query })).results, [count])
          expect(query, (yield* ask(base, { query }, "service")).results, [{ [alias]: count }])
        }
        for (const [query, text] of refusals) {
          const { error, status } = yield* ask(base, { query })
          expect(query, [status, error], [400, `invalid request: ${text}`])
        }
        // The request's limit wins over the query's.
        const page = yield* ask(base, {
          query: "in:devices limit:10",
          limit: 1,
          cursor: Buffer.from("{\"offset\":1}").toString("base64url")
        })
        expect("limit", page.pagination, {
          next_cursor: Buffer.from("{\"offset\":2}").toString("base64url"),
          prev_cursor: Buffer.from("{\"offset\":0}").toString("base64url"),
          limit: 1
        })
        const stats = yield* ask(base, { query: "in:logs !service_name:(a,b) rollup_stats:severity time:last_12h" })
        expect("rollup", stats.results, [{ info: 1, debug: 0, error: 1, fatal: 0, total: 3, warning: 1 }])
        const availability = yield* ask(base, { query: "in:services service_type:http rollup_stats:availability" })
        expect("availability", availability.results, [{ total: 2, available: 1, unavailable: 1, availability_pct: 50 }])
        for (const entity of rowEntities) {
          for (const style of ["web", "service"] as const) {
            const { results } = yield* ask(base, { query: `in:${entity.name}` }, style)
            expect(`in:${entity.name} (${style}) has rows`, (results ?? []).length > 0, true)
          }
        }
        assert.deepStrictEqual(wrong, [])
      }).pipe(Effect.scoped, Effect.provide(client)),
    120_000
  )
})
