/**
 * One message of each shape that the seven streams carry, with its rows.
 *
 * Every moment in them is one of `momentOf(row)`, every running number one of `numberOf(row)`: fixed values of fixed
 * width, which the publisher finds in the encoded bytes and replaces.
 */
import { FlowMessage } from "../../src/gen/flowpb/flow.ts"
import { ExportLogsServiceRequest } from "../../src/gen/opentelemetry/proto/collector/logs/v1/logs_service.ts"
import { ExportMetricsServiceRequest } from "../../src/gen/opentelemetry/proto/collector/metrics/v1/metrics_service.ts"
import { ExportTraceServiceRequest } from "../../src/gen/opentelemetry/proto/collector/trace/v1/trace_service.ts"

export type Table =
  | "timeseries_metrics"
  | "ocsf_events"
  | "sweep_host_states"
  | "ocsf_network_activity"
  | "otel_metrics"
  | "otel_traces"
  | "logs"

export interface Sample {
  readonly subject: string
  readonly table: Table
  readonly rows: number
  readonly data: Buffer
}

/** Microseconds that stand for the moment of a message's row. */
export const momentOf = (row: number): number => 1_700_000_000_123_456 + row * 10_000_019

/** Ten digits, and in ids the last four of eight bytes, that stand for the running number of a row. */
export const numberOf = (row: number): number => 3_141_592_650 + row

export const idOf = (row: number): Buffer => {
  const id = Buffer.from("5eed0e5100000000", "hex")
  id.writeUInt32BE(numberOf(row), 4)
  return id
}

const traceOf = (row: number): Buffer => Buffer.concat([Buffer.from("0123456789abcdef", "hex"), idOf(row)])
const secondsOf = (row: number): string => (momentOf(row) / 1e6).toFixed(6)
const nanosOf = (row: number): bigint => BigInt(momentOf(row)) * 1000n
export const isoOf = (micros: number): string =>
  `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, 20)}${String(micros % 1_000_000).padStart(6, "0")}Z`

const range = (count: number) => Array.from({ length: count }, (_, at) => at)

/** A number that `JSON.stringify` would write in its own way. */
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value).replaceAll(/"@([\d.]+)"/g, "$1"))
const seconds = (row: number): string => `@${secondsOf(row)}`
const bare = (value: number): string => `@${value}`

const text = (value: string) => ({ value: { $case: "stringValue", value } } as const)
const attribute = (key: string, value: string) => ({ key, value: text(value) })
const resource = {
  attributes: [
    attribute("service.name", "checkout"),
    attribute("service.version", "2.14.1"),
    attribute("service.instance.id", "checkout-7d9f"),
    attribute("host.name", "node-17")
  ]
}
const scope = { name: "io.opentelemetry.http", version: "1.32.0" }

const metric = (row: number) => ({
  timestamp: seconds(row),
  gateway_id: "gateway-1",
  agent_id: "agent-17",
  device_id: `default:10.0.0.17`,
  target_device_ip: "10.0.0.17",
  metric_name: "ifInOctets",
  metric_type: "counter",
  value: bare(numberOf(row)),
  unit: "octets",
  partition: "default",
  if_index: 12,
  tags: { interface: "GigabitEthernet0/12", vendor: "acme" },
  is_delta: false
})

const telemetry = { subject: "telemetry.snmp", table: "timeseries_metrics" } as const

export const metricObject: Sample = { ...telemetry, rows: 1, data: json(metric(0)) }
const metricArray: Sample = { ...telemetry, rows: 4, data: json(range(4).map(metric)) }

const gelf = (row: number) => ({
  version: "1.1",
  host: "router-7",
  short_message: `link ${numberOf(row)} changed state to down`,
  timestamp: seconds(row),
  level: 3,
  application_name: "ifmgr",
  process_id: "412",
  _remote_addr: "default:10.0.0.7"
})

const events = "ocsf_events"

