/** Each decoder with the cross product of the forms in which the field sends numbers, times and severities. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { message, storedAtMicros } from "./samples.ts"

const decode = EventDecoder.make({ tenantDefault: "acme" })

type Row = Readonly<Record<string, unknown>>

/** The one row of a message, or the path of what is wrong with it. */
const rowOf = (subject: string, payload: string): Row | string =>
  Result.match(decode(message(subject, Buffer.from(payload))), {
    onFailure: ({ path }) => path,
    onSuccess: ({ content }): Row | string => ({ ...content.rows[0] })
  })

const at = (subject: string, payload: string, column: string): unknown => {
  const row = rowOf(subject, payload)
  return typeof row === "string" ? `refused at ${row}` : row[column]
}

const ids = `"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"`
const otlp = {
  log: (record: string) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{${record}}]}]}]}`,
  span: (span: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[{${ids},${span}}]}]}]}`,
  point: (point: string) =>
    `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{${point}}]}}]}]}]}`
}
const ocsf = (more: string) => `{"id":"x","class_uid":1008,"category_uid":1,"type_uid":100801,"activity_id":1,${more}}`
const event = (data: string) => `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":${data}}`

/** Numbers that mean 16, and ones that mean nothing. */
const sixteen = ["16", `"16"`, `" 16 "`, "16.0", `"16.0"`, `"1.6e1"`, "1.6e1", `"0x10"`]
const unreadable = [`"abc"`, `"16ms!"`, `"1,6"`, `"0x"`, "[16]", `{"v":16}`]

const numbers: ReadonlyArray<
  readonly [name: string, subject: string, payload: (value: string) => string, column: string, value: unknown]
> = [
  ["telemetry", "telemetry.x", (value) => `{"value":${value}}`, "value", 16],
  ["telemetry in a CloudEvent", "telemetry.x", (value) => event(`{"value":${value}}`), "value", 16],
  ["scale", "telemetry.x", (value) => `{"value":1,"scale":${value}}`, "scale", 16],
  ["interface", "telemetry.x", (value) => `{"value":1,"ifIndex":${value}}`, "if_index", 16],
  ["sweep", "sweep.x", (value) => `{"ip":"h","icmp_response_time_ns":${value}}`, "icmp_response_time_ns", 16n],
  ["loss", "sweep.x", (value) => `{"ip":"h","icmpPacketLoss":${value}}`, "icmp_packet_loss", 16],
  ["flow", "flows.x", (value) => `{"src_addr":"192.0.2.1","bytes":${value}}`, "bytes_total", 16n],
  [
    "flow in a CloudEvent",
    "flows.x",
    (value) => event(`{"src_addr":"192.0.2.1","packets":${value}}`),
    "packets_total",
    16n
  ],
  ["port", "flows.x", (value) => `{"src_addr":"192.0.2.1","dstPort":${value}}`, "dst_endpoint_port", 16],
  ["flags", "flows.x", (value) => `{"src_addr":"192.0.2.1","tcp_flags":${value}}`, "tcp_flags", 16],
  [
    "OCSF flow",
    "flows.x",
    (value) => `{"time":1767323045000,"src_endpoint":{"ip":"192.0.2.1"},"traffic":{"bytes":${value}}}`,
    "bytes_total",
    16n
  ],
  ["performance metric", "otel.metrics", (value) => `{"duration_ms":${value}}`, "duration_ms", 16],
  ["OCSF event", "events.x", (value) => ocsf(`"status_id":${value}`), "status_id", 16]
]

