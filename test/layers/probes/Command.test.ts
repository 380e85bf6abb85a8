import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber } from "effect"
import * as Command from "../../../src/layers/probes/Command.ts"

const limits: Command.CommandLimits = { atOnceMax: 2, wait: Duration.millis(200), run: Duration.seconds(5) }

describe("Command", () => {
  it.live("gives back what a program says and its exit code, in the C locale", () =>
    Effect.gen(function*() {
      const commands = yield* Command.make()

      const output = yield* commands.run("sh", ["-c", "echo out $LC_ALL; echo err >&2; exit 3"])

      assert.deepStrictEqual(output, { exitCode: 3, stdout: "out C\n", stderr: "err\n" })
    }))

  it.live("lets a program wait for its turn, and says so when it does not come", () =>
    Effect.gen(function*() {
      const commands = yield* Command.make(limits)
      const busy = yield* Effect.forEach([1, 2], () =>
        Effect.forkChild(commands.run("sleep", ["60"]), { startImmediately: true }))

      const error = yield* Effect.flip(commands.run("true", []))
      yield* Effect.forEach(busy, Fiber.interrupt)
      const afterwards = yield* commands.run("true", [])

      assert.strictEqual(error.message, "true: not run: all 2 places for programs were taken for 200ms")
      assert.strictEqual(afterwards.exitCode, 0)
    }))

  it.live("does not count the waiting of one that got its turn", () =>
    Effect.gen(function*() {
      const commands = yield* Command.make({ ...limits, atOnceMax: 1 })

      const codes = yield* Effect.forEach(
        ["sleep 0.02", "sleep 0.4"],
        (text) => Effect.map(commands.run("sh", ["-c", text]), ({ exitCode }) => exitCode),
        { concurrency: "unbounded" }
      )

      assert.deepStrictEqual(codes, [0, 0])
    }))

  it.live("kills a program at its limit, one that floods, and one that is not wanted any more", () =>
    Effect.gen(function*() {
      const commands = yield* Command.make({ ...limits, run: Duration.millis(300) })
      const started = yield* Deferred.make<void>()

      const slow = yield* Effect.flip(commands.run("sleep", ["60"]))
      const flood = yield* Effect.flip(commands.run("yes", []))
      const unwanted = yield* Effect.forkChild(
        Effect.andThen(Deferred.succeed(started, undefined), commands.run("sleep", ["60"]))
      )
      yield* Deferred.await(started)
      yield* Fiber.interrupt(unwanted)

      assert.strictEqual(slow.message, "sleep: killed after 300ms")
      assert.strictEqual(flood.message, "yes: killed: it printed more than 65536 bytes")
      assert.strictEqual((yield* Effect.flip(commands.run("no-such-program-here", []))).program, "no-such-program-here")
    }))
})
