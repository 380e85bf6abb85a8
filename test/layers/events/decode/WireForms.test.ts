/**
 * The decoders of protobuf with the cross product of the forms that numbers, times and severities have on the wire. What is
 * expected follows from the rule of each, not from what a decoder answers.
 */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { FlowMessage } from "../../../../src/gen/flowpb/flow.ts"
import { ExportLogsServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/logs/v1/logs_service.ts"
import { ExportMetricsServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/metrics/v1/metrics_service.ts"
import { ExportTraceServiceRequest } from "../../../../src/gen/opentelemetry/proto/collector/trace/v1/trace_service.ts"
import type { AnyValue } from "../../../../src/gen/opentelemetry/proto/common/v1/common.ts"
import type { NumberDataPoint } from "../../../../src/gen/opentelemetry/proto/metrics/v1/metrics.ts"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { framed, message, storedAtMicros } from "./samples.ts"

const decode = EventDecoder.make({ tenantDefault: "acme" })

type Row = Readonly<Record<string, unknown>>

const rowOf = (subject: string, data: Uint8Array): Row => {
  const [row] = Result.getOrThrow(decode(message(subject, data))).content.rows
  return row === undefined ? {} : { ...row }
}

/** All combinations of one of each. */
const product = <A, B, C>(
  one: ReadonlyArray<A>,
  two: ReadonlyArray<B>,
  three: ReadonlyArray<C>
): ReadonlyArray<readonly [A, B, C]> =>
  one.flatMap((a) => two.flatMap((b) => three.map((c): readonly [A, B, C] => [a, b, c])))

const uint64Max = 2n ** 64n - 1n
const int64Max = 2n ** 63n - 1n

/** Nanoseconds, as the wire has them, and the microseconds of a row; none for those that cannot be. */
const times: ReadonlyArray<readonly [nanos: bigint, micros: number | undefined]> = [
  [1_767_323_045_123_456_789n, 1_767_323_045_123_456],
  [1_767_323_045_000_000_000n, 1_767_323_045_000_000],
  [1_767_323_044_999_999_999n, 1_767_323_044_999_999],
  // The first moment that is believed, and the one before it.
  [1_000_000_000_000_000_000n, 1_000_000_000_000_000],
  [999_999_999_999_999_999n, undefined],
  // Seconds, milliseconds and microseconds where nanoseconds belong, and a clock that begins in 1970.
  [1_767_323_045n, undefined],
  [1_767_323_045_123n, undefined],
  [1_767_323_045_123_456n, undefined],
  [72_000_000_000n, undefined],
  [int64Max, undefined],
  [uint64Max, undefined],
  [0n, undefined]
]

const microsOf = (value: number | undefined): number => value ?? storedAtMicros

/** 64 bits with a sign, for a column that has as many. */
const clamped = (value: bigint): bigint => value > int64Max ? int64Max : value

const numbers: ReadonlyArray<readonly [value: AnyValue["value"], json: string]> = [
  [{ $case: "intValue", value: 0n }, "0"],
  [{ $case: "intValue", value: -7n }, "-7"],
  [{ $case: "intValue", value: 9_007_199_254_740_991n }, "9007199254740991"],
  [{ $case: "intValue", value: 9_007_199_254_740_993n }, `"9007199254740993"`],
  [{ $case: "intValue", value: int64Max }, `"9223372036854775807"`],
  [{ $case: "intValue", value: -(2n ** 63n) }, `"-9223372036854775808"`],
  [{ $case: "doubleValue", value: 1.25 }, "1.25"],
  [{ $case: "doubleValue", value: 0 }, "0"],
  [{ $case: "doubleValue", value: Number.NaN }, `"NaN"`],
  [{ $case: "doubleValue", value: Number.POSITIVE_INFINITY }, `"Infinity"`],
  [{ $case: "doubleValue", value: Number.NEGATIVE_INFINITY }, `"-Infinity"`],
  [{ $case: "boolValue", value: false }, "false"],
  [{ $case: "bytesValue", value: Buffer.from([255, 0]) }, `"/wA="`],
  [undefined, "null"]
]

/** OpenTelemetry's numbers and texts: each is kept as it was sent, and 0 and nothing are none. */
const severities = [0, 1, 4, 5, 9, 13, 17, 21, 24].flatMap((number) =>
  ["", "ERROR", "err", "Information"].map((text) => [number, text] as const)
)

const ids = {
  traceId: Buffer.from("0af7651916cd43dd8448eb211c80319c", "hex"),
  spanId: Buffer.from("b7ad6b7169203331", "hex")
}

describe("OTLP in protobuf", () => {
  it("gives logs their time, severity and attributes in every combination", () => {
    for (
      const [[nanos, micros], [severityNumber, severityText], [value, json]] of product(times, severities, numbers)
    ) {
      const row = rowOf(
        "otel.logs",
        ExportLogsServiceRequest.encode(ExportLogsServiceRequest.fromPartial({
          resourceLogs: [{
            scopeLogs: [{
              logRecords: [{
                timeUnixNano: nanos,
                severityNumber,
                severityText,
                attributes: [{ key: "k", value: { value } }]
              }]
            }]
          }]
        })).finish()
      )
      // What cannot be is kept beside the attributes; 0 says nothing.
      const claim = micros === undefined && nanos !== 0n ? `,"time_unix_nano":"${nanos}"` : ""
      assert.deepInclude(row, {
        timestamp: microsOf(micros),
        observed_timestamp: null,
        severity_number: severityNumber === 0 ? null : severityNumber,
        severity_text: severityText === "" ? null : severityText,
        attributes: `{"k":${json}${claim}}`
      }, `${nanos} ${severityNumber} ${severityText} ${json}`)
    }
  })

  it("gives a log without a time that of its observation", () => {
    for (const [[nanos, micros], [observed, observedMicros]] of product(times, times, [0])) {
      const row = rowOf(
        "otel.logs",
        ExportLogsServiceRequest.encode(ExportLogsServiceRequest.fromPartial({
          resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: nanos, observedTimeUnixNano: observed }] }] }]
        })).finish()
      )
      assert.deepInclude(row, {
        timestamp: microsOf(micros ?? observedMicros),
        observed_timestamp: observed === 0n ? null : Number(observed / 1000n)
      }, `${nanos} ${observed}`)
    }
  })

  it("gives spans both times with every nanosecond", () => {
    for (const [[start, micros], [end], [value, json]] of product(times, times, numbers)) {
      const row = rowOf(
        "otel.traces",
        ExportTraceServiceRequest.encode(ExportTraceServiceRequest.fromPartial({
          resourceSpans: [{
            scopeSpans: [{
              spans: [{
                ...ids,
                startTimeUnixNano: start,
                endTimeUnixNano: end,
                attributes: [{ key: "k", value: { value } }]
              }]
            }]
          }]
        })).finish()
      )
      assert.deepInclude(row, {
        timestamp: microsOf(micros),
        start_time_unix_nano: clamped(start),
        end_time_unix_nano: clamped(end),
        attributes: `{"k":${json}}`
      }, `${start} ${end} ${json}`)
    }
  })

  const kinds = [0, 1, 2, 3, 4, 5]
  const statuses = [0, 1, 2]

  it("gives spans kind and status by number", () => {
    for (const [kind, code] of product(kinds, statuses, [0])) {
      const row = rowOf(
        "otel.traces",
        ExportTraceServiceRequest.encode(ExportTraceServiceRequest.fromPartial({
          resourceSpans: [{ scopeSpans: [{ spans: [{ ...ids, kind, status: { code } }] }] }]
        })).finish()
      )
      assert.deepInclude(row, { kind, status_code: code })
    }
  })

  const values: ReadonlyArray<readonly [value: NumberDataPoint["value"], read: number | null]> = [
    [{ $case: "asInt", value: 0n }, 0],
    [{ $case: "asInt", value: -3n }, -3],
    [{ $case: "asInt", value: 2n ** 53n }, 2 ** 53],
    [{ $case: "asInt", value: int64Max }, 2 ** 63],
    [{ $case: "asDouble", value: 0.1 }, 0.1],
    [{ $case: "asDouble", value: 5e-324 }, 5e-324],
    [{ $case: "asDouble", value: Number.NaN }, Number.NaN],
    [{ $case: "asDouble", value: Number.NEGATIVE_INFINITY }, Number.NEGATIVE_INFINITY],
    [undefined, null]
  ]
  /** The lowest bit says that nothing was recorded, whatever else is there. */
  const flags = [0, 1, 2, 3]

  it("gives points their value and time, and none where nothing was recorded", () => {
    for (const [[nanos, micros], [value, read], flag] of product(times, values, flags)) {
      const row = rowOf(
        "otel.metrics",
        ExportMetricsServiceRequest.encode(ExportMetricsServiceRequest.fromPartial({
          resourceMetrics: [{
            scopeMetrics: [{
              metrics: [{
                name: "m",
                data: { $case: "sum", value: { dataPoints: [{ timeUnixNano: nanos, value, flags: flag }] } }
              }]
            }]
          }]
        })).finish()
      )
      const expected = flag % 2 === 1 ? null : read
      assert.deepInclude(row, {
        timestamp: microsOf(micros),
        duration_ms: expected,
        duration_seconds: expected === null ? null : expected / 1000,
        claimed_time: micros === undefined && nanos !== 0n ? String(nanos) : null
      }, `${nanos} ${String(read)} ${flag}`)
    }
  })
})

