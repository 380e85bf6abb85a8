import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as ListenAddress from "../../../src/domain/config/ListenAddress.ts"

describe("ListenAddress", () => {
  it("reads a name, an address of either kind, or all interfaces", () => {
    assert.deepStrictEqual(ListenAddress.parse(":50053"), Option.some({ host: "", port: 50_053 }))
    assert.deepStrictEqual(ListenAddress.parse("core.example:1"), Option.some({ host: "core.example", port: 1 }))
    assert.deepStrictEqual(ListenAddress.parse("[::1]:0"), Option.some({ host: "::1", port: 0 }))
  })

  it("refuses what has no port or an impossible one", () => {
    for (const text of ["", "host", "host:", "host:65536", "::1:5", "http://host:1", "ho st:1"]) {
      assert.deepStrictEqual(ListenAddress.parse(text), Option.none(), text)
    }
  })
})
