import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as ConfigDocument from "../../../src/domain/config/ConfigDocument.ts"
import * as LoggingConfig from "../../../src/domain/monitoring/LoggingConfig.ts"

describe("LoggingConfig", () => {
  it.each([
    [undefined, Option.none(), Option.none()],
    [{ level: "WARN", output: "stderr" as const }, Option.some("Warn"), Option.some("stderr")],
    [{ level: "error", debug: true }, Option.some("Debug"), Option.none()],
    [{ level: "disabled", debug: false, output: "" as const }, Option.some("None"), Option.none()],
    [{ level: "" }, Option.none(), Option.none()]
  ])("reads %j", (block, level, output) => {
    assert.deepStrictEqual(LoggingConfig.fromBlock(block), { level, output })
  })

  it("names the levels to who wrote another", () => {
    const decoded = ConfigDocument.decode(LoggingConfig.LoggingBlock, "{\"level\":\"shout\"}")

    assert.isTrue(Result.isFailure(decoded))
    assert.include(JSON.stringify(decoded), "one of trace, debug, info")
  })
})
