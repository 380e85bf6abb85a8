/** Payloads of the field that were stored wrongly once, each with its right value. Named by the files they came in. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { EventMessage } from "../../../../src/domain/events/stream/EventMessage.ts"
import { FlowMessage } from "../../../../src/gen/flowpb/flow.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"

const decode = EventDecoder.make({ tenantDefault: "trial" })

/** 2026-11-28T22:00:00Z. */
const receivedAt = 1_795_903_200_000_000

type Headers = Readonly<Record<string, string>>

const message = (subject: string, payload: string | Uint8Array, headers: Headers = {}): EventMessage => ({
  subject,
  data: typeof payload === "string" ? Buffer.from(payload) : payload,
  headers: new Map(Object.entries(headers)),
  stream: "events",
  sequence: 1,
  storedAtMicros: receivedAt
})

type Row = Readonly<Record<string, unknown>>

const decoded = (subject: string, payload: string | Uint8Array, headers?: Headers) => {
  const { content, refused } = Result.getOrThrow(decode(message(subject, payload, headers)))
  const rows: ReadonlyArray<Row> = content.rows.map((row): Row => ({ ...row }))
  return { rows, refused: refused.map(({ data, error }) => [error.path, Buffer.from(data).toString()]) }
}

const rowsOf = (subject: string, payload: string | Uint8Array, headers?: Headers) =>
  decoded(subject, payload, headers).rows

const column = (subject: string, payload: string | Uint8Array, name: string) =>
  rowsOf(subject, payload).map((row) => row[name])

const problem = (subject: string, payload: string | Uint8Array) =>
  Result.getOrThrow(Result.flip(decode(message(subject, payload)))).path

const documentOf = (row: Row | undefined, name: string): Row => {
  const value = row?.[name]
  return JSON.parse(typeof value === "string" ? value || "{}" : JSON.stringify(value))
}

const micros = (text: string): number => Date.parse(text) * 1000

const logs = (record: string) => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${record}]}]}]}`
const spans = (span: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`
const metrics = (metric: string) => `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[${metric}]}]}]}`
const time = `"timeUnixNano":"1795901813525000000"`
const ids = `"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"s"`

describe("OTLP in JSON", () => {
  it.each([
    ["otlp-double-null.json", `{"doubleValue":null}`, { k: null }],
    ["otlp-double-quoted.json", `{"doubleValue":"1.25"}`, { k: 1.25 }],
    ["otlp-int-beyond-2p53.json", `{"intValue":9007199254740993}`, { k: "9007199254740993" }]
  ])("%s", (_, value, expected) => {
    const payload = logs(`{${time},"body":{"stringValue":"b"},"attributes":[{"key":"k","value":${value}}]}`)
    const [row] = rowsOf("otel.logs", payload)

    assert.deepStrictEqual(documentOf(row, "attributes"), expected)
  })

  it("otlp-null-lists.json", () => {
    const payload = spans(`{${ids},"startTimeUnixNano":"1795901813525000000","endTimeUnixNano":"1795901813525000005",
      "events":null,"links":null,"attributes":null,"status":null,"parentSpanId":null}`)

    assert.deepInclude(rowsOf("otel.traces", payload)[0], { events: "[]", links: "[]", attributes: "", status_code: 0 })
  })

  it("otlp-null-scope-logs.json", () => {
    const payload = `{"resourceLogs":[{"resource":null,"scopeLogs":null},{"scopeLogs":[{"logRecords":[{${time}}]}]}]}`

    assert.strictEqual(rowsOf("otel.logs", payload).length, 1)
  })

  it("otlp-nanos-bare.json", () => {
    const payload = spans(`{${ids},"startTimeUnixNano":1795901813525123457,"endTimeUnixNano":1795901813525223457}`)

    assert.deepInclude(rowsOf("otel.traces", payload)[0], {
      start_time_unix_nano: 1_795_901_813_525_123_457n,
      end_time_unix_nano: 1_795_901_813_525_223_457n
    })
  })

  it("otlp-log-time-bare.json", () => {
    assert.deepStrictEqual(column("otel.logs", logs(`{"timeUnixNano":1795901813525000000}`), "timestamp"), [
      micros("2026-11-28T21:36:53.525Z")
    ])
  })

  it("otlp-log-zero-trace-id.json", () => {
    const payload = logs(`{${time},"traceId":"00000000000000000000000000000000","spanId":"0000000000000000"}`)

    assert.deepInclude(rowsOf("otel.logs", payload)[0], { trace_id: null, span_id: null })
  })

  it.each([
    ["otlp-no-recorded-value.json", `{"name":"stale","gauge":{"dataPoints":[{${time},"flags":1}]}}`, "gauge", null],
    ["otlp-as-double-quoted.json", `{"name":"g","gauge":{"dataPoints":[{${time},"asDouble":"2.5"}]}}`, "gauge", 2.5],
    ["otlp-gauge-null.json", `{"name":"g","gauge":null,"sum":{"dataPoints":[{${time},"asInt":5}]}}`, "sum", 5]
  ])("%s", (_, metric, kind, value) => {
    const rows = rowsOf("otel.metrics", metrics(metric))

    assert.deepStrictEqual(rows.map((row) => [row["metric_type"], row["duration_ms"]]), [[kind, value]])
  })

  it.each(["events.otel.logs", "events.otel.traces", "events.otel.metrics.raw", "otel.traces", "otel.metrics"])(
    "otlp-empty-export.json: an export without a byte on %s",
    (subject) => {
      for (const payload of ["", "{}"]) {
        assert.deepStrictEqual(decoded(subject, payload), { rows: [], refused: [] })
      }
    }
  )
})