const eventGelf: Sample = { subject: "events.syslog.processed", table: events, rows: 1, data: json(gelf(0)) }
const eventCloud: Sample = {
  subject: "events.poller.health",
  table: events,
  rows: 1,
  data: json({
    specversion: "1.0",
    id: `5eed0e51-0000-4000-8000-00${numberOf(0)}`,
    source: "serviceradar/core",
    type: "com.carverauto.serviceradar.poller.health",
    datacontenttype: "application/json",
    time: isoOf(momentOf(0)),
    data: { poller_id: "poller-1", previous_state: "healthy", current_state: "unhealthy", partition: "default" }
  })
}
const eventTrap: Sample = {
  subject: "logs.snmp",
  table: events,
  rows: 1,
  data: json({
    source: "10.0.0.9:54012",
    version: "v2c",
    community: "public",
    timestamp: seconds(0),
    varbinds: [
      { oid: "1.3.6.1.2.1.1.3.0", value: `TIMETICKS: ${numberOf(0)}` },
      { oid: "1.3.6.1.6.3.1.1.4.1.0", value: "OBJECT IDENTIFIER: 1.3.6.1.6.3.1.1.5.3" }
    ]
  })
}
const eventOcsf: Sample = {
  subject: "events.ocsf.processed",
  table: events,
  rows: 1,
  data: json({
    id: `5eed0e51-0000-4000-8000-00${numberOf(0)}`,
    time: isoOf(momentOf(0)),
    class_uid: 1008,
    category_uid: 1,
    type_uid: 100801,
    activity_id: 1,
    activity_name: "Create",
    severity_id: 3,
    message: "disk 80 % full",
    metadata: { version: "1.7.0", product: { vendor_name: "ServiceRadar" } },
    device: { hostname: "node-17", ip: "10.0.0.17" }
  })
}

const sweep: Sample = {
  subject: "sweep.results",
  table: "sweep_host_states",
  rows: 1,
  data: json({
    host_ip: "10.20.30.40",
    poller_id: "poller-1",
    agent_id: "agent-1",
    partition: "default",
    icmp_available: true,
    icmp_response_time_ns: bare(numberOf(0)),
    tcp_ports_scanned: [22, 80, 443],
    tcp_ports_open: [80, 443],
    last_sweep_time: isoOf(momentOf(0))
  })
}

const flowMessage = (row: number) =>
  Buffer.from(
    FlowMessage.encode(FlowMessage.fromPartial({
      type: 3,
      samplingRate: 1000n,
      sequenceNum: 77,
      srcAddr: Buffer.from([10, 0, 3, 7]),
      dstAddr: Buffer.from([203, 0, 113, 9]),
      samplerAddress: Buffer.from([10, 0, 0, 254]),
      bytes: BigInt(numberOf(row)),
      packets: 12n,
      srcAs: 64_512,
      dstAs: 15_169,
      inIf: 3,
      outIf: 9,
      proto: 6,
      srcPort: 51_234,
      dstPort: 443,
      tcpFlags: 27,
      timeReceivedNs: nanosOf(row),
      timeFlowStartNs: nanosOf(row),
      timeFlowEndNs: nanosOf(row)
    })).finish()
  )

const flows = "ocsf_network_activity"

export const flowProtobuf: Sample = { subject: "flows.raw.netflow", table: flows, rows: 1, data: flowMessage(0) }
const flowFramed: Sample = {
  subject: "flows.raw.netflow",
  table: flows,
  rows: 4,
  data: Buffer.concat(
    range(4).map((row) => {
      const message = flowMessage(row)
      if (message.length > 127) throw new Error("the length of a flow takes one byte here")
      return Buffer.concat([Buffer.from([message.length]), message])
    })
  )
}
const flowJson: Sample = {
  subject: "netflow.v9",
  table: flows,
  rows: 1,
  data: json({
    timestamp: seconds(0),
    src_addr: "10.0.0.7",
    dst_addr: "203.0.113.9",
    src_port: 51_234,
    dst_port: 443,
    protocol: 6,
    packets: 10,
    octets: bare(numberOf(0)),
    sampler_address: "10.0.0.254"
  })
}

