import { assert, it } from "@effect/vitest"
import * as LogCounters from "../../../src/domain/v1/LogCounters.ts"

it("counts severities however a service spells them", () => {
  const all = ["FATAL", "Critical", "err", "error", "WARN", "Warning", "notice", "info", "TRACE", "debug", "odd", null]
  assert.deepStrictEqual(LogCounters.sum(all.map((severity_text) => ({ severity_text, total: 2 }))), {
    total: 24,
    fatal: 4,
    error: 4,
    warning: 4,
    info: 4,
    debug: 4,
    other: 4
  })
})
