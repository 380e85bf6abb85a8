import { assert, describe, it } from "@effect/vitest"
import * as Gateway from "../../../../src/programs/up/machine/Gateway.ts"

const header = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"

describe("Gateway", () => {
  it("is that of the default route with the lowest metric", () => {
    const table = [
      header,
      "eth1\t00000000\t0101A8C0\t0003\t0\t0\t200\t00000000\t0\t0\t0",
      "eth0\t00000000\t010011AC\t0003\t0\t0\t100\t00000000\t0\t0\t0",
      "eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0",
      ""
    ].join("\n")

    assert.strictEqual(Gateway.parse(table), "172.17.0.1")
  })

  it("is none without a default route", () => {
    assert.strictEqual(
      Gateway.parse(`${header}\neth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n`),
      undefined
    )
    assert.strictEqual(Gateway.parse(""), undefined)
  })
})
