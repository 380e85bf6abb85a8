/** Realistic payloads of all streams, in the proportion of the rates that are expected of each. */

export const startMicros = Math.floor(Date.now() / 1000) * 1_000_000

const telemetry = (at: number) => ({
  timestamp: (startMicros - at) / 1_000_000,
  gateway_id: "gw-1",
  agent_id: `agent-${at % 100}`,
  device_id: `default:10.0.${at % 200}.1`,
  metric_name: "cpu_usage",
  metric_type: "gauge",
  value: at % 100,
  unit: "percent",
  partition: "default",
  tags: { core: `${at % 8}` },
  if_index: at % 48
})

const log = (at: number) => ({
  timestamp: (startMicros - at) / 1_000_000,
  severity_text: "error",
  body: `request ${at} failed after 3 attempts: connection refused by 10.0.0.${at % 250}`,
  attributes: { attempt: 3, host: `node-${at % 50}` },
  resource_attributes: { "service.name": `service-${at % 20}` },
  trace_id: at.toString(16).padStart(32, "0")
})

const flow = (at: number) => ({
  timestamp: (startMicros - at) / 1_000_000,
  src_addr: `10.0.0.${at % 250}`,
  dst_addr: `10.1.0.${at % 240}`,
  src_port: 1024 + at % 60_000,
  dst_port: 443,
  protocol: 6,
  packets: 10,
  octets: 5_000,
  sampler_address: "10.0.0.254"
})

const span = (at: number) => ({
  timestamp: (startMicros - at) / 1_000_000,
  trace_id: at.toString(16).padStart(32, "0"),
  span_id: at.toString(16).padStart(16, "0"),
  name: "GET /",
  kind: 2,
  start_time_unix_nano: (startMicros - at) * 1000,
  end_time_unix_nano: (startMicros - at) * 1000 + 1_000_000,
  service_name: `service-${at % 20}`,
  attributes: { "http.method": "GET" }
})

const point = (at: number) => ({
  timestamp: (startMicros - at) / 1_000_000,
  trace_id: at.toString(16).padStart(32, "0"),
  span_id: at.toString(16).padStart(16, "0"),
  service_name: `service-${at % 20}`,
  span_name: "GET /",
  span_kind: "server",
  duration_ms: 150,
  metric_type: "span",
  is_slow: true
})

const event = (at: number) => ({
  version: "1.1",
  host: `router-${at % 30}`,
  short_message: `link ${at} down`,
  timestamp: (startMicros - at) / 1_000_000,
  level: 3
})

const sweep = (at: number) => ({
  host_ip: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`,
  poller_id: "poller-1",
  agent_id: "agent-1",
  partition: "default",
  icmp_available: true,
  tcp_ports_open: [80],
  last_sweep_time: (startMicros - at) / 1_000_000
})

/** Of 7,610 messages: the rates that the seed expects of each stream. */
const mix: ReadonlyArray<readonly [share: number, subject: string, payload: (at: number) => object]> = [
  [5_000, "netflow.v9", flow],
  [1_000, "telemetry.snmp", telemetry],
  [500, "otel.metrics", point],
  [500, "logs.app.processed", log],
  [500, "otel.traces", span],
  [100, "events.syslog.processed", event],
  [10, "sweep.results", sweep]
]

const shares = mix.reduce((sum, [share]) => sum + share, 0)

interface Sample {
  readonly subject: string
  readonly payload: object
}

export const telemetrySample = (at: number): Sample => ({ subject: "telemetry.snmp", payload: telemetry(at) })

/** What comes at a place: in proportion, shuffled the same way each time. */
export const mixedSample = (at: number): Sample => {
  let left = (at * 7_919) % shares
  const found = mix.find(([share]) => (left -= share) < 0)
  return found === undefined ? telemetrySample(at) : { subject: found[1], payload: found[2](at) }
}
