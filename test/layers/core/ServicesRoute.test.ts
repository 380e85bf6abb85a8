import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parse } from "../../../src/layers/core/ServicesRoute.ts"

const parsed = (query: string) => parse(new URLSearchParams(query))

describe("The query of /api/services", () => {
  it("may be empty", () => {
    assert.deepStrictEqual(parsed(""), Result.succeed({ limit: 1_000 }))
  })

  it("carries every filter", () => {
    assert.deepStrictEqual(
      parsed("agent=a&poller=p&type=t&name=n&available=false&partition=x&limit=5"),
      Result.succeed({ agent: "a", poller: "p", type: "t", name: "n", available: false, partition: "x", limit: 5 })
    )
  })

  it.each([
    ["limit=0", "limit", "0", "a whole number from 1 to 10000"],
    ["limit=1.5", "limit", "1.5", "a whole number from 1 to 10000"],
    ["limit=ten", "limit", "ten", "a whole number from 1 to 10000"],
    ["available=yes", "available", "yes", "true or false"],
    ["agent=", "agent", "", "an agent id of 1 to 256 characters"],
    ["name=a&name=b", "name", "a, b", "a single value: a service name of 1 to 256 characters"],
    [
      "agnet=a",
      "agnet",
      "a",
      "one of the parameters agent, poller, type, name, partition, available, limit"
    ]
  ])("is refused with parameter, value and expectation: %s", (query, parameter, value, expectation) => {
    assert.deepStrictEqual(parsed(query), Result.fail([{ parameter, value, expectation }]))
  })

  it("names all problems at once", () => {
    const result = parsed("limit=0&available=maybe")

    assert.deepStrictEqual(
      Result.isFailure(result) ? result.failure.map((problem) => problem.parameter) : [],
      ["limit", "available"]
    )
  })
})
