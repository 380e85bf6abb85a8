/**
 * Messages of all seven streams that can be found again: each carries its number in a column of the rows it becomes.
 *
 * Some are poison, either for the decoder or for the database; their number can be read in the original that the dead
 * letter keeps.
 */
import { Effect } from "effect"
import type { TableName } from "../../src/domain/events/rows/Tables.ts"
import type { StreamName } from "../../src/domain/events/stream/Streams.ts"
import { PgConnection } from "../../src/layers/postgres/connection/PgConnection.ts"

export interface MarkedEvent {
  readonly mark: number
  readonly subject: string
  readonly stream: StreamName
  readonly data: Uint8Array
  /** How many rows it becomes; 0 for poison. */
  readonly rows: number
}

interface Kind {
  readonly subject: string
  readonly stream: StreamName
  readonly table: TableName
  /** An SQL expression: the text with the number in it. */
  readonly marked: string
  readonly payload: (mark: number, text: string) => object
}

const startSeconds = Math.floor(Date.now() / 1000)
const secondsOf = (mark: number): number => startSeconds - mark % 3_600

const telemetry: Kind = {
  subject: "telemetry.snmp",
  stream: "TELEMETRY",
  table: "timeseries_metrics",
  marked: "metric_name",
  payload: (mark, text) => ({ timestamp: secondsOf(mark), metric_name: text, value: mark, gateway_id: "gw-1" })
}

const kinds: ReadonlyArray<Kind> = [
  telemetry,
  {
    subject: "logs.app.processed",
    stream: "LOGS",
    table: "logs",
    marked: "body",
    payload: (mark, text) => ({ timestamp: secondsOf(mark), severity_text: "error", body: text })
  },
  {
    subject: "netflow.v9",
    stream: "NETFLOW",
    table: "ocsf_network_activity",
    marked: "'mark ' || bytes_total",
    payload: (mark) => ({
      timestamp: secondsOf(mark),
      src_addr: "10.0.0.1",
      dst_addr: "10.0.0.2",
      src_port: 51_000,
      dst_port: 443,
      protocol: 6,
      packets: 1,
      octets: mark
    })
  },
  {
    subject: "otel.traces",
    stream: "OTEL_TRACES",
    table: "otel_traces",
    marked: "name",
    payload: (mark, text) => ({
      timestamp: secondsOf(mark),
      trace_id: mark.toString(16).padStart(32, "0"),
      span_id: mark.toString(16).padStart(16, "0"),
      name: text,
      kind: 2,
      start_time_unix_nano: secondsOf(mark) * 1_000_000_000,
      end_time_unix_nano: secondsOf(mark) * 1_000_000_000 + 1_000_000,
      service_name: "service-1"
    })
  },
  {
    subject: "otel.metrics",
    stream: "OTEL_METRICS",
    table: "otel_metrics",
    marked: "span_name",
    payload: (mark, text) => ({
      timestamp: secondsOf(mark),
      trace_id: mark.toString(16).padStart(32, "0"),
      span_id: mark.toString(16).padStart(16, "0"),
      service_name: "service-1",
      span_name: text,
      metric_type: "span",
      duration_ms: 150
    })
  },
  {
    subject: "events.syslog.processed",
    stream: "EVENTS",
    table: "ocsf_events",
    marked: "message",
    payload: (mark, text) => ({
      version: "1.1",
      host: "router-1",
      short_message: text,
      timestamp: secondsOf(mark),
      level: 3
    })
  },
  {
    subject: "sweep.results",
    stream: "SWEEP",
    table: "sweep_host_states",
    marked: "hostname",
    payload: (mark, text) => ({
      host_ip: `10.${(mark >> 16) & 255}.${(mark >> 8) & 255}.${mark & 255}`,
      poller_id: "poller-1",
      agent_id: "agent-1",
      partition: `part-${mark >> 24}`,
      hostname: text,
      icmp_available: true,
      last_sweep_time: secondsOf(mark)
    })
  }
]

/** Most are telemetry and logs; one in twenty is poison, half of it for the decoder and half for the database. */
const kindAt = (mark: number): Kind => kinds[mark % 2 === 0 ? mark % 4 / 2 : mark % kinds.length] ?? telemetry

/** More than an entry of the table's index can hold, also compressed. */
const tooLong = Array.from({ length: 3_000 }, (_, at) => String.fromCodePoint(0x4e00 + at * 7)).join("")

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const markedEvent = (mark: number): MarkedEvent => {
  const { payload, stream, subject } = kindAt(mark)
  const text = `mark ${mark}`
  if (mark % 40 === 20) return { mark, subject, stream, data: bytes(`{"cut off": "${text}`), rows: 0 }
  if (mark % 40 === 0) {
    const refused = { timestamp: secondsOf(mark), metric_name: text, gateway_id: tooLong }
    return { mark, subject: "telemetry.snmp", stream: "TELEMETRY", data: bytes(JSON.stringify(refused)), rows: 0 }
  }
  // Several rows of one message stand or fall together.
  const isTriple = mark % 10 === 4 && stream === "TELEMETRY"
  const one = payload(mark, text)
  const whole = isTriple ? [one, { ...one, if_index: 1 }, { ...one, if_index: 2 }] : one
  return { mark, subject, stream, data: bytes(JSON.stringify(whole)), rows: isTriple ? 3 : 1 }
}

/** The number in the original of a dead letter. */
export const markIn = (data: Uint8Array): number => Number(/mark (\d+)/.exec(new TextDecoder().decode(data))?.[1])

const union = kinds.map(({ marked, table }) => `select ${marked} as text from platform.${table}`).join(" union all ")

/** How many rows there are of each number from `since` on. */
export const storedMarks = Effect.fnUntraced(function*(since = 0) {
  const sql = yield* (yield* PgConnection).client
  const rows = yield* sql.unsafe<{ readonly mark: number; readonly count: number }>(
    `with marked as (select substring(text from 'mark ([0-9]+)')::int as mark from (${union}) as texts)
     select mark, count(*)::int as count from marked where mark >= ${since} group by mark`
  )
  return new Map(rows.map(({ count, mark }) => [mark, count]))
})
