import { assert, describe, it } from "@effect/vitest"
import * as LogSeverity from "../../../../../src/domain/events/mapping/severity/LogSeverity.ts"
import * as OcsfSeverity from "../../../../../src/domain/events/mapping/severity/OcsfSeverity.ts"

/** A word or level of a publisher, what it is to OpenTelemetry, and to OCSF. */
const table = [
  ["emerg", "FATAL", 6],
  ["EMERGENCY", "FATAL", 6],
  ["panic", "FATAL", 6],
  ["fatal", "FATAL", 6],
  ["alert", "FATAL", 5],
  ["crit", "FATAL", 5],
  ["Critical", "FATAL", 5],
  ["Very High", "FATAL", 5],
  ["very_high", "FATAL", 5],
  ["err", "ERROR", 4],
  ["error", "ERROR", 4],
  ["SEVERE", "ERROR", 4],
  ["High", "ERROR", 4],
  ["warn", "WARN", 3],
  ["warning", "WARN", 3],
  ["Medium", "WARN", 3],
  ["Audit Failure", "WARN", 3],
  ["notice", "INFO", 2],
  ["Low", "INFO", 2],
  ["info", "INFO", 1],
  ["Information", "INFO", 1],
  ["informational", "INFO", 1],
  ["CONFIG", "INFO", 1],
  ["debug", "DEBUG", 1],
  ["Verbose", "DEBUG", 1],
  ["FINE", "DEBUG", 1],
  ["trace", "TRACE", 1],
  ["FINEST", "TRACE", 1],
  ["WARN2", "WARN", 3],
  ["SEVERITY_NUMBER_ERROR3", "ERROR", 4],
  [0, "FATAL", 6],
  [1, "FATAL", 5],
  [2, "FATAL", 5],
  ["3", "ERROR", 4],
  [4, "WARN", 3],
  [5, "INFO", 2],
  [6, "INFO", 1],
  [7, "DEBUG", 1],
  [10, "TRACE", 1],
  [20, "DEBUG", 1],
  [30, "INFO", 1],
  [35, "INFO", 1],
  ["40", "WARN", 3],
  [50, "ERROR", 4],
  [60, "FATAL", 6],
  [200, "ERROR", 4],
  [40_000, "ERROR", 4]
] as const

describe("the table of severities", () => {
  it.each(table)("knows %s as %s and %i", (given, name, id) => {
    assert.strictEqual(LogSeverity.first(undefined, undefined, given, undefined).text, name)
    assert.strictEqual(LogSeverity.first(undefined, given, undefined, undefined).text, name)
    assert.strictEqual(OcsfSeverity.first(given), id)
    assert.strictEqual(OcsfSeverity.first(undefined, given), id)
  })

  it("keeps a word that nobody knows, and a level that nobody counts to", () => {
    assert.deepStrictEqual(LogSeverity.first("weird", undefined, undefined, undefined), { text: "weird", number: null })
    assert.deepStrictEqual(LogSeverity.first(undefined, undefined, 9, undefined), { text: "9", number: null })
    assert.strictEqual(OcsfSeverity.first(9, "weird"), 0)
  })

  it("passes over a word that says nothing, or nothing known, for one that does", () => {
    assert.deepStrictEqual(LogSeverity.first(undefined, "Unknown", 4, undefined), { text: "WARN", number: 15 })
    assert.deepStrictEqual(LogSeverity.first("weird", undefined, "err", undefined), { text: "ERROR", number: 19 })
    assert.deepStrictEqual(LogSeverity.first("", "Unknown", null, {}), { text: "INFO", number: 11 })
  })

  it("takes the rule engine's word over the level, and keeps a finding's own", () => {
    assert.strictEqual(OcsfSeverity.first(6, "Very High"), 5)
    assert.strictEqual(OcsfSeverity.first(3, "Unknown"), 4)
    assert.deepStrictEqual(LogSeverity.ofFinding("critical", "Unknown", 4, undefined), { text: "critical", number: 21 })
    assert.deepStrictEqual(LogSeverity.ofFinding("Alert", undefined, 4, undefined), { text: "alert", number: 22 })
    assert.deepStrictEqual(LogSeverity.ofFinding("warning", undefined, 4, undefined), { text: "warning", number: 15 })
  })
})
