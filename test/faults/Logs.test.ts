import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs"
import * as AgentProgram from "../support/agentProgram.ts"
import * as Program from "../support/Program.ts"

/** A device on which there is never any room. */
const fullDevice = Effect.acquireRelease(
  Effect.sync(() => fs.openSync("/dev/full", "w")),
  (descriptor) => Effect.sync(() => fs.closeSync(descriptor))
)

describe("A log that cannot be written", () => {
  it.live("ends nobody when its disk is full", () =>
    Effect.gen(function*() {
      const { isLive, program } = yield* AgentProgram.start({ stdoutTo: yield* fullDevice })

      assert.isTrue(Option.isSome(yield* isLive))
      yield* program.kill("SIGTERM")
      assert.strictEqual(yield* Effect.timeout(program.exited, "10 seconds"), 0)
    }).pipe(Effect.scoped))

  it.live("ends nobody when its reader is gone, and says nothing of it", () =>
    Effect.gen(function*() {
      const { isLive, program } = yield* AgentProgram.start()
      yield* program.closeStdout
      // The drain is logged, so something is written where nobody reads.
      yield* isLive
      yield* program.kill("SIGTERM")

      assert.strictEqual(yield* Effect.timeout(program.exited, "10 seconds"), 0)
      assert.notMatch(program.output(), /EPIPE/)
    }))
})

describe("An answer that cannot be written", () => {
  it.live.each([["--help"], ["--version"], ["up", "--help"], ["check", "port", "--help"]])(
    "is no success: %s",
    (...args) =>
      Effect.gen(function*() {
        const program = yield* Program.start(args.filter((arg) => typeof arg === "string"), {
          stdoutTo: yield* fullDevice
        })

        assert.strictEqual(yield* Effect.timeout(program.exited, "20 seconds"), 2)
        assert.match(program.output(), /could not be written to stdout: ENOSPC/)
      }).pipe(Effect.scoped)
  )
})