describe("numbers", () => {
  it.each(numbers)("of %s are read in every form, and never made up", (_, subject, payload, column, value) => {
    for (const form of sixteen) assert.deepStrictEqual(at(subject, payload(form), column), value, form)
    for (const form of unreadable) assert.match(String(at(subject, payload(form), column)), /^refused at \$/, form)
  })

  it.each(
    [
      ["attribute", "otel.logs", otlp.log, `"attributes":[{"key":"k","value":{"intValue":#}}]`, "attributes"],
      ["severity", "otel.logs", otlp.log, `"severityNumber":#`, "severity_number"],
      ["flags", "otel.logs", otlp.log, `"flags":#`, "trace_flags"],
      ["kind", "otel.traces", otlp.span, `"kind":#`, "kind"],
      ["status", "otel.traces", otlp.span, `"status":{"code":#}`, "status_code"],
      ["integer point", "otel.metrics", otlp.point, `"asInt":#`, "duration_ms"],
      ["double point", "otel.metrics", otlp.point, `"as_double":#`, "duration_ms"]
    ] as const
  )("of OTLP (%s) are read quoted and bare, and nothing else is", (_, subject, wrap, part, column) => {
    const read = (value: string) => at(subject, wrap(part.replace("#", value)), column)
    for (const form of ["16", `"16"`, "16.0"]) {
      assert.include([16, `{"k":16}`], read(form), form)
    }
    for (const form of [`"abc"`, `""`, `"0x10"`, "[16]", "{}"]) {
      assert.match(String(read(form)), /^refused at \$\.resource/, form)
    }
    assert.include([null, "", `{"k":null}`, 0], read("null"))
  })

  const digits = ["9007199254740993", "18446744073709551615", "1234567890123456789012345678901234567890"]

  it("beyond 2^53 keep every digit in every document", () => {
    for (const digit of digits) {
      for (const form of [digit, `"${digit}"`]) {
        const places = [
          at("telemetry.x", `{"value":1,"tags":{"k":${form}}}`, "tags"),
          at("telemetry.x", `{"value":1,"metadata":{"k":[${form}]}}`, "metadata"),
          at("sweep.x", `{"ip":"h","k":${form}}`, "metadata"),
          at("events.x", `{"message":"m","k":${form}}`, "unmapped"),
          at("events.x", `{"message":"m","k":${form}}`, "raw_data"),
          at("events.x", event(`{"k":${form}}`), "raw_data"),
          at("events.x", ocsf(`"unmapped":{"k":${form}}`), "unmapped"),
          at("logs.x", `{"message":"m","k":${form}}`, "attributes"),
          at("logs.x", `{"message":"m","attributes":{"k":${form}}}`, "attributes"),
          at("logs.x", `{"message":"m","resource":{"k":${form}}}`, "resource_attributes"),
          at("otel.traces", `{"trace_id":"1","span_id":"2","attributes":{"k":${form}}}`, "attributes"),
          at("otel.traces", `{"trace_id":${form},"span_id":"2"}`, "trace_id"),
          JSON.stringify(at("flows.x", `{"src_addr":"192.0.2.1","k":${form}}`, "ocsf_payload")),
          JSON.stringify(at("flows.x", `{"src_addr":"192.0.2.1","bytes":${form}}`, "ocsf_payload"))
        ]
        for (const [place, text] of places.entries()) assert.include(String(text), digit, `${place}: ${form}`)
      }
    }
  })

  it("that differ in the last digit never make one series", () => {
    const series = (tag: string) => at("telemetry.x", `{"value":1,"tags":{"k":${tag}}}`, "series_key")
    assert.notStrictEqual(series("9007199254740992"), series("9007199254740993"))
    assert.strictEqual(series("9007199254740993"), series(`"9007199254740993"`))
  })
})

const moment = 1_767_323_045_123_456
const times = [
  `"2026-01-02T03:04:05.123456Z"`,
  `"2026-01-02 03:04:05.123456+00"`,
  `"2026-01-02T04:04:05,123456789+01:00"`,
  `"20260102T030405.123456Z"`,
  "1767323045123456",
  `"1767323045123456"`,
  "1767323045123456789",
  `"1767323045123456789"`,
  "1767323045.123456",
  `"1767323045.123456"`
]
const claims = [`"1970-01-01T00:01:12Z"`, "72", `"72"`, `"2026-02-30T00:00:00Z"`, `"soon"`, `"2026-01-02 03:04:05"`]

