/**
 * Syslog in GELF and SNMP traps, as events and as logs, with the cross product of the forms that their numbers, times and
 * severities have. What is expected follows from the rule of each.
 */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as EventDecoder from "../../../../src/layers/events/decode/EventDecoder.ts"
import { message, storedAtMicros } from "./samples.ts"

const decode = EventDecoder.make({ tenantDefault: "acme" })

type Row = Readonly<Record<string, unknown>>

const rowOf = (subject: string, payload: string): Row => {
  const [row] = Result.getOrThrow(decode(message(subject, Buffer.from(payload)))).content.rows
  return row === undefined ? {} : { ...row }
}

const textOf = (row: Row, column: string): string => String(row[column])

/** Syslog's levels as OCSF and as OpenTelemetry count them. */
const levels: ReadonlyArray<readonly [id: number, name: string, number: number]> = [
  [6, "FATAL", 23],
  [5, "FATAL", 23],
  [5, "FATAL", 23],
  [4, "ERROR", 19],
  [3, "WARN", 15],
  [2, "INFO", 11],
  [1, "INFO", 11],
  [1, "DEBUG", 7]
]
const words: ReadonlyArray<readonly [level: number, words: ReadonlyArray<string>]> = [
  [0, ["emerg", "EMERGENCY", "panic"]],
  [2, ["crit", "Critical", "alert", "ALERT"]],
  [3, ["err", "Error"]],
  [4, ["warn", "WARNING"]],
  [5, ["notice"]],
  [6, ["info", "Informational"]],
  [7, ["debug"]]
]

interface Severity {
  readonly id: number
  readonly name: string
  readonly number: number
}

const severityOf = (level: number): Severity => {
  const [id = 0, name = "", number = 0] = levels[level] ?? []
  return { id, name, number }
}

/** Members of a message that say how severe it is. */
const severities: ReadonlyArray<readonly [members: string, severity: Severity]> = [
  ...levels.flatMap((_, level) =>
    [`${level}`, `"${level}"`, `${level}.0`, `" ${level} "`].map((form) =>
      [`"level":${form}`, severityOf(level)] as const
    )
  ),
  ...words.flatMap(([level, names]) => names.map((word) => [`"level":"${word}"`, severityOf(level)] as const)),
  // The word of the rule engine weighs more than the level that the device gave.
  [`"level":6,"severity":"Very High"`, { id: 5, name: "FATAL", number: 23 }],
  [`"level":6,"severity":"High"`, { id: 4, name: "ERROR", number: 19 }],
  [`"level":3,"severity":"Medium"`, { id: 3, name: "WARN", number: 15 }],
  [`"level":3,"severity":"Low"`, { id: 2, name: "INFO", number: 11 }],
  // Nothing that it knows: the level counts.
  [`"level":3,"severity":"Unknown"`, severityOf(3)],
  [`"level":3,"severity":null`, severityOf(3)],
  [`"level":3,"severity":""`, severityOf(3)]
]

const moment = 1_767_323_045_123_456

/** The value of `timestamp`, and the moment that it tells; none for one that cannot be. */
const times: ReadonlyArray<readonly [form: string, micros: number | undefined]> = [
  ["1767323045.123456", moment],
  [`"1767323045.123456"`, moment],
  ["1767323045.123", 1_767_323_045_123_000],
  ["1767323045.1", 1_767_323_045_100_000],
  ["1767323045", 1_767_323_045_000_000],
  ["1767323045.0", 1_767_323_045_000_000],
  ["1.767323045123456e9", moment],
  ["1767323045123", 1_767_323_045_123_000],
  ["1767323045123456", moment],
  ["1767323045123456789", moment],
  [`"2026-01-02T03:04:05.123456Z"`, moment],
  [`"2026-01-02T04:04:05.123456+01:00"`, moment],
  ["72.5", undefined],
  [`"1970-01-01T00:01:12Z"`, undefined],
  ["99999999999", undefined],
  [`"yesterday"`, undefined],
  [`"2026-13-02T03:04:05Z"`, undefined],
  ["0", undefined],
  ["null", undefined],
  [`""`, undefined]
]

/** A number, and its digits as documents keep them. */
const numbers: ReadonlyArray<readonly [form: string, kept: string]> = [
  ["0", "0"],
  ["-5", "-5"],
  ["1.25", "1.25"],
  ["9007199254740991", "9007199254740991"],
  ["9007199254740993", `"9007199254740993"`],
  ["-9007199254740993", `"-9007199254740993"`],
  ["18446744073709551615", `"18446744073709551615"`],
  [`"18446744073709551615"`, `"18446744073709551615"`],
  ["true", "true"]
]

const cloud = (data: string) => `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":${data}}`

/** Around the message, as senders put it: bare, ended by NUL, behind a byte order mark, in a CloudEvent, in an array. */
const wraps: ReadonlyArray<(payload: string) => string> = [
  (payload) => payload,
  (payload) => `${payload}\0`,
  (payload) => `\ufeff${payload}`,
  cloud,
  (payload) => `[${payload}]`
]

const isClaim = (form: string, micros: number | undefined): boolean =>
  micros === undefined && !["0", "null", `""`].includes(form)