const span = (row: number) => ({
  traceId: traceOf(row),
  spanId: idOf(row),
  parentSpanId: Buffer.from("00f067aa0ba902b7", "hex"),
  name: "GET /cart/{id}",
  kind: 2,
  startTimeUnixNano: nanosOf(row),
  endTimeUnixNano: nanosOf(row),
  attributes: [
    attribute("http.request.method", "GET"),
    attribute("http.route", "/cart/{id}"),
    attribute("user_agent.original", "Mozilla/5.0")
  ],
  status: { code: 1, message: "" }
})
const traceProtobuf: Sample = {
  subject: "otel.traces.raw",
  table: "otel_traces",
  rows: 3,
  data: Buffer.from(
    ExportTraceServiceRequest.encode(ExportTraceServiceRequest.fromPartial({
      resourceSpans: [{ resource, scopeSpans: [{ scope, spans: range(3).map(span) }] }]
    })).finish()
  )
}
const traceJson: Sample = {
  subject: "otel.traces",
  table: "otel_traces",
  rows: 1,
  data: json({
    resourceSpans: [{
      resource: { attributes: [{ key: "service.name", value: { stringValue: "cart" } }] },
      scopeSpans: [{
        spans: [{
          traceId: traceOf(0).toString("hex"),
          spanId: idOf(0).toString("hex"),
          name: "SELECT cart",
          kind: 3,
          startTimeUnixNano: `${nanosOf(0)}`,
          endTimeUnixNano: `${nanosOf(0)}`,
          attributes: [{ key: "db.system", value: { stringValue: "postgresql" } }]
        }]
      }]
    }]
  })
}

const performance = (metricType: string, row: number) => ({
  timestamp: isoOf(momentOf(row)),
  trace_id: traceOf(row).toString("hex"),
  span_id: idOf(row).toString("hex"),
  service_name: "checkout",
  span_name: "GET /cart/{id}",
  span_kind: "server",
  duration_ms: 153.25,
  duration_seconds: 0.15325,
  metric_type: metricType,
  http_method: "GET",
  http_route: "/cart/{id}",
  http_status_code: "200",
  is_slow: true,
  component: "otel-collector",
  level: "warn"
})
const metricPerformance: Sample = {
  subject: "otel.metrics.derived",
  table: "otel_metrics",
  rows: 3,
  data: json(["span", "http", "slow_span"].map(performance))
}
const point = (row: number) => ({
  timeUnixNano: nanosOf(row),
  attributes: [attribute("http.method", "GET"), attribute("http.route", "/cart/{id}")]
})
const metricProtobuf: Sample = {
  subject: "otel.metrics.raw",
  table: "otel_metrics",
  rows: 4,
  data: Buffer.from(
    ExportMetricsServiceRequest.encode(ExportMetricsServiceRequest.fromPartial({
      resourceMetrics: [{
        resource,
        scopeMetrics: [{
          metrics: [
            {
              name: "process.cpu.utilization",
              unit: "1",
              data: {
                $case: "gauge",
                value: { dataPoints: [{ ...point(0), value: { $case: "asDouble", value: 0.42 } }] }
              }
            },
            {
              name: "http.server.requests",
              unit: "{request}",
              data: {
                $case: "sum",
                value: {
                  dataPoints: [
                    { ...point(1), value: { $case: "asInt", value: 5_120n } },
                    { ...point(2), value: { $case: "asInt", value: 17n } }
                  ]
                }
              }
            },
            {
              name: "http.server.duration",
              unit: "ms",
              data: { $case: "histogram", value: { dataPoints: [{ ...point(3), count: 7n, sum: 1_071.5 }] } }
            }
          ]
        }]
      }]
    })).finish()
  )
}

