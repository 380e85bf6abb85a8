import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Logging from "../../../src/layers/telemetry/Logging.ts"

describe("Logging", () => {
  it.effect("keeps every entry as a JSON line and shows the warnings as one line each", () =>
    Effect.gen(function*() {
      const written: Array<string> = []
      const shown: Array<Logging.LogEntry> = []
      const layer = Logging.layerTo({
        write: (line) => void written.push(line),
        show: (entry) => void shown.push(entry)
      })

      yield* Effect.all([
        Effect.logInfo("all well"),
        Effect.logWarning("disk", { free: 1 }),
        Effect.logError(new Error("it\n  broke"))
      ]).pipe(Effect.provide(layer))

      assert.deepStrictEqual(written.map((line) => JSON.parse(line).level), ["INFO", "WARN", "ERROR"])
      assert.deepStrictEqual(shown.map(({ level, text }) => [level, text]), [
        ["Warn", "disk {\"free\":1}"],
        ["Error", "it broke"]
      ])
    }))
})
