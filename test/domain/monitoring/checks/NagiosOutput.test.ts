import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import * as NagiosOutput from "../../../../src/domain/monitoring/checks/NagiosOutput.ts"

describe("NagiosOutput", () => {
  it("reads text, longer text and performance data of several lines, as in the guidelines", () =>
    assert.deepStrictEqual(
      NagiosOutput.parse(
        "DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n/ 15272 MB (77%);\n/boot 68 MB (69%);\n" +
          "/home 69357 MB (27%); | /boot=68MB;88;93;0;98\n'/home it''s'=69357MB;~:253404;@1:2;;253417\n"
      ),
      {
        text: "DISK OK - free space: / 3326 MB (56%);",
        longText: "/ 15272 MB (77%);\n/boot 68 MB (69%);\n/home 69357 MB (27%);",
        performance: [
          { label: "/", value: 2643, unit: "MB", warn: "5948", crit: "5958", min: 0, max: 5968 },
          { label: "/boot", value: 68, unit: "MB", warn: "88", crit: "93", min: 0, max: 98 },
          { label: "/home it's", value: 69357, unit: "MB", warn: "~:253404", crit: "@1:2", max: 253417 }
        ]
      }
    ))

  it("leaves out performance data that are unknown or none", () =>
    assert.deepStrictEqual(
      NagiosOutput.parse("OK | time=U;;;0 rta=0.044ms pl=0% nonsense load1=.5;;;; x= =5").performance,
      [
        { label: "rta", value: 0.044, unit: "ms" },
        { label: "pl", value: 0, unit: "%" },
        { label: "load1", value: 0.5, unit: "" }
      ]
    ))

  it("reads back whatever is written as performance data", () => {
    const datum = fc.record({
      label: fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !/[\n\r|]/.test(text)),
      value: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }).map((value) => value + 0),
      unit: fc.constantFrom("", "s", "%", "B", "KB", "c")
    })
    fc.assert(fc.property(fc.array(datum, { maxLength: 10 }), (data) => {
      const text = data.map(({ label, unit, value }) => `'${label.replaceAll("'", "''")}'=${value}${unit}`).join(" ")

      assert.deepStrictEqual(NagiosOutput.parse(`OK | ${text}`).performance, data)
    }))
  })

  it("knows the four states", () => {
    assert.deepStrictEqual([0, 1, 2, 3].map((code) => Option.getOrThrow(NagiosOutput.stateOf(code))), [
      "OK",
      "WARNING",
      "CRITICAL",
      "UNKNOWN"
    ])
    assert.isTrue(Option.isNone(NagiosOutput.stateOf(127)))
  })
})
