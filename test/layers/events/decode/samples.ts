/**
 * One valid message for each kind of payload that the streams carry, as publishers send it.
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire"
import type { EventMessage } from "../../../../src/domain/events/stream/EventMessage.ts"
import { FlowMessage } from "../../../../src/gen/flowpb/flow.ts"
import { ExportLogsServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/logs/v1/logs_service.ts"
import { ExportMetricsServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/metrics/v1/metrics_service.ts"
import { ExportTraceServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/trace/v1/trace_service.ts"

/** 2026-01-02T03:04:05.678Z. */
export const storedAtMicros = 1_767_323_045_678_000

export const message = (subject: string, data: Uint8Array, sequence = 7): EventMessage => ({
  subject,
  data,
  headers: new Map(),
  stream: "events",
  sequence,
  storedAtMicros
})

export const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

export const telemetry = {
  timestamp: "2026-01-02T03:04:05.123456Z",
  gateway_id: "gw-1",
  agent_id: "agent-1",
  device_id: "default:10.0.0.1",
  metric_name: "cpu_usage",
  metric_type: "gauge",
  value: 12.5,
  unit: "percent",
  partition: "default",
  tags: { core: "0", available: "true" },
  metadata: { host: "ä" },
  is_delta: false,
  if_index: 3
}

export const ocsfEvent = {
  id: "0b9ff1f4-6e0c-4b44-9a5c-0a7d1f7b5f10",
  time: 1_767_323_045_123,
  class_uid: 1008,
  category_uid: 1,
  type_uid: 100_801,
  activity_id: 1,
  severity_id: 4,
  message: "interface down",
  metadata: { version: "1.7.0" },
  device: { hostname: "sw-1" },
  observables: [{ name: "sw-1", type: "Hostname", type_id: 1 }]
}

export const gelf = {
  version: "1.1",
  host: "router-1",
  short_message: "link down",
  timestamp: 1_767_323_045.5,
  level: 3,
  application_name: "kernel",
  _remote_addr: "default:10.0.0.1"
}

export const trap = {
  source: "10.0.0.9:162",
  version: "v2c",
  community: "public",
  varbinds: [{ oid: "1.3.6.1.2.1.1.3.0", value: "TIMETICKS: 5" }, { oid: "1.3.6.1.6", value: "OCTET STRING: x" }]
}

export const pollerHealth = {
  specversion: "1.0",
  id: "1",
  source: "serviceradar/core",
  type: "com.carverauto.serviceradar.poller.health",
  time: "2026-01-02T03:04:05Z",
  data: { poller_id: "poller-1", previous_state: "healthy", current_state: "unhealthy", host: "h1" }
}

export const sweep = {
  host_ip: "10.0.0.5",
  pollerId: "poller-1",
  agent_id: "agent-1",
  partition: "default",
  network_cidr: "10.0.0.0/24",
  hostname: "printer",
  icmp_available: true,
  icmp_response_time_ns: 1_500_000,
  icmp_packet_loss: 0,
  tcp_ports_scanned: [22, 80],
  tcp_ports_open: [80],
  port_scan_results: [{ port: 80, available: true, response_time: 1000, service: "http" }],
  last_sweep_time: "2026-01-02T03:04:05Z",
  first_seen: "2026-01-01T00:00:00Z",
  execution_id: "e-1"
}

export const flowJson = {
  timestamp: 1_767_323_045,
  srcAddr: "10.0.0.1",
  dst_addr: "2001:db8::1",
  src_port: 51_000,
  dst_port: 443,
  protocol: 6,
  packets: 10,
  octets: 5_000_000_000,
  sampler_address: "10.0.0.254",
  flow_direction: "ingress",
  tcp_flags: 0x12,
  vlan: 7
}

export const flowOcsf = {
  time: 1_767_323_045_000,
  class_uid: 4001,
  src_endpoint: { ip: "10.0.0.1", port: 51_000, autonomous_system: { number: 64_512 } },
  dst_endpoint: { ip: "10.0.0.2", port: 53 },
  connection_info: { protocol_num: 17, protocol_name: "UDP" },
  traffic: { bytes: 100, packets: 1, bytes_out: 100 },
  observables: [{ name: "sampler", value: "10.0.0.254" }]
}

export const flow = FlowMessage.fromPartial({
  type: 3,
  samplingRate: 100n,
  sequenceNum: 9,
  srcAddr: Buffer.from([10, 0, 0, 1]),
  dstAddr: Buffer.from("20010db8000000000000000000000001", "hex"),
  samplerAddress: Buffer.from([10, 0, 0, 254]),
  nextHop: Buffer.from([10, 0, 0, 253]),
  bytes: 18_446_744_073_709_551_615n,
  packets: 12n,
  srcAs: 4_200_000_001,
  inIf: 1,
  outIf: 2,
  proto: 6,
  srcPort: 51_000,
  dstPort: 443,
  tcpFlags: 0x12,
  srcMac: 0x0a_bb_cc_dd_ee_ffn,
  asPath: [64_512, 64_513],
  timeReceivedNs: 1_767_323_045_000_001_000n,
  timeFlowStartNs: 1_767_323_040_000_000_000n,
  timeFlowEndNs: 1_767_323_044_000_002_999n
})

