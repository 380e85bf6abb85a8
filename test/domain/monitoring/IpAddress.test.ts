import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as fc from "fast-check"
import { isIP } from "node:net"
import * as IpAddress from "../../../src/domain/monitoring/IpAddress.ts"

describe("IpAddress", () => {
  it("knows addresses of both kinds as the system does", () => {
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.domain()), (text) => {
      assert.strictEqual(Option.isSome(IpAddress.parse(text)), isIP(text) !== 0, text)
    }))
  })

  it("writes a mapped IPv4 address as the IPv4 address", () => {
    assert.deepStrictEqual(IpAddress.parse("::ffff:192.0.2.1"), Option.some("192.0.2.1"))
  })
})
