import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import * as Payload from "../../../../src/domain/events/decode/Payload.ts"
import * as Scalar from "../../../../src/domain/events/decode/Scalar.ts"

const scalar = Schema.optionalKey(Scalar.Scalar)
const read = Payload.make(Schema.Struct({ metric_name: scalar, host_ip: Schema.String, if_index: scalar }), {
  metric_name: ["name"],
  host_ip: ["ip"]
})
const decode = (object: Readonly<Record<string, unknown>>) =>
  read(object, ({ host_ip, metric_name }) => ({ host_ip, ...(metric_name === undefined ? {} : { metric_name }) }))

describe("Payload", () => {
  it.each([
    [{ metric_name: "a", metricName: "b", name: "c", host_ip: "h" }, "a"],
    [{ metricName: "b", name: "c", host_ip: "h" }, "b"],
    [{ name: "c", metricName: "b", host_ip: "h" }, "b"],
    [{ name: "c", hostIp: "h" }, "c"],
    [{ metric_name: null, name: "c", ip: "h" }, "c"],
    [{ metric_name: "", name: "c", ip: "h" }, ""]
  ])("prefers the first spelling with a value: %j", (object, name) => {
    assert.deepStrictEqual(decode(object), Result.succeed({ metric_name: name, host_ip: "h" }))
  })

  it("names the key as the payload spells it", () => {
    const paths = [{ ip: [] }, { host_ip: 1 }, { metricName: {}, ip: "h" }, {}].map((object) =>
      Result.match(decode(object), { onSuccess: () => [], onFailure: (problem) => problem.path })
    )

    assert.deepStrictEqual(paths, [["ip"], ["host_ip"], ["metricName"], ["host_ip"]])
  })

  it("gives no row of an object with a value that cannot be read, and names its key as the payload spells it", () => {
    const index = (object: Readonly<Record<string, unknown>>) =>
      read(object, (fields, reading) => reading.int4("if_index", fields.if_index))

    assert.deepStrictEqual(index({ ip: "h", ifIndex: "7" }), Result.succeed(7))
    assert.deepStrictEqual(index({ ip: "h", ifIndex: "" }), Result.succeed(null))
    assert.deepStrictEqual(
      index({ ip: "h", ifIndex: "seven" }),
      Result.fail({ path: ["ifIndex"], reason: `expected a whole number of at most 32 bits, got "seven"` })
    )
  })

  it.effect.prop("finds every key in camel case too", [Schema.String], ([value]) =>
    Effect.sync(() => {
      assert.deepStrictEqual(
        decode({ metricName: value, hostIp: value }),
        decode({ metric_name: value, host_ip: value })
      )
    }))
})
