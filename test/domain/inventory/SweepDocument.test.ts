import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as SweepDocument from "../../../src/domain/inventory/SweepDocument.ts"

const text = JSON.stringify({
  networks: ["192.0.2.0/24"],
  device_targets: [{ network: "198.18.0.1/32", sweep_modes: ["icmp"], metadata: { armis_device_id: "1" } }],
  interval: "5m",
  unknown: { to: "us" }
})

const problemOf = (document: string, overrides = {}) =>
  Result.match(SweepDocument.parse(document, overrides), { onSuccess: () => "", onFailure: (problem) => problem })

describe("SweepDocument", () => {
  it("takes sync's document, and overrides in place of its values", () => {
    const parsed = Result.getOrThrow(SweepDocument.parse(text, { interval: "1m", ports: [22] }))

    assert.strictEqual(parsed.interval, "1m")
    assert.deepStrictEqual(parsed.ports, [22])
    assert.deepStrictEqual(parsed.networks, ["192.0.2.0/24"])
    assert.lengthOf(parsed.device_targets ?? [], 1)
  })

  it("takes null for what is not there, as Go writes it", () => {
    assert.strictEqual(problemOf("{\"networks\":null,\"device_targets\":null}"), "")
  })

  it("names what cannot be used", () => {
    assert.include(problemOf("{\"interval\":300000000000}"), "interval")
    assert.include(problemOf("{\"device_targets\":[{\"network\":7}]}"), "network")
    assert.include(problemOf("{}", { ports: ["ssh"] }), "ports")
    for (const broken of ["", "{", "[]", "null", "\"chunked\""]) assert.notStrictEqual(problemOf(broken), "", broken)
  })
})
