import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Option, References } from "effect"
import * as LogTurn from "../../../src/layers/telemetry/LogTurn.ts"

describe("LogTurn", () => {
  it.effect("lets through what is as severe as the level that counts then, Info without one", () =>
    Effect.gen(function*() {
      const lines: Array<unknown> = []
      const { level, turn } = LogTurn.make(Option.some("Warn"))
      const logger = LogTurn.filtered(level, Logger.make(({ message }) => void lines.push(message)))
      const log = (round: string) =>
        Effect.all([
          Effect.logDebug(`${round} debug`),
          Effect.logInfo(`${round} info`),
          Effect.logWarning(`${round} warn`)
        ])
      yield* Effect.gen(function*() {
        yield* log("first")
        yield* turn(Option.some("Debug"))
        yield* log("second")
        yield* turn(Option.none())
        yield* log("third")
      }).pipe(Effect.provide(Logger.layer([logger])), Effect.provideService(References.MinimumLogLevel, "All"))

      assert.deepStrictEqual(lines.flat(), [
        "first warn",
        "second debug",
        "second info",
        "second warn",
        "third info",
        "third warn"
      ])
    }))
})
