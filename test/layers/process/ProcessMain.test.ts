import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Duration, Effect, Exit, Fiber, Queue, Runtime, Schema, Stream } from "effect"
import * as ProcessMain from "../../../src/layers/process/ProcessMain.ts"

class SaysNo extends Schema.TaggedError<SaysNo>()("SaysNo", {}) {
  override readonly [Runtime.errorExitCode] = 1
}

const options = { notice: () => Effect.void, drainLimit: Duration.millis(400) }

const signal = (name: "SIGHUP" | "SIGINT" | "SIGTERM") => Effect.sync(() => process.emit(name, name))

/** Runs until the program is up, sends a signal, and gives what follows. */
const stopped = Effect.fnUntraced(function*(
  name: "SIGHUP" | "SIGINT" | "SIGTERM",
  program: (up: Effect.Effect<unknown>) => Effect.Effect<unknown>
) {
  const up = yield* Deferred.make<void>()
  const main = yield* Effect.forkChild(ProcessMain.supervise(program(Deferred.succeed(up, undefined)), options))
  yield* Deferred.await(up)
  yield* signal(name)
  return main
})

describe("ProcessMain", () => {
  it("exits with 0, the number that an error carries, or 2", () => {
    const codes = [Exit.void, Exit.fail(new SaysNo({})), Exit.fail("no"), Exit.die("bug")].map(
      ProcessMain.exitCode
    )

    assert.deepStrictEqual(codes, [0, 1, 2, 2])
  })

  it.live("reports how a program failed, and not that it was stopped", () =>
    Effect.gen(function*() {
      const reported: Array<string> = []
      const report = (cause: Cause.Cause<unknown>) => Effect.sync(() => void reported.push(String(Cause.squash(cause))))

      const code = yield* ProcessMain.supervise(Effect.fail("broken"), { ...options, report })

      assert.strictEqual(code, 2)
      assert.deepStrictEqual(reported, ["broken"])
    }))

  it.live("drains a service on the first signal and calls that success", () =>
    Effect.gen(function*() {
      let isDrained = false
      const finalizer = Effect.sync(() => {
        isDrained = true
      })

      const main = yield* stopped("SIGTERM", (up) => Effect.ensuring(Effect.andThen(up, Effect.never), finalizer))

      assert.strictEqual(yield* Fiber.join(main), 0)
      assert.isTrue(isDrained)
    }))

  it.live("does not call it success when an answer is owed", () =>
    Effect.gen(function*() {
      const question = (up: Effect.Effect<unknown>) =>
        ProcessMain.owesAnswer.pipe(Effect.andThen(up), Effect.andThen(Effect.never))

      assert.strictEqual(yield* Fiber.join(yield* stopped("SIGTERM", question)), 143)
      assert.strictEqual(yield* Fiber.join(yield* stopped("SIGINT", question)), 130)
    }))

  it.live("stops a program at SIGHUP, unless it reads its configuration again then", () =>
    Effect.gen(function*() {
      const reloaded = yield* Queue.unbounded<void>()
      const reading = (up: Effect.Effect<unknown>) =>
        Effect.scoped(Effect.gen(function*() {
          const requests = yield* ProcessMain.reloads
          yield* up
          return yield* Stream.runForEach(requests, () => Queue.offer(reloaded, undefined))
        }))

      const main = yield* stopped("SIGHUP", reading)

      yield* Queue.take(reloaded)
      yield* signal("SIGHUP")
      yield* Queue.take(reloaded)
      assert.isUndefined(main.pollUnsafe())
      yield* signal("SIGTERM")
      assert.strictEqual(yield* Fiber.join(main), 0)
      // Who no longer listens is stopped.
      const deaf = yield* stopped("SIGHUP", (up) =>
        Effect.andThen(Effect.scoped(ProcessMain.reloads), Effect.andThen(up, Effect.never)))
      assert.strictEqual(yield* Fiber.join(deaf), 0)
    }))

  it.live("keeps a SIGHUP that came early for a program that will read its configuration again", () =>
    Effect.gen(function*() {
      const start = Effect.fnUntraced(function*() {
        const isUp = yield* Deferred.make<void>()
        const listens = yield* Deferred.make<void>()
        const reloaded = yield* Deferred.make<void>()
        const program = Effect.scoped(Effect.gen(function*() {
          yield* Deferred.succeed(isUp, undefined)
          yield* Deferred.await(listens)
          yield* Stream.runForEach(yield* ProcessMain.reloads, () => Deferred.succeed(reloaded, undefined))
        }))
        const main = yield* Effect.forkChild(ProcessMain.supervise(program, { ...options, readsAgain: true }))
        yield* Deferred.await(isUp)
        return { main, reloads: Effect.andThen(Deferred.succeed(listens, undefined), Deferred.await(reloaded)) }
      })
      const comeEarly = Effect.sync(() => void (process.env["SERVICERADAR_SIGHUP_CAME"] = "1"))

      const late = yield* start()
      yield* signal("SIGHUP")
      yield* late.reloads
      yield* comeEarly
      const early = yield* start()
      assert.isUndefined(process.env["SERVICERADAR_SIGHUP_CAME"])
      yield* early.reloads

      yield* comeEarly
      assert.strictEqual(yield* ProcessMain.supervise(Effect.never, options), 0)
      yield* signal("SIGTERM")
      assert.deepStrictEqual(yield* Effect.all([Fiber.join(late.main), Fiber.join(early.main)]), [0, 0])
    }))

  it.live("leaves when draining takes too long", () =>
    Effect.gen(function*() {
      const main = yield* stopped(
        "SIGINT",
        (up) => Effect.uninterruptible(Effect.andThen(up, Effect.sleep("1 minute")))
      )

      assert.strictEqual(yield* Fiber.join(main), 2)
    }))

  it.live("leaves at once on a second signal, but takes signals that come together for one", () =>
    Effect.gen(function*() {
      const main = yield* stopped(
        "SIGINT",
        (up) => Effect.uninterruptible(Effect.andThen(up, Effect.sleep("1 minute")))
      )
      yield* signal("SIGINT")
      yield* signal("SIGTERM")
      assert.isUndefined(main.pollUnsafe())

      yield* Effect.sleep("300 millis")
      yield* signal("SIGINT")

      assert.strictEqual(yield* Fiber.join(main), 130)
    }))
})