export const performanceMetrics = ["span", "http", "slow_span"].map((metric_type) => ({
  timestamp: "2026-01-02T03:04:05Z",
  trace_id: "0af7651916cd43dd8448eb211c80319c",
  span_id: "b7ad6b7169203331",
  service_name: "api",
  span_name: "GET /",
  span_kind: "server",
  duration_ms: 150,
  duration_seconds: 0.15,
  metric_type,
  http_method: "GET",
  http_status_code: "200",
  grpc_service: null,
  is_slow: true,
  component: "otel-collector",
  level: "warn"
}))

const text = (key: string, value: string) => ({ key, value: { value: { $case: "stringValue", value } } }) as const
const number = (key: string, value: bigint) => ({ key, value: { value: { $case: "intValue", value } } }) as const

const resource = { attributes: [text("service.name", "api"), text("service.version", "1.2"), number("pid", 42n)] }
const scope = { name: "lib", version: "0.1", attributes: [text("a", "b")] }
const traceId = Buffer.from("0af7651916cd43dd8448eb211c80319c", "hex")
const spanId = Buffer.from("b7ad6b7169203331", "hex")
const time = 1_767_323_045_123_456_789n

export const otlpLogs = ExportLogsServiceRequest.fromPartial({
  resourceLogs: [{
    resource,
    scopeLogs: [{
      scope,
      logRecords: [
        {
          timeUnixNano: time,
          severityNumber: 17,
          severityText: "ERROR",
          body: { value: { $case: "stringValue", value: "failed" } },
          attributes: [
            number("big", 9_223_372_036_854_775_807n),
            {
              key: "list",
              value: {
                value: { $case: "arrayValue", value: { values: [{ value: { $case: "boolValue", value: false } }] } }
              }
            },
            { key: "bytes", value: { value: { $case: "bytesValue", value: Buffer.from([1, 2]) } } },
            { key: "nan", value: { value: { $case: "doubleValue", value: Number.NaN } } }
          ],
          flags: 0x101,
          traceId,
          spanId
        },
        { observedTimeUnixNano: time, body: { value: { $case: "kvlistValue", value: { values: [text("k", "v")] } } } }
      ]
    }]
  }]
})

export const otlpTraces = ExportTraceServiceRequest.fromPartial({
  resourceSpans: [{
    resource,
    scopeSpans: [{
      scope,
      spans: [{
        traceId,
        spanId,
        parentSpanId: Buffer.from("00f067aa0ba902b7", "hex"),
        name: "GET /",
        kind: 2,
        startTimeUnixNano: time,
        endTimeUnixNano: time + 1_000_000n,
        attributes: [text("http.method", "GET"), number("http.status_code", 500n)],
        events: [{ timeUnixNano: time, name: "exception", attributes: [text("type", "E")] }],
        links: [{ traceId, spanId, attributes: [] }],
        status: { code: 2, message: "boom" }
      }]
    }]
  }]
})

const point = { timeUnixNano: time, attributes: [text("http.method", "GET"), text("rpc.service", "S")] }

export const otlpMetrics = ExportMetricsServiceRequest.fromPartial({
  resourceMetrics: [{
    resource,
    scopeMetrics: [{
      scope,
      metrics: [
        {
          name: "g",
          unit: "ms",
          data: { $case: "gauge", value: { dataPoints: [{ ...point, value: { $case: "asDouble", value: 1.5 } }] } }
        },
        {
          name: "s",
          unit: "1",
          data: { $case: "sum", value: { dataPoints: [{ ...point, value: { $case: "asInt", value: -3n } }] } }
        },
        {
          name: "h",
          data: {
            $case: "histogram",
            value: { dataPoints: [{ ...point, count: 2n, sum: 7 }, { ...point, count: 2n }] }
          }
        },
        {
          name: "e",
          data: { $case: "exponentialHistogram", value: { dataPoints: [{ ...point, count: 2n, sum: 8 }] } }
        },
        { name: "q", data: { $case: "summary", value: { dataPoints: [{ ...point, count: 2n, sum: 9 }] } } }
      ]
    }]
  }]
})

const jsonText = (key: string, value: string) => ({ key, value: { stringValue: value } })
const jsonResource = { attributes: [jsonText("service.name", "api"), { key: "pid", value: { intValue: "42" } }] }