describe("numbers", () => {
  const big = `{"message":"m","user_id":1234567890123456789,"timestamp":1795901902992}`

  it("json-big-integer.json", () => {
    const [log] = rowsOf("logs.app", big)
    const [event] = rowsOf("events.app", big)

    assert.strictEqual(documentOf(log, "attributes")["user_id"], "1234567890123456789")
    assert.strictEqual(documentOf(event, "unmapped")["user_id"], "1234567890123456789")
    assert.strictEqual(documentOf(event, "raw_data")["user_id"], "1234567890123456789")
  })

  it("snmp-counter64.json", () => {
    const payload =
      `{"varbinds":[{"oid":"1.3.6.1.2.1.31.1.1.1.6.1","value":18446744073709551615}],"timestamp":1795901902992}`
    const [row] = rowsOf("snmp.traps", payload)

    for (const name of ["raw_data", "unmapped"]) {
      assert.deepStrictEqual(documentOf(row, name)["varbinds"], [
        { oid: "1.3.6.1.2.1.31.1.1.1.6.1", value: "18446744073709551615" }
      ])
    }
  })

  it("telemetry-unreadable.json", () => {
    const values = [`"NaN"`, `"0x10"`, `"abc"`, `""`, "true"]
    const payload = `[${values.map((value, at) => `{"metric_name":"m${at}","value":${value}}`).join(",")}]`
    const { refused, rows } = decoded("telemetry.x", payload)

    assert.deepStrictEqual(rows.map((row) => [row["metric_name"], row["value"]]), [["m0", Number.NaN], ["m1", 16], [
      "m4",
      1
    ]])
    assert.deepStrictEqual(refused, [
      ["$[2].value", `{"metric_name":"m2","value":"abc"}`],
      ["$[3].value", `{"metric_name":"m3","value":""}`]
    ])
  })

  it("sweep-go-duration.json", () => {
    const payload =
      `{"ip":"192.0.2.1","icmp_available":true,"icmp_response_time_ns":"1.5ms","last_sweep_time":1795901902992}`

    assert.deepStrictEqual(column("sweep.results", payload, "icmp_response_time_ns"), [1_500_000n])
  })

  it("ocsf-activity-0.json", () => {
    const payload = `{"id":"6a1b1f0a-1111-4222-8333-444455556666","class_uid":1008,"category_uid":1,"type_uid":100800,
      "activity_id":0,"time":1795901902992,"message":"unknown activity"}`

    assert.deepInclude(rowsOf("events.ocsf", payload)[0], {
      id: "6a1b1f0a-1111-4222-8333-444455556666",
      activity_id: 0
    })
  })
})

