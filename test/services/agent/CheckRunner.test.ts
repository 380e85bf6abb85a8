import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Metric, References, Scope } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { failed, type ProbeResult } from "../../../src/domain/monitoring/checks/ProbeResult.ts"
import { InvalidTarget } from "../../../src/domain/monitoring/checks/ProbeTarget.ts"
import { CheckRunner, type CheckRunnerOptions } from "../../../src/services/agent/CheckRunner.ts"
import { type CheckRequest, type Prepare, Prober } from "../../../src/services/monitoring/Prober.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"

const request = (serviceType: string, serviceName: string): CheckRequest => ({
  serviceType,
  serviceName,
  details: "",
  port: 0,
  agentId: "agent-1",
  pollerId: "poller-1"
})

const ok: ProbeResult = { available: true, responseTimeNanos: 1n, message: "{}" }

const checking = (check: Effect.Effect<ProbeResult>): Prepare => () =>
  Effect.succeed({ timeout: Duration.seconds(5), check, failed })

const stoppedRunner = (table: Readonly<Record<string, Prepare>>, options: CheckRunnerOptions = {}) =>
  CheckRunner.layer(options).pipe(
    Layer.provide(Prober.layer(table)),
    Layer.provideMerge(SupervisionTree.layer),
    Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "None"))
  )

const serve = Effect.asVoid(CheckRunner.use((runner) => runner.serve("Checkers")))

/** With its checkers running. */
const runner = (table: Readonly<Record<string, Prepare>>, options: CheckRunnerOptions = {}) =>
  Layer.effectDiscard(serve).pipe(
    Layer.provideMerge(stoppedRunner(table, options))
  )

