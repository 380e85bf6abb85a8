import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Option } from "effect"
import type { LogLevel } from "effect"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import { vi } from "vitest"
import * as FileLogging from "../../../src/layers/command/FileLogging.ts"

const levels = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"] as const

/** The least severe level that comes out. */
const levelOf = (file: string, variable: string, flag: Option.Option<LogLevel.LogLevel>) =>
  Effect.scoped(Effect.gen(function*() {
    const lines: Array<string> = []
    const written = vi.spyOn(process.stdout, "write").mockImplementation((line) => lines.push(String(line)) > 0)
    yield* Effect.addFinalizer(() => Effect.sync(() => written.mockRestore()))
    yield* Effect.forEach(levels, (level) => Effect.logWithLevel(level)(`at ${level}`)).pipe(
      FileLogging.withLogging({ level: file }),
      Effect.provideService(GlobalFlag.LogLevel, flag),
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ LOG_LEVEL: variable })))
    )
    return levels.find((level) => lines.some((line) => line.includes(`at ${level}`)))
  }))

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