describe("times", () => {
  it("time-forms.json", () => {
    const forms = [
      "2026-11-28 20:38:22.992+00",
      "2016-12-31T23:59:60Z",
      "2026-02-30T00:00:00Z",
      "1795901902000336000",
      "2026-11-28 20:38:22,992"
    ]
    const rows = rowsOf("logs.app", JSON.stringify(forms.map((timestamp) => ({ message: "m", timestamp }))))

    assert.deepStrictEqual(rows.map((row) => row["timestamp"]), [
      micros("2026-11-28T20:38:22.992Z"),
      micros("2017-01-01T00:00:00Z"),
      receivedAt,
      1_795_901_902_000_336,
      receivedAt
    ])
    assert.deepStrictEqual(rows.map((row) => documentOf(row, "attributes")["timestamp"]), [
      undefined,
      undefined,
      "2026-02-30T00:00:00Z",
      undefined,
      "2026-11-28 20:38:22,992"
    ])
  })

  it("time-no-clock.json", () => {
    const [row] = rowsOf(
      "logs.syslog",
      `{"message":"link up","host":"sw1","severity":"notice","timestamp":"1970-01-01T00:01:12Z"}`
    )

    assert.strictEqual(row?.["timestamp"], receivedAt)
    assert.strictEqual(documentOf(row, "attributes")["timestamp"], "1970-01-01T00:01:12Z")
  })
})

describe("severities", () => {
  const words = ["err", "crit", "emerg", "alert", "panic", "severe"]
  const payload = JSON.stringify(
    words.map((severity) => ({ message: severity, severity, timestamp: 1_795_901_902_992 }))
  )

  it("severity-syslog-words.json", () => {
    assert.deepStrictEqual(column("logs.syslog", payload, "severity_text"), [
      "ERROR",
      "FATAL",
      "FATAL",
      "FATAL",
      "FATAL",
      "ERROR"
    ])
    assert.deepStrictEqual(column("events.syslog", payload, "severity_id"), [4, 5, 6, 5, 6, 4])
  })

  it("severity-text-and-number.json", () => {
    const [row] = rowsOf(
      "logs.app",
      `{"message":"x","severityText":"err","severityNumber":17,"timestamp":1795901902992}`
    )

    assert.deepInclude(row, { severity_text: "ERROR", severity_number: 17 })
  })

  it("severity-pino.json", () => {
    const records = `[{"level":50,"time":1795901902992,"msg":"error","hostname":"h"},
      {"level":60,"time":1795901902992,"msg":"fatal","hostname":"h"}]`

    assert.deepStrictEqual(column("logs.app", records, "severity_text"), ["ERROR", "FATAL"])
  })

  it.each([
    [
      "gelf-no-level.json",
      `{"_remote_addr":"default:192.0.2.1","host":"h","severity":"Low","short_message":"m","timestamp":1795903293.093093}`,
      2
    ],
    [
      "gelf-severity-very-high.json",
      `{"version":"1.1","host":"fw-1","short_message":"CEF:0|V|P|1|2|Scan|9|x","level":6,"severity":"Very High"}`,
      5
    ]
  ])("%s", (_, data, severity) => {
    const event =
      `{"specversion":"1.0","id":"1","source":"nats://events/events.syslog","type":"cef_severity","data":${data}}`

    assert.deepStrictEqual(column("events.syslog.processed", event, "severity_id"), [severity])
  })
})