const clocks: ReadonlyArray<readonly [string, string, (time: string) => string, string, string]> = [
  ["telemetry", "telemetry.x", (time) => `{"value":1,"timestamp":${time}}`, "timestamp", "metadata"],
  ["sweep", "sweep.x", (time) => `{"ip":"h","lastSweepTime":${time}}`, "last_sweep_time", "metadata"],
  ["flow", "flows.x", (time) => `{"src_addr":"192.0.2.1","timestamp":${time}}`, "time", "ocsf_payload"],
  [
    "flow of the wire",
    "flows.x",
    (time) => `{"src_addr":"192.0.2.1","time_received_ns":${time}}`,
    "time",
    "ocsf_payload"
  ],
  [
    "performance metric",
    "otel.metrics",
    (time) => `{"duration_ms":1,"timestamp":${time}}`,
    "timestamp",
    "claimed_time"
  ],
  ["span", "otel.traces", (time) => `{"trace_id":"1","span_id":"2","timestamp":${time}}`, "timestamp", "attributes"],
  ["syslog", "events.x", (time) => `{"short_message":"m","timestamp":${time}}`, "time", "unmapped"],
  ["CloudEvent", "events.x", (time) => event(`{"time":${time}}`), "time", "unmapped"],
  ["OCSF event", "events.x", (time) => ocsf(`"time":${time}`), "time", "metadata"],
  ["log", "logs.x", (time) => `{"message":"m","@timestamp":${time}}`, "timestamp", "attributes"],
  ["log in nanoseconds", "logs.x", (time) => `{"message":"m","time_unix_nano":${time}}`, "timestamp", "attributes"],
  ["log in a CloudEvent", "logs.x", (time) => event(`{"ts":${time}}`), "timestamp", "attributes"]
]

describe("times", () => {
  it.each(clocks)("of %s are read in every form, and claims kept", (_, subject, payload, column, kept) => {
    for (const form of times) assert.strictEqual(at(subject, payload(form), column), moment, form)
    for (const form of claims) {
      assert.strictEqual(at(subject, payload(form), column), storedAtMicros, form)
      const place = at(subject, payload(form), kept)
      const text = typeof place === "string" ? place : JSON.stringify(place)
      // A number of seconds may be written out.
      assert.isTrue(
        text.includes(form.replaceAll("\"", "")) || text.includes("1970-01-01T00:01:12"),
        `${form}: ${text}`
      )
    }
  })

  it.each(
    [
      ["log", "otel.logs", otlp.log, "timeUnixNano", "attributes"],
      ["span", "otel.traces", otlp.span, "startTimeUnixNano", "start_time_unix_nano"],
      ["point", "otel.metrics", (point: string) => otlp.point(`"asInt":1,${point}`), "time_unix_nano", "claimed_time"]
    ] as const
  )("of an OTLP %s are nanoseconds, quoted and bare", (_, subject, wrap, field, kept) => {
    for (const form of ["1767323045123456789", `"1767323045123456789"`]) {
      assert.strictEqual(at(subject, wrap(`"${field}":${form}`), "timestamp"), moment, form)
    }
    assert.strictEqual(at(subject, wrap(`"${field}":72000000000`), "timestamp"), storedAtMicros)
    assert.include(String(at(subject, wrap(`"${field}":72000000000`), kept)), "72000000000")
    for (const form of [`"2026-01-02T03:04:05Z"`, "-1", `"x"`, "18446744073709551616"]) {
      assert.match(String(at(subject, wrap(`"${field}":${form}`), "timestamp")), /^refused at \$\.resource/, form)
    }
  })
})

describe("severities", () => {
  const forms = [
    [`"err"`, "ERROR", 4],
    [`"CRIT"`, "FATAL", 5],
    [`"Very High"`, "FATAL", 5],
    [`"notice"`, "INFO", 2],
    ["3", "ERROR", 4],
    [`"4"`, "WARN", 3],
    ["50", "ERROR", 4]
  ] as const

  it.each(
    [
      ["level", (value: string) => `{"message":"m","level":${value}}`],
      ["severity", (value: string) => `{"message":"m","severity":${value}}`],
      ["severity_text", (value: string) => `{"message":"m","severity_text":${value}}`],
      ["log.level", (value: string) => `{"message":"m","log":{"level":${value}}}`],
      ["level in a CloudEvent", (value: string) => event(`{"message":"m","level":${value}}`)]
    ] as const
  )("as %s are the same for logs and events", (_, payload) => {
    for (const [form, name, id] of forms) {
      assert.strictEqual(at("logs.syslog", payload(form), "severity_text"), name, form)
      assert.strictEqual(at("events.syslog", payload(form), "severity_id"), id, form)
    }
  })
})