export const logGelf: Sample = {
  subject: "logs.syslog.processed",
  table: "logs",
  rows: 1,
  data: json({ ...gelf(0), severity: "Medium" })
}
const logArray: Sample = {
  subject: "logs.otel.processed",
  table: "logs",
  rows: 2,
  data: json(
    range(2).map((row) => ({
      timestamp: `@${nanosOf(row)}`,
      severity_number: 17,
      severity_text: "ERROR",
      body: `request ${numberOf(row)} failed after 3 attempts: connection refused`,
      attributes: { attempt: 3, host: "node-17" },
      resource_attributes: { "service.name": "checkout", "service.version": "2.14.1" },
      trace_id: traceOf(row).toString("hex"),
      span_id: idOf(row).toString("hex"),
      scope_name: "checkout.client"
    }))
  )
}
const logProtobuf: Sample = {
  subject: "otel.logs",
  table: "logs",
  rows: 3,
  data: Buffer.from(
    ExportLogsServiceRequest.encode(ExportLogsServiceRequest.fromPartial({
      resourceLogs: [{
        resource,
        scopeLogs: [{
          scope,
          logRecords: range(3).map((row) => ({
            timeUnixNano: nanosOf(row),
            observedTimeUnixNano: nanosOf(row),
            severityNumber: 9,
            severityText: "INFO",
            body: text(`served request ${numberOf(row)} in 12 ms`),
            attributes: [attribute("http.route", "/cart/{id}"), attribute("thread.name", "worker-3")],
            traceId: traceOf(row),
            spanId: idOf(row)
          }))
        }]
      }]
    })).finish()
  )
}

export interface Share {
  readonly stream: string
  /** Of 7,610 messages: the rates that the seed expects of each stream. */
  readonly share: number
  /** Taken in turns. */
  readonly samples: ReadonlyArray<Sample>
}

export const mixed: ReadonlyArray<Share> = [
  {
    stream: "NETFLOW",
    share: 5_000,
    samples: [...Array.from({ length: 8 }, () => flowProtobuf), flowFramed, flowJson]
  },
  { stream: "TELEMETRY", share: 1_000, samples: [metricObject, metricObject, metricObject, metricObject, metricArray] },
  { stream: "OTEL_METRICS", share: 500, samples: [metricPerformance, metricProtobuf] },
  { stream: "OTEL_TRACES", share: 500, samples: [traceProtobuf, traceProtobuf, traceJson] },
  { stream: "LOGS", share: 500, samples: [logGelf, logArray, logGelf, logProtobuf] },
  { stream: "EVENTS", share: 100, samples: [eventGelf, eventCloud, eventTrap, eventOcsf] },
  { stream: "SWEEP", share: 10, samples: [sweep] }
]

/** Each shape once. */
export const shapes: Readonly<Record<string, Sample>> = {
  "flow in protobuf": flowProtobuf,
  "flows behind lengths": flowFramed,
  "flow in JSON": flowJson,
  metric: metricObject,
  "array of metrics": metricArray,
  "performance metrics": metricPerformance,
  "OTLP metrics": metricProtobuf,
  "OTLP spans": traceProtobuf,
  "OTLP span in JSON": traceJson,
  "GELF log": logGelf,
  "array of logs": logArray,
  "OTLP logs": logProtobuf,
  "GELF event": eventGelf,
  CloudEvent: eventCloud,
  "SNMP trap": eventTrap,
  "OCSF event": eventOcsf,
  sweep
}

export const telemetryOnly: ReadonlyArray<Share> = [{ stream: "TELEMETRY", share: 1, samples: [metricObject] }]

/** What no decoder reads. */
export const undecodable: Sample = { ...metricObject, rows: 0, data: Buffer.from("{\"metric_name\": \"cpu\", ") }

/** A key that fits in no index: the writer can tell beforehand. */
export const overlong: Sample = {
  ...metricObject,
  rows: 0,
  data: json({
    ...metric(0),
    // Random, as PostgreSQL would compress anything else until it fits.
    gateway_id: Array.from({ length: 700 }, () => Math.random().toString(36).slice(2)).join("")
  })
}

/** Refused by a constraint that only the database knows. */
export const forbidden: Sample = { ...metricObject, rows: 0, data: json({ ...metric(0), unit: "forbidden" }) }