describe("CloudEvents", () => {
  const envelope = `"specversion":"1.0","id":"1","source":"/s","type":"t"`

  it("telemetry-cloudevent.json", () => {
    const payload = `{${envelope},"data":{"timestamp":1795901902992,"metric_name":"cpu","value":1}}`

    assert.deepInclude(rowsOf("telemetry.x", payload)[0], { metric_name: "cpu", value: 1 })
  })

  it("flow-cloudevent.json", () => {
    const payload = `{${envelope},"data":{"src_addr":"192.0.2.1","dst_addr":"192.0.2.2","bytes":5}}`

    assert.deepInclude(rowsOf("flows.raw.x", payload)[0], { src_endpoint_ip: "192.0.2.1", bytes_total: 5n })
  })

  it("ce-scalar-data.json", () => {
    assert.deepStrictEqual(
      column("events.ce", `[{${envelope},"time":"2026-11-28T21:40:40Z","data":42}]`, "message"),
      ["42"]
    )
  })

  it("ce-base64-text.json", () => {
    const payload =
      `{${envelope},"time":"2026-11-28T21:40:40Z","datacontenttype":"text/plain","data_base64":"ZGlzayBmdWxs"}`

    assert.deepStrictEqual(column("events.ce", payload, "message"), ["disk full"])
  })

  it("ce-binary-mode.json", () => {
    const [row] = rowsOf("events.ce", `{"message":"binary mode"}`, {
      "ce-specversion": "1.0",
      "ce-id": "7",
      "ce-type": "t.y",
      "ce-source": "/sensor",
      "ce-subject": "disk1",
      "ce-time": "2026-11-28T20:40:00Z"
    })

    assert.deepInclude(row, {
      time: micros("2026-11-28T20:40:00Z"),
      log_name: "disk1",
      actor: `{"app_name":"/sensor"}`,
      message: "binary mode"
    })
  })

  it("logs-bom.json", () => {
    const payload = `\ufeff{"message":"bom","timestamp":1795901902992}`

    assert.deepStrictEqual(column("logs.app", payload, "body"), ["bom"])
    assert.deepStrictEqual(column("events.app", payload, "message"), ["bom"])
  })

  it("ecs-service-object.json", () => {
    const payload =
      `{"@timestamp":"2026-11-28T21:38:22.992Z","message":"m","log":{"level":"error"},"service":{"name":"api"}}`

    assert.deepInclude(rowsOf("logs.app", payload)[0], {
      timestamp: micros("2026-11-28T21:38:22.992Z"),
      service_name: "api",
      severity_text: "ERROR"
    })
  })
})

describe("events of core and of the rule engine", () => {
  const core = (type: string, more: string) =>
    `{"specversion":"1.0","id":"x","source":"serviceradar/core","type":"com.carverauto.serviceradar.${type}"${more}}`

  it("ce-poller-health-no-data.json", () => {
    const [row] = rowsOf("events.poller.health", core("poller.health", `,"time":"2026-11-28T22:00:26.026026Z"`))

    assert.deepInclude(row, { message: "Event received", severity_id: 0 })
  })

  it("ce-poller-health-times-differ.json", () => {
    const data = `{"current_state":"unhealthy","poller_id":"p","previous_state":"healthy",` +
      `"timestamp":"2026-11-28T21:00:26.026026Z"}`

    assert.deepStrictEqual(
      column(
        "events.poller.health",
        core("poller.health", `,"time":"2026-11-28T22:00:26.026026Z","data":${data}`),
        "time"
      ),
      [micros("2026-11-28T21:00:26.026Z") + 26]
    )
  })

  it("core-event-version.json, core-event-remote-addr.json", () => {
    const data =
      `{"poller_id":"p","previous_state":"healthy","current_state":"unhealthy","remote_addr":"192.0.2.11:40000"}`
    const [row] = rowsOf("events.poller.health", core("poller.health", `,"data":${data}`))

    assert.strictEqual(row?.["log_version"], "1.1")
    assert.strictEqual(documentOf(row, "unmapped")["remote_addr"], "192.0.2.11:40000")
  })

  it.each([
    [
      "lifecycle-alias-blanks.json",
      `{"device_id":"default:10.0.3.4","action":"alias_updated","actor":"  ",
        "metadata":{"alias_current_ip":" 10.0.0.6","previous_ip":" 10.0.0.5 "}}`,
      "Device default:10.0.3.4 alias updated (ip 10.0.0.5→10.0.0.6)"
    ],
    [
      "lifecycle-blank-actor.json",
      `{"device_id":"default:10.0.0.4","action":"Deleted","actor":"  ","severity":"Medium","level":5}`,
      "Device default:10.0.0.4 deleted"
    ]
  ])("%s", (_, data, expected) => {
    assert.deepStrictEqual(
      column("events.devices.lifecycle", core("device.lifecycle", `,"data":${data}`), "message"),
      [expected]
    )
  })

  it("perf-metrics-null-item.json", () => {
    const good =
      `{"timestamp":"2026-11-28T22:04:14.254254Z","metric_type":"span","span_name":"GET /x","duration_ms":150.25}`
    const { refused, rows } = decoded("events.otel.metrics", `[null,${good}]`)

    assert.deepStrictEqual(rows.map((row) => row["duration_ms"]), [150.25])
    assert.deepStrictEqual(refused, [["$[0]", "null"]])
  })

  it("unlisted-otel-metrics-processed.json: a summary of an export is no metric", () => {
    const data = `{"resource_metric_count":1,"resource_summaries":[{"service_name":"api"}],"raw_payload":""}`
    const payload =
      `{"specversion":"1.0","id":"z2","source":"nats://events/events.otel.metrics.raw","type":"passthrough","data":${data}}`

    assert.strictEqual(problem("events.otel.metrics.raw.processed", payload), "$.data.duration_ms")
  })
})

