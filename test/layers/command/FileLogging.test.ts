import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Option, References } from "effect"
import type { LogLevel } from "effect"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as FileLogging from "../../../src/layers/command/FileLogging.ts"

const levelOf = (file: string, variable: string, flag: Option.Option<LogLevel.LogLevel>) =>
  References.MinimumLogLevel.pipe(
    FileLogging.withLogging({ level: file }),
    Effect.provideService(GlobalFlag.LogLevel, flag),
    Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ LOG_LEVEL: variable })))
  )

describe("FileLogging", () => {
  it.effect("takes the level of the command line, else of LOG_LEVEL, else of the file", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* levelOf("error", "warn", Option.some("Debug")), "Debug")
      assert.strictEqual(yield* levelOf("error", "warn", Option.none()), "Warn")
      assert.strictEqual(yield* levelOf("error", "", Option.none()), "Error")
      assert.strictEqual(yield* levelOf("", "", Option.none()), "Info")
    }))

  it.effect("refuses a LOG_LEVEL that is no level", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(levelOf("error", "loud", Option.none()))

      assert.strictEqual(error._tag, "InvalidLogLevel")
      assert.include(error.message, "loud")
    }))
})