describe("flows in protobuf", () => {
  const counts = [0n, 1n, 9_007_199_254_740_993n, int64Max, uint64Max]
  /** A number of 32 bits for a port, a protocol or flags: none of 0, and none that those have not. */
  const smalls = [0, 1, 6, 17, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1]
  const upTo = (value: number, maximum: number) => value === 0 || value > maximum ? null : value
  const src = Buffer.from([192, 0, 2, 1])

  const documentOf = (row: Row): unknown => JSON.parse(JSON.stringify(row["ocsf_payload"]))

  it("have the end, else the receipt, else the start for their time", () => {
    for (const [[end, endMicros], [received, receivedMicros], [start, startMicros]] of product(times, times, times)) {
      const flow = FlowMessage.encode(FlowMessage.fromPartial({
        srcAddr: src,
        dstAddr: src,
        bytes: 1n,
        timeReceivedNs: received,
        timeFlowStartNs: start,
        timeFlowEndNs: end
      })).finish()
      for (const data of [flow, framed(flow)]) {
        assert.deepInclude(rowOf("flows.raw", data), {
          time: microsOf(endMicros ?? receivedMicros ?? startMicros),
          start_time: start === 0n ? null : Number(start / 1000n),
          end_time: end === 0n ? null : Number(end / 1000n)
        }, `${end} ${received} ${start}`)
      }
    }
  })

  it("count with all of their digits, in columns as far as those go", () => {
    for (const [bytes, packets, bytesIn] of product(counts, counts, counts)) {
      const row = rowOf(
        "flows.raw",
        FlowMessage.encode(FlowMessage.fromPartial({ srcAddr: src, bytes, packets, bytesIn, packetsOut: bytesIn }))
          .finish()
      )
      assert.deepInclude(row, {
        bytes_total: clamped(bytes),
        packets_total: clamped(packets),
        bytes_in: clamped(bytesIn),
        packets_out: clamped(bytesIn),
        bytes_out: 0n,
        packets_in: 0n
      })
      const exact = (value: bigint) => value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value)
      assert.deepNestedInclude(documentOf(row), {
        "traffic.bytes": exact(bytes),
        "traffic.packets": exact(packets),
        ...(bytesIn === 0n ? {} : { "traffic.bytes_in": exact(bytesIn), "traffic.packets_out": exact(bytesIn) })
      })
    }
  })

  it("have ports, protocol and flags where these can be, and keep what they cannot be", () => {
    for (const [port, proto, flags] of product(smalls, smalls, smalls)) {
      const row = rowOf(
        "flows.raw",
        FlowMessage.encode(
          FlowMessage.fromPartial({ srcAddr: src, srcPort: port, dstPort: port, proto, tcpFlags: flags })
        )
          .finish()
      )
      assert.deepInclude(row, {
        src_endpoint_port: upTo(port, 65_535),
        dst_endpoint_port: upTo(port, 65_535),
        protocol_num: upTo(proto, 255),
        tcp_flags: upTo(flags, 65_535)
      }, `${port} ${proto} ${flags}`)
      const isOdd = port > 65_535 || proto > 255 || flags > 65_535
      assert.deepNestedInclude(documentOf(row), {
        unmapped: isOdd ? { proto, src_port: port, dst_port: port, tcp_flags: flags } : {}
      })
    }
  })

  it("have AS and interface numbers of 32 bits, in columns as far as those go", () => {
    for (const number of smalls) {
      const row = rowOf(
        "flows.raw",
        FlowMessage.encode(FlowMessage.fromPartial({ srcAddr: src, srcAs: number, inIf: number })).finish()
      )
      assert.strictEqual(row["src_as_number"], upTo(number, 2 ** 31 - 1))
      assert.deepNestedInclude(
        documentOf(row),
        number === 0 ? {} : { "src_endpoint.autonomous_system.number": number, "connection_info.input_snmp": number }
      )
    }
  })

  it("have addresses of 4 and 16 bytes, and MAC addresses of 48 bits", () => {
    const addresses = [
      ["", null],
      ["c0000201", "192.0.2.1"],
      ["00000000000000000000ffffc0000201", "192.0.2.1"],
      ["20010db8000000000000000000000001", "2001:db8::1"],
      ["fe80000000000000000000000000000a", "fe80::a"]
    ] as const
    const macs = [[0n, null], [1n, "000000000001"], [0x0a_bb_cc_dd_ee_ffn, "0ABBCCDDEEFF"], [
      2n ** 48n - 1n,
      "FFFFFFFFFFFF"
    ]] as const
    for (const [[srcHex, srcText], [dstHex, dstText], [mac, macText]] of product(addresses, addresses, macs)) {
      const row = rowOf(
        "flows.raw",
        FlowMessage.encode(FlowMessage.fromPartial({
          srcAddr: Buffer.from(srcHex, "hex"),
          dstAddr: Buffer.from(dstHex, "hex"),
          samplerAddress: Buffer.from(srcHex, "hex"),
          srcMac: mac,
          bytes: 1n
        })).finish()
      )
      assert.deepInclude(row, {
        src_endpoint_ip: srcText,
        dst_endpoint_ip: dstText,
        sampler_address: srcText,
        src_mac: macText,
        dst_mac: null
      })
    }
  })
})
