import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Option, Result, Schema } from "effect"
import * as GoDuration from "../../../src/domain/config/GoDuration.ts"

const decode = Schema.decodeUnknownResult(GoDuration.GoDuration)

describe("GoDuration", () => {
  it.each([
    ["30s", 30_000_000_000n],
    ["1h30m", 5_400_000_000_000n],
    ["1.5s", 1_500_000_000n],
    [".5ms", 500_000n],
    ["1.s", 1_000_000_000n],
    ["2us", 2_000n],
    ["2µs", 2_000n],
    ["-3ns", -3n],
    ["+3ns", 3n],
    ["0", 0n]
  ])("reads %s as Go does", (text, nanos) => {
    assert.deepStrictEqual(GoDuration.parseNanos(text), Option.some(nanos))
  })

  it.each(["", "-", "30", "s", ".s", "1d", "1s ", " 1s", "1h-3m", "abc", "1e3s"])("refuses %j", (text) => {
    assert.deepStrictEqual(GoDuration.parseNanos(text), Option.none())
  })

  it.each([
    [Duration.seconds(30), "30s"],
    [Duration.minutes(5), "5m0s"],
    [Duration.hours(18), "18h0m0s"],
    [Duration.millis(1500), "1.5s"],
    [Duration.millis(250), "250ms"],
    [Duration.nanos(1_500n), "1.5µs"],
    [Duration.nanos(7n), "7ns"],
    [Duration.zero, "0s"]
  ])("writes %s in Go's form", (duration, text) => {
    assert.strictEqual(GoDuration.format(duration), text)
  })

  it("takes a number as nanoseconds", () => {
    assert.deepStrictEqual(Result.map(decode(5_000_000_000), Duration.toMillis), Result.succeed(5000))
  })

  it("names the value and the expectation when it is not a duration", () => {
    const result = decode("5 minutes")
    assert.isTrue(Result.isFailure(result) && result.failure.message.includes("\"5 minutes\""))
  })

  it.each(["-1s", "2562048h", 2 ** 63])("refuses what Go's 64 bits do not hold, and less than nothing: %s", (input) => {
    assert.isTrue(Result.isFailure(decode(input)))
  })

  it.each([30, 5_000, 999_999, "1ns", "999µs"])("refuses %s, which was meant in another unit", (input) => {
    const result = decode(input)

    assert.include(Result.isFailure(result) ? result.failure.message : "", "at least 1ms, such as \"30s\"")
  })

  it.each([[0, 0], ["0s", 0], ["1ms", 1], [1_000_000, 1]])("takes %s", (input, millis) => {
    assert.deepStrictEqual(Result.map(decode(input), Duration.toMillis), Result.succeed(millis))
  })

  it.effect.prop(
    "reads back what it writes",
    [Schema.BigInt.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 10n ** 17n }))],
    ([nanos]) =>
      Effect.sync(() => {
        assert.deepStrictEqual(GoDuration.parseNanos(GoDuration.format(Duration.nanos(nanos))), Option.some(nanos))
      })
  )
})