describe("flows", () => {
  const flow = (more: string) =>
    `{"timestamp":1795901902992,"src_addr":"192.0.2.1","dst_addr":"192.0.2.2","bytes":10,"packets":1,${more}}`

  it("flow-mac-number.json", () => {
    const payload = flow(`"protocol":6,"src_mac":123456789012,"dst_mac":90520730730496`)

    assert.deepInclude(rowsOf("flows.raw.x", payload)[0], { src_mac: "001CBE991A14", dst_mac: "525400000000" })
  })

  it("flow-words.json", () => {
    const rows = rowsOf(
      "flows.raw.x",
      `[${flow(`"protocol":"TCP"`)},${flow(`"tcp_flags":"0x1b"`)},${flow(`"src_mac":"0:1c:b3:9:85:15"`)},
        {"src_addr":"fe80::1%eth0","dst_addr":"192.0.2.2","protocol":6,"bytes":10,"packets":1}]`
    )

    assert.deepInclude(rows[0], { protocol_num: 6, protocol_name: "TCP" })
    assert.deepInclude(rows[1], { tcp_flags: 27 })
    assert.deepInclude(rows[2], { src_mac: "001CB3098515" })
    assert.deepInclude(rows[3], { src_endpoint_ip: "fe80::1" })
  })

  it("flow-bytes-beyond-2p53.json", () => {
    const rows = rowsOf(
      "flows.raw.x",
      `[{"src_addr":"192.0.2.1","bytes":9007199254740993},{"src_addr":"192.0.2.1","bytes":"18446744073709551615"}]`
    )

    assert.strictEqual(rows[0]?.["bytes_total"], 9_007_199_254_740_993n)
    assert.deepInclude(documentOf(rows[1], "ocsf_payload")["traffic"], { bytes: "18446744073709551615" })
  })

  const wire = (more: Partial<FlowMessage>) =>
    FlowMessage.encode({
      ...FlowMessage.create(),
      type: 1,
      bytes: 100n,
      packets: 1n,
      timeReceivedNs: 1_795_902_027_777_000_000n,
      timeFlowEndNs: 1_795_902_027_777_000_000n,
      ...more
    }).finish()

  it("flow-l2.ts: flow-arp.bin", () => {
    const rows = rowsOf("flows.raw.x", wire({ etype: 0x806, srcMac: 0x020000000001n, dstMac: 0xffffffffffffn }))

    assert.strictEqual(rows.length, 1)
    assert.deepInclude(rows[0], {
      src_endpoint_ip: null,
      dst_endpoint_ip: null,
      src_mac: "020000000001",
      dst_mac: "FFFFFFFFFFFF"
    })
  })

  it("flow-ip-arp-ip.bin: an ARP flow between two others, each behind its length", () => {
    const ip = wire({ srcAddr: Uint8Array.of(192, 0, 2, 1), dstAddr: Uint8Array.of(192, 0, 2, 2) })
    const arp = wire({ etype: 0x806, srcMac: 0x020000000001n, dstMac: 0xffffffffffffn })
    const framed = Buffer.concat([ip, arp, ip].flatMap((one) => [Uint8Array.of(one.length), one]))

    assert.deepStrictEqual(column("flows.raw.x", framed, "src_endpoint_ip"), ["192.0.2.1", null, "192.0.2.1"])
  })

  it("flow-l2.ts: flow-mapped.bin", () => {
    const mapped = (last: number) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, last)
    const payload = wire({ srcAddr: mapped(1), dstAddr: mapped(2), samplerAddress: mapped(254) })

    assert.deepInclude(rowsOf("flows.raw.x", payload)[0], {
      src_endpoint_ip: "192.0.2.1",
      dst_endpoint_ip: "192.0.2.2",
      sampler_address: "192.0.2.254"
    })
  })
})