/** The checkers as an operator sees them. */
const checkers = SupervisionTree.use((tree) => tree.snapshot).pipe(
  Effect.map(([root]) =>
    (root?.children ?? []).flatMap(({ children }) =>
      children.map(({ id, restartsTotal, state }) => ({ id, restartsTotal, state }))
    )
  )
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

  it.effect("answers a check on its way with the checker that was asked, when that is to be begun anew", () => {
    let made = 0
    let ended = 0
    const slow: Prepare = () =>
      Effect.gen(function*() {
        const number = made += 1
        yield* Effect.addFinalizer(() => Effect.sync(() => void (ended += 1)))
        return {
          timeout: Duration.seconds(5),
          check: Effect.delay(Effect.succeed({ ...ok, message: `{"by":${number}}` }), "1 second"),
          failed
        }
      })
    return Effect.gen(function*() {
      const one = request("slow", "it")
      const before = yield* Effect.forkChild(run(one), { startImmediately: true })
      yield* TestClock.adjust("500 millis")
      yield* CheckRunner.use((checks) => checks.retire(({ serviceName }) => serviceName === "it"))
      const after = yield* Effect.forkChild(run(one), { startImmediately: true })
      yield* TestClock.adjust("500 millis")
      const first = yield* Fiber.join(before)
      yield* TestClock.adjust("1 second")
      const second = yield* Fiber.join(after)
      const kept = yield* CheckRunner.use(({ size }) => size)

      assert.deepStrictEqual([first.message, second.message], ["{\"by\":1}", "{\"by\":2}"])
      assert.deepStrictEqual([kept, ended], [1, 1])
    }).pipe(Effect.provide(runner({ slow })))
  })

  it.effect("gives up a check that hangs while its checker is to be begun anew", () =>
    Effect.gen(function*() {
      const one = request("hanging", "it")
      const before = yield* Effect.forkChild(run(one), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* CheckRunner.use((checks) => checks.retire(() => true))
      yield* TestClock.adjust("6 seconds")
      const answer = yield* Fiber.join(before)

      assert.include(answer.message, "timed out after 5s")
      assert.strictEqual(yield* CheckRunner.use(({ size }) => size), 0)
    }).pipe(Effect.provide(runner({ hanging: checking(Effect.never) }))))

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

  it.effect("has a checker rest that broke three times, asks it again afterwards, and forgets it all when it answers", () => {
    let isWell = false
    let asked = 0
    const flaky = checking(Effect.suspend(() => {
      asked += 1
      return isWell ? Effect.succeed(ok) : Effect.die(new Error("a bug"))
    }))
    const ask = Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(run(request("flaky", "one")), { startImmediately: true })
      yield* TestClock.adjust("100 millis")
      return yield* Fiber.join(fiber)
    })
    return Effect.gen(function*() {
      for (let breaks = 0; breaks < 3; breaks++) assert.match((yield* ask).message, /the checker broke: .*a bug/)
      const resting = yield* ask
      assert.match(resting.message, /broke too often and rests for (1m|60s|59s): .*a bug/)
      assert.isFalse(resting.available)
      assert.strictEqual(asked, 3)
      // Others of its kind do not rest.
      isWell = true
      assert.isTrue((yield* run(request("flaky", "two"))).available)
      yield* TestClock.adjust("1 minute")
      assert.isTrue((yield* ask).available)
    }).pipe(Effect.provide(runner({ flaky })))
  })

  it.effect("refuses more than 1,024 requests that would wait for one check", () => {
    const slow = checking(Effect.as(Effect.sleep("1 second"), ok))
    return Effect.gen(function*() {
      yield* Effect.forEach(
        Array.from({ length: 1_024 }),
        () => Effect.forkChild(run(request("slow", "one")), { startImmediately: true })
      )
      const refused = yield* Effect.flip(run(request("slow", "one")))
      assert.strictEqual(refused._tag, "CheckerBusy")
      const other = yield* Effect.forkChild(run(request("slow", "two")), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.isTrue((yield* Fiber.join(other)).available)
    }).pipe(Effect.provide(runner({ slow })))
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
      const second = yield* Effect.forkChild(run(request("breaking", "one")))
      yield* TestClock.adjust("100 millis")
      yield* Fiber.join(second)

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
      yield* run(request("healthy", "a"))
      yield* TestClock.adjust("3 minutes")

      assert.strictEqual(yield* CheckRunner.use((runner) => runner.size), 0)
    }).pipe(Effect.provide(runner({ healthy: checking(Effect.succeed(ok)) }, { idle: "1 minute" }))))

  it.effect("shows every checker as a child, and restarts only the one that broke", () =>
    Effect.gen(function*() {
      yield* run({ ...request("port", "ssh"), details: "127.0.0.1:22" })
      const broken = yield* run(request("dying", "x"))
      const restarting = yield* checkers
      yield* TestClock.adjust("100 millis")

      assert.deepInclude(broken, { available: false, message: "{\"error\":\"the checker broke: Error: a bug\"}" })
      assert.deepStrictEqual(restarting, [
        { id: "port:ssh:127.0.0.1:22", restartsTotal: 0, state: "running" },
        { id: "dying:x", restartsTotal: 1, state: "restarting" }
      ])
      assert.deepStrictEqual(yield* checkers, [
        { id: "port:ssh:127.0.0.1:22", restartsTotal: 0, state: "running" },
        { id: "dying:x", restartsTotal: 1, state: "running" }
      ])
    }).pipe(Effect.provide(runner({
      port: checking(Effect.succeed(ok)),
      dying: checking(Effect.die(new Error("a bug")))
    }))))

  it.effect("outlives a hundred checkers that break again and again", () =>
    Effect.gen(function*() {
      for (let round = 0; round < 20; round++) {
        const fibers = yield* Effect.forEach(
          Array.from({ length: 100 }, (_, index) => request("dying", `${index}`)),
          (one) => Effect.forkChild(run(one), { startImmediately: true })
        )
        yield* TestClock.adjust("100 millis")
        yield* Effect.forEach(fibers, Fiber.join)
      }

      assert.isTrue((yield* run(request("healthy", "a"))).available)
      assert.strictEqual(yield* CheckRunner.use((runner) => runner.size), 101)
    }).pipe(Effect.provide(runner({
      healthy: checking(Effect.succeed(ok)),
      dying: checking(Effect.die("a bug"))
    }, { checkersMax: 101 }))))

  it.effect("gives up a checker that resists interruption and makes a new one beside it", () => {
    const release = Deferred.makeUnsafe<void>()
    let probes = 0
    const stubborn = checking(Effect.suspend(() => {
      probes += 1
      return probes === 1 ? Effect.as(Effect.uninterruptible(Deferred.await(release)), ok) : Effect.succeed(ok)
    }))
    return Effect.gen(function*() {
      const first = yield* Effect.forkChild(run(request("stubborn", "a")))
      yield* TestClock.adjust("5500 millis")
      const givenUp = yield* Fiber.join(first)
      const second = yield* run(request("stubborn", "a"))
      const before = yield* checkers
      yield* TestClock.adjust("1 second")
      const after = yield* checkers

      assert.include(givenUp.message, "the checker hangs and was given up after 5s 500ms")
      assert.isTrue(second.available)
      assert.deepStrictEqual(before.map(({ id, state }) => [id, state]), [
        ["stubborn:a", "stopping"],
        ["stubborn:a#1", "running"]
      ])
      assert.deepStrictEqual(after.map(({ id }) => id), ["stubborn:a#1"])
      assert.strictEqual(yield* CheckRunner.use((runner) => runner.size), 1)
      yield* Deferred.succeed(release, undefined)
    }).pipe(Effect.provide(runner({ stubborn })))
  })

  it.effect("is not ready before its checkers run, tells those who wait when they stop, and forgets all of them", () =>
    Effect.gen(function*() {
      const early = yield* Effect.flip(run(request("healthy", "a")))
      const scope = yield* Scope.make()
      yield* Scope.provide(serve, scope)
      yield* run(request("healthy", "a"))
      const waiting = yield* Effect.forkChild(Effect.flip(run(request("hanging", "b"))), { startImmediately: true })

      yield* Scope.close(scope, Exit.void)
      const stopped = yield* Fiber.join(waiting)
      yield* serve

      assert.deepStrictEqual([early._tag, stopped._tag], ["AgentNotReady", "AgentNotReady"])
      assert.strictEqual(yield* CheckRunner.use((runner) => runner.size), 0)
    }).pipe(
      Effect.scoped,
      Effect.provide(stoppedRunner({ healthy: checking(Effect.succeed(ok)), hanging: checking(Effect.never) }))
    ))

  it.effect("fails with what was expected when the target makes no sense, and forgets the checker", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(run(request("wrong", "a")))

      assert.strictEqual(error._tag, "InvalidTarget")
      assert.strictEqual(yield* CheckRunner.use((runner) => runner.size), 0)
    }).pipe(Effect.provide(runner({
      wrong: () => Effect.fail(new InvalidTarget({ serviceType: "wrong", target: "x", expected: "better" }))
    }))))

  it.effect("keeps nothing of thousands of targets that are asked once", () =>
    Effect.gen(function*() {
      for (let round = 0; round < 10; round++) {
        yield* Effect.forEach(
          Array.from({ length: 500 }, (_, index) => request("healthy", `${round}-${index}`)),
          run,
          { concurrency: 50, discard: true }
        )
      }

      assert.strictEqual((yield* checkers).length, 64)
      assert.strictEqual(yield* CheckRunner.use((runner) => runner.size), 64)
    }).pipe(Effect.provide(runner({ healthy: checking(Effect.yieldNow.pipe(Effect.as(ok))) }, { checkersMax: 64 }))))

  it.effect("tells apart checkers that come to the same name, without showing why", () =>
    Effect.gen(function*() {
      for (const token of ["one", "two"]) {
        yield* run({ ...request("http", "web"), details: JSON.stringify({ url: "http://a", token }) })
      }

      assert.deepStrictEqual((yield* checkers).map(({ id }) => id), ["http:web:http:a", "http:web:http:a#1"])
    }).pipe(Effect.provide(runner({ http: checking(Effect.succeed(ok)) }))))

  it.effect("refuses a request that would cost too much to keep", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(run({ ...request("healthy", "a"), details: "x".repeat(10_000_000) }))

      assert.strictEqual(error._tag, "InvalidTarget")
      assert.isBelow(error.message.length, 500)
      assert.strictEqual(yield* CheckRunner.use((runner) => runner.size), 0)
    }).pipe(Effect.provide(runner({ healthy: checking(Effect.succeed(ok)) }))))

  it.live("answers every one of many wrong requests, however fast they come", () =>
    Effect.gen(function*() {
      const tags = new Set<string>()

      yield* Effect.forEach(Array.from({ length: 16 }, (_, index) => index), (index) =>
        Effect.gen(function*() {
          for (let count = 0; count < 200; count++) {
            tags.add((yield* Effect.flip(run(request("wrong", `${index % 12}`))))._tag)
          }
        }), { concurrency: "unbounded" })

      assert.deepStrictEqual([...tags], ["InvalidTarget"])
    }).pipe(Effect.provide(runner({
      wrong: () => Effect.fail(new InvalidTarget({ serviceType: "wrong", target: "x", expected: "better" }))
    }, { checkersMax: 64 }))))

  it.effect("counts checks by type and outcome, and those of unknown types not at all", () =>
    Effect.gen(function*() {
      yield* run(request("counted", "a"))
      yield* run(request("counted", "b"))
      yield* run(request("uncounted", "c"))
      yield* Effect.flip(run(request("unheard-of", "d")))

      const series = (yield* Metric.snapshot)
        .filter(({ id }) => id === "agent_checks_total")
        .map(({ attributes, state }) => ({ attributes, state }))
      const times = (yield* Metric.snapshot).filter(({ attributes, id }) =>
        id === "agent_check_duration_seconds" && attributes?.["service_type"] === "counted"
      )

      assert.sameDeepMembers(series, [
        { attributes: { service_type: "counted", outcome: "available" }, state: { count: 2, incremental: true } },
        { attributes: { service_type: "uncounted", outcome: "unavailable" }, state: { count: 1, incremental: true } }
      ])
      assert.strictEqual(times.length, 1)
    }).pipe(
      Effect.provide(runner({
        counted: checking(Effect.succeed(ok)),
        uncounted: checking(Effect.succeed(failed("down")))
      })),
      // Of this test alone: other tests count too.
      Effect.provideService(Metric.MetricRegistry, new Map())
    ))

  describe("of a checker that needs no fiber for its check", () => {
    type Done = (result: ProbeResult) => void
    /** `direct` is asked from the second check on. */
    const directly = (direct: (done: Done) => () => void): Prepare => () =>
      Effect.succeed({ timeout: Duration.seconds(5), check: Effect.succeed(ok), direct, failed })
    const down = failed("down")

    it.effect("tells all who wait for it", () => {
      const asked: Array<Done> = []
      return Effect.gen(function*() {
        yield* run(request("direct", "one"))
        const flood = yield* Effect.forEach(
          Array.from({ length: 3 }),
          () => Effect.forkChild(run(request("direct", "one")), { startImmediately: true })
        )
        asked[0]?.(down)
        // Whoever is told twice hears nothing of it.
        asked[0]?.(ok)
        assert.isTrue((yield* Effect.forEach(flood, Fiber.join)).every((outcome) => outcome === down))
        assert.strictEqual(asked.length, 1)
      }).pipe(Effect.provide(runner({
        direct: directly((done) => {
          asked.push(done)
          return () => {}
        })
      })))
    })

    it.effect("ends a check that hangs, and makes a new checker", () => {
      let ended = 0
      return Effect.gen(function*() {
        yield* run(request("hanging", "one"))
        const hanging = yield* Effect.forkChild(run(request("hanging", "one")), { startImmediately: true })
        yield* TestClock.adjust("6 seconds")
        assert.match((yield* Fiber.join(hanging)).message, /hangs and was given up after 5s 500ms/)
        assert.strictEqual(ended, 1)
        assert.isTrue((yield* run(request("hanging", "one"))).available)
      }).pipe(Effect.provide(runner({
        hanging: directly(() => () => {
          ended += 1
        })
      })))
    })

    it.effect("ends a check when the checkers stop, and tells who waits", () => {
      let ended = 0
      return Effect.gen(function*() {
        const scope = yield* Scope.make()
        yield* Scope.provide(serve, scope)
        yield* run(request("hanging", "one"))
        const waiting = yield* Effect.forkChild(Effect.flip(run(request("hanging", "one"))), { startImmediately: true })
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* Fiber.join(waiting))._tag, "AgentNotReady")
        assert.strictEqual(ended, 1)
      }).pipe(
        Effect.scoped,
        Effect.provide(stoppedRunner({
          hanging: directly(() => () => {
            ended += 1
          })
        }))
      )
    })

    it.effect("has its fiber die of what breaks in it, which costs a restart like any break", () => {
      let asked = 0
      return Effect.gen(function*() {
        yield* run(request("breaking", "one"))
        const broken = yield* run(request("breaking", "one"))
        assert.match(broken.message, /the checker broke: .*a bug/)
        assert.deepStrictEqual(yield* checkers, [{ id: "breaking:one", restartsTotal: 1, state: "restarting" }])
        yield* TestClock.adjust("100 millis")
        assert.isTrue((yield* run(request("breaking", "one"))).available)
        assert.strictEqual(asked, 1)
      }).pipe(Effect.provide(runner({
        breaking: directly(() => {
          asked += 1
          throw new Error("a bug")
        })
      })))
    })
  })

  it.effect("keeps checkers of each kind below a supervisor of its own, and begins a port check that broke anew", () =>
    Effect.gen(function*() {
      yield* run(request("snmp", "switch"))
      const broken = yield* run(request("port", "ssh"))
      yield* run(request("process", "sshd"))
      yield* run(request("http", "web"))
      const houses = yield* SupervisionTree.use((tree) => tree.snapshot).pipe(
        Effect.map(([root]) => (root?.children ?? []).map(({ children, id }) => [id, children.map((one) => one.id)]))
      )

      assert.include(broken.message, "the checker broke")
      assert.deepStrictEqual(houses, [
        ["SnmpChecker", ["snmp:switch"]],
        ["PortChecker", []],
        ["ProcessChecker", ["process:sshd"]],
        ["OtherCheckers", ["http:web"]]
      ])
    }).pipe(Effect.provide(runner({
      snmp: checking(Effect.succeed(ok)),
      port: checking(Effect.die(new Error("a bug"))),
      process: checking(Effect.succeed(ok)),
      http: checking(Effect.succeed(ok))
    }))))
})
