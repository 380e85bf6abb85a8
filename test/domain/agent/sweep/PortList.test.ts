import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as PortList from "../../../../src/domain/agent/sweep/PortList.ts"

describe("PortList", () => {
  it("reads ports and ranges, each once", () => {
    assert.deepStrictEqual(PortList.parse("22, 80,8000-8002,80"), Option.some([22, 80, 8000, 8001, 8002]))
  })

  it.each(["", "0", "65536", "9-8", "a", "22,", "1-2-3", "-1"])("takes no %j for ports", (text) => {
    assert.isTrue(Option.isNone(PortList.parse(text)))
  })
})
