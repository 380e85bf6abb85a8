import { assert, describe, it } from "@effect/vitest"
import * as ProgramExit from "../../../../src/domain/agent/programs/ProgramExit.ts"

describe("How a program ended", () => {
  for (
    const [code, signal, kind] of [
      [0, null, "completed"],
      [1, null, "failed"],
      [64, null, "refused"],
      [78, null, "refused"],
      [126, null, "unstartable"],
      [127, null, "unstartable"],
      [137, null, "killed"],
      [139, null, "crashed"],
      [143, null, "ended"],
      [200, null, "failed"],
      [null, "SIGKILL", "killed"],
      [null, "SIGSEGV", "crashed"],
      [null, "SIGTERM", "ended"]
    ] as const
  ) {
    it(`is ${kind} for ${code ?? signal}`, () => {
      const exit = ProgramExit.classify(code, signal)
      assert.strictEqual(exit.kind, kind)
      assert.include(exit.text, signal ?? (code >= 137 && code < 200 ? "SIG" : String(code)))
    })
  }
})
