import { describe, it } from "@effect/vitest"
import { holdToModel } from "./ModelledLife.ts"

// consumer-property-test.ts
describe("The supervisor on fibers", () => {
  // Two files lead half of the 10,000 lives each, so that two processors share them.
  it(
    "does what the model of OTP does, in the first 5,000 random lives of up to 50 steps",
    () => holdToModel(5000),
    240_000
  )
})
