import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as LogSeverity from "../../../../../src/domain/events/mapping/severity/LogSeverity.ts"

describe("LogSeverity", () => {
  it.each([
    ["Very High", undefined, undefined, 1, "FATAL", 1],
    ["error", "Low", undefined, 18, "ERROR", 18],
    [undefined, "Medium", undefined, undefined, "WARN", 15],
    [undefined, "4", undefined, undefined, "WARN", 15],
    [undefined, undefined, 0, undefined, "FATAL", 23],
    [undefined, undefined, "3", undefined, "ERROR", 19],
    [undefined, undefined, 7, undefined, "DEBUG", 7],
    [undefined, undefined, 6, undefined, "INFO", 11],
    [undefined, undefined, "trace", undefined, "TRACE", 3],
    [undefined, undefined, undefined, 17, "ERROR", 17],
    [undefined, undefined, undefined, "13", "WARN", 13],
    [undefined, undefined, undefined, 0, "INFO", 11],
    ["", " ", null, {}, "INFO", 11]
  ])("reads text %j, severity %j, level %j, number %j as %s", (text, severity, level, number, name, expected) => {
    assert.deepStrictEqual(LogSeverity.first(text, severity, level, number), { text: name, number: expected })
  })

  it.effect.prop(
    "keeps OpenTelemetry's own number",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 24 }))],
    ([number]) =>
      Effect.sync(() => {
        assert.strictEqual(LogSeverity.first(undefined, undefined, undefined, number).number, number)
      })
  )
})
