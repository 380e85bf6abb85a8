import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Since from "../../../src/layers/command/Since.ts"

const nowMillis = Date.UTC(2026, 0, 31, 12)

const millis = (text: string) => Option.map(Since.parse(text), (since) => Since.toMillis(since, nowMillis))

describe("Since", () => {
  it("reads ages, days too", () => {
    assert.deepStrictEqual(
      ["2h", "90m", "1h30m", "7d", "1d12h", "0d1s"].map((text) => nowMillis - Option.getOrThrow(millis(text))),
      [7_200_000, 5_400_000, 5_400_000, 604_800_000, 129_600_000, 1_000]
    )
  })

  it("reads moments", () => {
    assert.deepStrictEqual(
      ["2026-01-31", "2026-01-31T08:00:00Z", "2026-01-31T08:00:00+02:00"].map((text) =>
        Option.getOrThrow(millis(text))
      ),
      [Date.UTC(2026, 0, 31), Date.UTC(2026, 0, 31, 8), Date.UTC(2026, 0, 31, 6)]
    )
  })

  it("refuses what is neither", () => {
    assert.deepStrictEqual(
      ["", "soon", "0", "-2h", "2", "d", "2d-1h", "2026-13-41", "31.1.2026"].filter((text) =>
        Option.isSome(Since.parse(text))
      ),
      []
    )
  })
})
