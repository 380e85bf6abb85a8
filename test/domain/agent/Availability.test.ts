import { assert, describe, it } from "@effect/vitest"
import { reported } from "../../../src/domain/agent/Availability.ts"

describe("Availability", () => {
  it("says what a check found, or as the Go agent that there was one", () =>
    assert.deepStrictEqual(
      ([true, false, undefined] as const).map((found) => [reported("truthful", found), reported("go", found)]),
      [[true, true], [false, true], [false, false]]
    ))
})
