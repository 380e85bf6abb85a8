import { assert, describe, it } from "@effect/vitest"
import * as CheckerContract from "../../../../src/domain/agent/plugins/CheckerContract.ts"

describe("CheckerContract", () => {
  it("makes a message of facts that does not contradict the answer", () => {
    const lie = { depth: 3, available: false, response_time: -1, error: "it is down" }

    assert.deepStrictEqual(CheckerContract.messageOf({ available: true, facts: lie }, 7n), {
      depth: 3,
      available: true,
      response_time: 7
    })
    assert.deepStrictEqual(CheckerContract.messageOf({ available: false, facts: lie }, 7n), {
      depth: 3,
      available: false,
      response_time: 7,
      error: "it is down"
    })
    assert.deepStrictEqual(
      CheckerContract.messageOf({ available: false, facts: lie, error: "said" }, 7n)["error"],
      "said"
    )
    assert.deepStrictEqual(CheckerContract.messageOf({ available: true, facts: { depth: 3 } }, 7n), { depth: 3 })
    assert.deepStrictEqual(CheckerContract.messageOf({ available: true }, 7n), {})
  })
})