export const otlpLogsJson = {
  resourceLogs: [{
    resource: jsonResource,
    scopeLogs: [{
      scope: { name: "lib" },
      logRecords: [{
        timeUnixNano: "1767323045123456789",
        severityNumber: 17,
        severityText: "ERROR",
        body: { stringValue: "failed" },
        attributes: [{ key: "list", value: { arrayValue: { values: [{ boolValue: false }] } } }],
        traceId: "0AF7651916CD43DD8448EB211C80319C",
        spanId: "b7ad6b7169203331"
      }]
    }]
  }]
}

export const otlpTracesJson = {
  resourceSpans: [{
    resource: jsonResource,
    scopeSpans: [{
      spans: [{
        traceId: "0af7651916cd43dd8448eb211c80319c",
        spanId: "b7ad6b7169203331",
        name: "GET /",
        kind: 2,
        startTimeUnixNano: "1767323045123456789",
        endTimeUnixNano: "1767323045124456789",
        attributes: [jsonText("http.method", "GET")],
        events: [{ timeUnixNano: "1767323045123456789", name: "exception" }],
        status: { code: 2 }
      }]
    }]
  }]
}

export const otlpMetricsJson = {
  resourceMetrics: [{
    resource: jsonResource,
    scopeMetrics: [{
      metrics: [
        { name: "g", unit: "ms", gauge: { dataPoints: [{ timeUnixNano: "1767323045123456789", asDouble: 1.5 }] } },
        { name: "s", sum: { dataPoints: [{ timeUnixNano: "1767323045123456789", asInt: "-3" }] } },
        { name: "h", histogram: { dataPoints: [{ timeUnixNano: "1767323045123456789", count: "2", sum: 7 }] } }
      ]
    }]
  }]
}

export const logRecords = [
  {
    timestamp: Number("1767323045123456789"),
    severity_number: 17,
    severity_text: "error",
    body: "failed",
    attributes: { a: 1 },
    resource_attributes: { "service.name": "api" },
    scope_name: "lib",
    trace_id: "0af7651916cd43dd8448eb211c80319c"
  },
  { host: "h", short_message: "m", level: 4, _remote_addr: "default:10.0.0.1", custom: { deep: [1] } }
]

/** The message behind its length, as goflow2 writes it. */
export const framed = (message: Uint8Array): Uint8Array =>
  Buffer.concat([new BinaryWriter().uint32(message.length).finish(), message])

const flowBytes = FlowMessage.encode(flow).finish()

/** Every kind of payload by its name, with the subject it comes on and how many rows it gives. */
export const samples: ReadonlyArray<readonly [name: string, subject: string, data: Uint8Array, rows: number]> = [
  ["telemetry", "telemetry.snmp", json(telemetry), 1],
  ["telemetry array", "acme.telemetry", json([telemetry, telemetry]), 2],
  ["native OCSF event", "events.ocsf.processed", json(ocsfEvent), 1],
  ["GELF event", "events.syslog.processed", json(gelf), 1],
  ["SNMP trap", "snmp.traps", json(trap), 1],
  ["CloudEvent", "events.poller.health", json(pollerHealth), 1],
  ["sweep result", "sweep.results", json(sweep), 1],
  ["flow in JSON", "netflow.v9", json(flowJson), 1],
  ["flow in OCSF", "flows.ocsf", json([flowOcsf]), 1],
  ["flow in protobuf", "flows.raw.netflow", flowBytes, 1],
  ["flows behind lengths", "flows.raw.sflow", Buffer.concat([framed(flowBytes), framed(flowBytes)]), 2],
  ["performance metrics", "otel.metrics.derived", json(performanceMetrics), 3],
  ["OTLP metrics", "otel.metrics.raw", ExportMetricsServiceRequest.encode(otlpMetrics).finish(), 6],
  ["OTLP metrics in JSON", "otel.metrics", json(otlpMetricsJson), 3],
  ["OTLP traces", "otel.traces.raw", ExportTraceServiceRequest.encode(otlpTraces).finish(), 1],
  ["OTLP traces in JSON", "events.otel.traces", json(otlpTracesJson), 1],
  ["OTLP logs", "logs.otel", ExportLogsServiceRequest.encode(otlpLogs).finish(), 2],
  ["OTLP logs in JSON", "logs.otel", json(otlpLogsJson), 1],
  ["logs in JSON", "logs.syslog.processed", json(logRecords), 2],
  [
    "OTLP logs in a CloudEvent",
    "events.otel.logs",
    json({
      specversion: "1.0",
      data_base64: Buffer.from(ExportLogsServiceRequest.encode(otlpLogs).finish()).toString("base64")
    }),
    2
  ],
  ["CloudEvent around logs", "logs.otel.processed", json({ specversion: "1.0", data: logRecords }), 2],
  ["CloudEvent around metrics", "otel.metrics", json({ specversion: "1.0", data: performanceMetrics }), 3],
  ["SNMP trap as log", "logs.snmp.processed", json({ ...trap, severity: "High" }), 1]
]
