import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, References } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { failed, type ProbeOutcome } from "../../../src/domain/monitoring/ProbeOutcome.ts"
import { InvalidTarget } from "../../../src/domain/monitoring/ProbeTarget.ts"
import { CheckRunner, type CheckRunnerOptions } from "../../../src/services/agent/CheckRunner.ts"
import { type CheckRequest, type Prepare, Prober } from "../../../src/services/agent/Prober.ts"

const request = (serviceType: string, serviceName: string): CheckRequest => ({
  serviceType,
  serviceName,
  details: "",
  port: 0,
  agentId: "agent-1",
  pollerId: "poller-1"
})

const ok: ProbeOutcome = { available: true, responseTimeNanos: 1n, message: "{}" }

const checking = (check: Effect.Effect<ProbeOutcome>): Prepare => () =>
  Effect.succeed({ timeout: Duration.seconds(5), check, failed })

const runner = (table: Readonly<Record<string, Prepare>>, options: CheckRunnerOptions = {}) =>
  CheckRunner.layer(options).pipe(
    Layer.provide(Prober.layer(table)),
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
  )

const run = (one: CheckRequest) => CheckRunner.use((runner) => runner.run(one))

describe("CheckRunner", () => {
  it.effect("answers 25 healthy checks at once while 25 hang, 25 die and 25 fail", () =>
    Effect.gen(function*() {
      const kinds = ["healthy", "hanging", "dying", "failing"]
      const requests = Array.from({ length: 25 }, (_, index) => kinds.map((kind) => request(kind, `${kind}-${index}`)))
        .flat()

      const fibers = yield* Effect.forEach(requests, (one) => Effect.forkChild(run(one)))
      // No time has passed on the test clock: whatever is answered now did not wait for any of the others.
      const healthy = yield* Effect.forEach(
        fibers.filter((_, index) => requests[index]?.serviceType !== "hanging"),
        Fiber.join
      )
      yield* TestClock.adjust("5 seconds")
      const hanging = yield* Effect.forEach(
        fibers.filter((_, index) => requests[index]?.serviceType === "hanging"),
        Fiber.join
      )

      assert.strictEqual(healthy.filter((outcome) => outcome.available).length, 25)
      assert.strictEqual(healthy.filter((outcome) => outcome.message.includes("a bug")).length, 25)
      assert.strictEqual(healthy.filter((outcome) => outcome.message.includes("refused")).length, 25)
      assert.isTrue(hanging.every((outcome) => outcome.message.includes("timed out after 5s")))
    }).pipe(Effect.provide(runner({
      healthy: checking(Effect.succeed(ok)),
      hanging: checking(Effect.never),
      dying: checking(Effect.die(new Error("a bug"))),
      failing: checking(Effect.succeed(failed("refused")))
    }))))

  it.effect("makes one probe for a flood of equal requests", () => {
    let probes = 0
    const counting = checking(Effect.suspend(() => {
      probes += 1
      return Effect.as(Effect.sleep("1 second"), ok)
    }))
    return Effect.gen(function*() {
      const flood = yield* Effect.forEach(
        Array.from({ length: 1000 }),
        () => Effect.forkChild(run(request("slow", "one")), { startImmediately: true })
      )
      yield* TestClock.adjust("1 second")
      const outcomes = yield* Effect.forEach(flood, Fiber.join)

      assert.strictEqual(probes, 1)
      assert.isTrue(outcomes.every((outcome) => outcome === ok))
    }).pipe(Effect.provide(runner({ slow: counting })))
  })

  it.effect("closes the resources of a checker that died and makes a new one for the next request", () => {
    const events: Array<string> = []
    const breaking: Prepare = () =>
      Effect.acquireRelease(
        Effect.sync(() => void events.push("open")),
        () => Effect.sync(() => void events.push("close"))
      ).pipe(Effect.as({ timeout: Duration.seconds(5), check: Effect.die("a bug"), failed }))
    return Effect.gen(function*() {
      yield* run(request("breaking", "one"))
      yield* run(request("breaking", "one"))

      assert.deepStrictEqual(events, ["open", "close", "open", "close"])
    }).pipe(Effect.provide(runner({ breaking })))
  })

  it.effect("keeps no more checkers than its limit: the one asked longest ago makes room", () =>
    Effect.gen(function*() {
      for (const name of ["a", "b", "c"]) {
        yield* run(request("healthy", name))
        yield* TestClock.adjust("1 second")
      }

      assert.strictEqual(yield* CheckRunner.use((runner) => runner.size), 2)
    }).pipe(Effect.provide(runner({ healthy: checking(Effect.succeed(ok)) }, { checkersMax: 2 }))))

  it.effect("refuses a check when every checker is at work", () =>
    Effect.gen(function*() {
      yield* Effect.forkChild(run(request("hanging", "a")), { startImmediately: true })
      const error = yield* Effect.flip(run(request("hanging", "b")))

      assert.strictEqual(error._tag, "AgentBusy")
    }).pipe(Effect.provide(runner({ hanging: checking(Effect.never) }, { checkersMax: 1 }))))

  it.effect("ends checkers that nobody asks any more", () =>
    Effect.gen(function*() {
      yield* Effect.forkChild(CheckRunner.use((runner) => runner.sweep))
      yield* run(request("healthy", "a"))
      yield* TestClock.adjust("3 minutes")

      assert.strictEqual(yield* CheckRunner.use((runner) => runner.size), 0)
    }).pipe(Effect.provide(runner({ healthy: checking(Effect.succeed(ok)) }, { idle: "1 minute" }))))

  it.effect("fails with what was expected when the target makes no sense, and forgets the checker", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(run(request("wrong", "a")))

      assert.strictEqual(error._tag, "InvalidTarget")
      assert.strictEqual(yield* CheckRunner.use((runner) => runner.size), 0)
    }).pipe(Effect.provide(runner({
      wrong: () => Effect.fail(new InvalidTarget({ serviceType: "wrong", target: "x", expected: "better" }))
    }))))
})