describe("GELF", () => {
  const gelf = (members: string, time: string, number: string) =>
    `{"version":"1.1","host":"router-7","short_message":"link down",${members},"timestamp":${time},"_count":${number}}`

  it("as an event has time, severity and every digit in every combination", () => {
    for (const [time, micros] of times) {
      for (const [members, severity] of severities) {
        for (const [number, kept] of numbers) {
          const payload = gelf(members, time, number)
          const row = rowOf("events.syslog", payload)
          assert.deepInclude(row, {
            time: micros ?? storedAtMicros,
            severity_id: severity.id,
            message: "link down",
            log_provider: "router-7"
          }, payload)
          for (const column of ["unmapped", "raw_data"]) {
            assert.include(textOf(row, column), `"_count":${kept}`, payload)
          }
          if (isClaim(time, micros)) assert.include(textOf(row, "unmapped"), `"timestamp":${time}`)
        }
      }
    }
  })

  it("as a log has time, severity and every digit in every combination", () => {
    for (const [time, micros] of times) {
      for (const [members, severity] of severities) {
        for (const [number, kept] of numbers) {
          const payload = gelf(members, time, number)
          const row = rowOf("logs.syslog.processed", payload)
          assert.deepInclude(row, {
            timestamp: micros ?? storedAtMicros,
            severity_text: severity.name,
            severity_number: severity.number,
            body: "link down",
            service_name: "router-7",
            source: "syslog"
          }, payload)
          assert.include(textOf(row, "attributes"), `"_count":${kept}`, payload)
          if (isClaim(time, micros)) assert.include(textOf(row, "attributes"), `"timestamp":${time}`)
        }
      }
    }
  })

  it("is the same in whatever it is wrapped", () => {
    for (const [time, micros] of times) {
      for (const [members, severity] of severities) {
        for (const wrap of wraps) {
          const payload = wrap(gelf(members, time, "1"))
          assert.deepInclude(rowOf("events.syslog", payload), {
            time: micros ?? storedAtMicros,
            severity_id: severity.id,
            message: "link down"
          }, payload)
          assert.deepInclude(rowOf("logs.syslog", payload), {
            timestamp: micros ?? storedAtMicros,
            severity_text: severity.name,
            severity_number: severity.number
          }, payload)
        }
      }
    }
  })
})

describe("SNMP traps", () => {
  /** Of the first variable: its JSON, its JSON in documents, and what a log says of it. */
  const values: ReadonlyArray<readonly [form: string, kept: string, body: string]> = [
    [`"OCTET STRING: link down"`, `"OCTET STRING: link down"`, "link down"],
    [`"TIMETICKS: 12345"`, `"TIMETICKS: 12345"`, "12345"],
    [`"COUNTER64: 18446744073709551615"`, `"COUNTER64: 18446744073709551615"`, "18446744073709551615"],
    [`"INTEGER: -2147483648"`, `"INTEGER: -2147483648"`, "-2147483648"],
    [`"Hex-STRING: 00:1A:2b"`, `"Hex-STRING: 00:1A:2b"`, "00:1A:2b"],
    ["18446744073709551615", `"18446744073709551615"`, "18446744073709551615"],
    ["9007199254740993", `"9007199254740993"`, "9007199254740993"],
    ["-5", "-5", "-5"],
    ["1.5", "1.5", "1.5"],
    ["0", "0", "0"]
  ]
  const trap = (value: string, more: string) =>
    `{"source":"10.0.0.9:162","version":"v2c","community":"s3cret","varbinds":[{"oid":"1.3.6.1.4.1.9.2","value":${value}}]${more}}`
  /** A trap that says nothing of it is informational. */
  const trapSeverities: typeof severities = [["", severityOf(6)], ...severities]
  const also = (members: string) => members === "" ? "" : `,${members}`

  it("as events have time, severity and every digit in every combination", () => {
    for (const [time, micros] of times) {
      for (const [members, severity] of trapSeverities) {
        for (const [value, kept] of values) {
          const payload = trap(value, `${also(members)},"timestamp":${time}`)
          const row = rowOf("snmp.traps", payload)
          assert.deepInclude(row, {
            time: micros ?? storedAtMicros,
            severity_id: severity.id,
            message: "SNMP trap received"
          }, payload)
          for (const column of ["unmapped", "raw_data"]) {
            assert.include(textOf(row, column), `"value":${kept}`, payload)
            assert.notInclude(textOf(row, column), "s3cret")
          }
          assert.include(textOf(row, "src_endpoint"), `"ip":"10.0.0.9"`)
        }
      }
    }
  })

  it("as logs say the first variable, and have time and severity in every combination", () => {
    for (const [time, micros] of times) {
      for (const [members, severity] of trapSeverities) {
        for (const [value, , body] of values) {
          const payload = trap(value, `${also(members)},"timestamp":${time}`)
          const row = rowOf("logs.snmp.processed", payload)
          assert.deepInclude(row, {
            timestamp: micros ?? storedAtMicros,
            severity_text: severity.name,
            severity_number: severity.number,
            body,
            source: "snmp"
          }, payload)
          assert.notInclude(JSON.stringify(row), "s3cret")
        }
      }
    }
  })
})
