import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import * as SupervisionMetrics from "../../../../src/services/supervision/internal/SupervisionMetrics.ts"
import { SupervisionTree } from "../../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { passTime } from "../../../support/StepBudget.ts"
import * as Events from "../fixtures/Events.ts"
import { it, leftBehind } from "../fixtures/Leaks.ts"
import { type Boom, ends, settle, type Spec, Trace } from "../fixtures/Trace.ts"

const tree = (children: ReadonlyArray<Spec>) => Supervisor.start({ id: "root", strategy: "one_for_one", children })

describe("Faults of children and observers (scenarios 83 to 85)", () => {
  it.effect.each(["start", "run", "finalizer"] as const)(
    "83: a defect in %s is an abnormal end, restarted, counted and reported alike",
    (stage) =>
      Effect.gen(function*() {
        const lines: Array<string> = []
        yield* Effect.gen(function*() {
          const trace = new Trace()
          let runs = 0
          // In the second life; the first ends by a failure, so that there is a restart whose start can die.
          const defect = Effect.suspend(() => runs === 2 ? Effect.die("defect") : Effect.void)
          const supervisor = yield* tree([
            trace.child("a", {
              restart: "transient",
              starting: Effect.andThen(
                Effect.sync(() => {
                  runs += 1
                }),
                stage === "start" ? defect : Effect.void
              ),
              stop: stage === "finalizer" ? defect : Effect.void
            })
          ])
          yield* trace.end("a", ends.error)
          if (stage === "run") yield* trace.end("a", ends.defect)
          // Orderly, and so the end of a transient child, were it not for its finalizer.
          if (stage === "finalizer") yield* trace.end("a", ends.normal)

          const [child] = (yield* supervisor.tree).children
          assert.deepInclude(child, { state: "running", restartsTotal: 2 })
          assert.deepStrictEqual(child?.exits?.map(({ message, reason }) => [reason, message]), [
            ["failure", "{\"_tag\":\"Boom\",\"id\":\"error\"}"],
            ["failure", "defect"]
          ])
        }).pipe(Effect.scoped, Effect.provide(Events.collectLogs(lines)))

        assert.deepStrictEqual(lines.slice(1), [
          stage === "start" ? "a did not start: defect" : "a ended (failure): defect"
        ])
      })
  )

  it.effect("84: the end of a fiber that no child is any more changes nothing, and is logged", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      yield* Effect.gen(function*() {
        const trace = new Trace()
        const late = yield* Deferred.make<void>()
        let lives = 0
        const supervisor = yield* tree([
          trace.child("a", {
            shutdown: "brutal",
            life: Effect.suspend(() => ++lives === 1 ? Effect.uninterruptible(Deferred.await(late)) : Effect.never)
          })
        ])
        // It has started before its life has begun, and until then it hears an interruption.
        yield* settle
        yield* supervisor.terminateChild("a")
        yield* supervisor.restartChild("a")
        const [before] = (yield* supervisor.tree).children
        assert.strictEqual(trace.take(), "+a +a")

        const events = yield* Events.during(supervisor.events, Deferred.succeed(late, undefined))

        assert.strictEqual(trace.take(), "-a")
        assert.deepStrictEqual(events, [])
        assert.deepStrictEqual((yield* supervisor.tree).children, before === undefined ? [] : [before])
      }).pipe(Effect.scoped, Effect.provide(Events.collectLogs(lines)))

      assert.deepStrictEqual(lines, [
        "a left behind: did not end within 0 ms",
        "a ended after it had been left behind (shutdown)"
      ])
    }))

  it.effect("85: a logger that throws does no harm, whatever it is told", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      let lines = 0
      const broken = Logger.layer([Logger.make(() => {
        lines += 1
        throw new Error("the disk is full")
      })])
      yield* leftBehind(1)
      yield* Effect.gen(function*() {
        const supervisor = yield* tree([
          trace.child("a"),
          trace.child("deaf", { shutdown: "brutal", life: Effect.uninterruptible(Effect.never) })
        ])

        yield* trace.end("a")
        trace.failStart("a", 1)
        yield* trace.end("a")
        yield* supervisor.terminateChild("deaf")
        assert.strictEqual(trace.take(), "+a +deaf -a +a -a !a +a")
        assert.deepInclude(yield* supervisor.countChildren, { specs: 2, active: 1 })

        const dynamic = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 1 })
        yield* dynamic.startChild(trace.child("b", { stop: Effect.die("disk full") }))
        yield* trace.end("b")
        assert.strictEqual(trace.take(), "+b -b +b")
        yield* dynamic.terminateChild("b")
        assert.deepInclude(yield* dynamic.countChildren, { specs: 0 })
      }).pipe(Effect.scoped, Effect.provide(broken))

      assert.strictEqual(trace.take(), "-b -a")
      // Two ends, a start that failed, one left behind; an end and a stop of b.
      assert.strictEqual(lines, 6)
    }))

  it.effect("85: subscribers that never read, that fail and that throw do no harm to a supervisor or to each other", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const crashes = 1400
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        intensity: { maxRestarts: crashes, period: "1 hour" },
        children: [trace.child("a")]
      })
      const stuck = yield* Effect.forkChild(Stream.runForEach(supervisor.events, () => Effect.never))
      const failing = yield* Effect.forkChild(Stream.runForEach(supervisor.events, () => Effect.fail("no")))
      const throwing = yield* Effect.forkChild(Stream.runForEach(supervisor.events, (): Effect.Effect<void> => {
        throw new Error("no")
      }))

      // Three events each: more than a subscriber may be behind.
      const events = yield* Events.during(
        supervisor.events,
        Effect.forEach(Array.from({ length: crashes }), () => trace.end("a"), { discard: true })
      )

      assert.strictEqual(events.length, 3 * crashes)
      assert.deepInclude((yield* supervisor.tree).children[0], { state: "running", restartsTotal: crashes })
      assert.isUndefined(stuck.pollUnsafe())
      assert.strictEqual(failing.pollUnsafe()?._tag, "Failure")
      assert.strictEqual(throwing.pollUnsafe()?._tag, "Failure")
    }))
})

describe("A heartbeat", () => {
  const silent = (trace: Trace, life: Effect.Effect<void>) =>
    tree([trace.child("a", { heartbeat: "1 second", shutdown: "3 seconds", life })])

  it.effect("keeps a child that beats, and shows how long ago it last did", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const beating = Effect.forever(Effect.andThen(Effect.sleep("900 millis"), Supervisor.heartbeat))
      const supervisor = yield* silent(trace, beating)

      yield* passTime("1 minute")
      yield* passTime("100 millis")

      assert.strictEqual(trace.take(), "+a")
      assert.strictEqual((yield* supervisor.tree).children[0]?.heartbeatAgeMillis, 700)
    }))

  it.effect("restarts a child that is silent for two periods as if it had failed", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* silent(trace, Effect.never)

      yield* passTime("1999 millis")
      yield* settle
      assert.strictEqual(trace.take(), "+a")
      yield* passTime("1 millis")
      yield* settle

      assert.strictEqual(trace.take(), "-a +a")
      assert.deepInclude((yield* supervisor.tree).children[0]?.lastExit, {
        reason: "failure",
        message: "no heartbeat for two periods of 1000 ms"
      })
    }))

  // 05-heartbeat-in-start.ts
  it.effect("is not asked for while the child starts, however long that takes", () =>
    Effect.gen(function*() {
      yield* passTime(0)
      const trace = new Trace()
      const starting = yield* Effect.forkChild(
        tree([trace.child("a", { heartbeat: "1 second", starting: Effect.sleep("1 hour") })]),
        { startImmediately: true }
      )
      yield* settle
      yield* passTime("1 hour")

      const supervisor = yield* Fiber.join(starting)
      assert.strictEqual(trace.take(), "+a")
      yield* passTime("2 seconds")
      yield* settle
      assert.strictEqual((yield* supervisor.tree).children[0]?.lastExit?.reason, "failure")
    }))

  // 05-heartbeat-in-start.ts
  it.effect("that is missed is no end of the supervisor: it answers, and tries again a child that was left behind in its start", () =>
    Effect.gen(function*() {
      yield* passTime(0)
      yield* leftBehind(1)
      let starts = 0
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        children: [
          Supervisor.child({ id: "x", run: Effect.never }),
          Supervisor.child({
            id: "db",
            shutdown: "1 second",
            heartbeat: "1 second",
            startTimeout: "5 seconds",
            start: Effect.gen(function*() {
              starts += 1
              if (starts === 2) return yield* Effect.acquireRelease(Effect.never, () => Effect.void)
              return Effect.never
            })
          })
        ]
      })
      const events = yield* Events.during(
        supervisor.events,
        Effect.gen(function*() {
          yield* passTime("2 seconds")
          yield* settle
          yield* passTime("5 seconds")
          yield* settle
          yield* passTime("1 second")
          yield* settle
        })
      )

      assert.isTrue(events.some(({ _tag }) => _tag === "ChildAbandoned"))
      assert.strictEqual(starts, 3)
      yield* supervisor.terminateChild("x")
      assert.deepInclude(yield* supervisor.countChildren, { specs: 2, active: 1 })
    }))

  it.effect("leaves a silent child behind that cannot be interrupted, and starts another", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      let lives = 0
      const supervisor = yield* silent(
        trace,
        Effect.suspend(() => ++lives === 1 ? Effect.uninterruptible(Effect.never) : Effect.never)
      )

      yield* passTime("5 seconds")
      yield* settle

      assert.strictEqual(trace.take(), "+a +a")
      yield* leftBehind(1)
      assert.strictEqual((yield* supervisor.tree).children[0]?.lastExit?.reason, "abandoned")
    }))

  it.effect("watches over the next child when one that was left behind ends late", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const late = yield* Deferred.make<void>()
      let lives = 0
      yield* silent(
        trace,
        Effect.suspend(() => ++lives === 1 ? Effect.uninterruptible(Deferred.await(late)) : Effect.never)
      )
      yield* passTime("5 seconds")
      yield* settle

      yield* Deferred.succeed(late, undefined)
      yield* settle
      assert.strictEqual(trace.take(), "+a +a -a")
      yield* passTime("2 seconds")
      yield* settle

      assert.strictEqual(trace.take(), "-a +a")
    }))
})

describe("What others see of a supervisor", () => {
  it.effect("tells in order what happened, its subtrees included", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const all = yield* SupervisionTree
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        children: [
          Supervisor.supervisor({
            id: "inner",
            strategy: "one_for_all",
            children: [trace.child("a"), trace.child("b")]
          })
        ]
      })

      const events = yield* Events.during(all.events, Effect.andThen(trace.end("a"), supervisor.stop))

      assert.deepStrictEqual(
        events.map((event) =>
          "child" in event ? `${event._tag} ${event.path}/${event.child}` : `${event._tag} ${event.path}`
        ),
        [
          "ChildExited root/inner/a",
          "ChildRestarting root/inner/a",
          "ChildStopped root/inner/b",
          "ChildStarted root/inner/a",
          "ChildStarted root/inner/b",
          "ChildStopped root/inner/b",
          "ChildStopped root/inner/a",
          "SupervisorEnded root/inner",
          "ChildStopped root/inner",
          "SupervisorEnded root"
        ]
      )
    }).pipe(Effect.provide(SupervisionTree.layer)))

  it.effect("remembers the last 20 exits of a child", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        intensity: { maxRestarts: 100, period: "1 second" },
        children: [trace.child("a")]
      })
      for (let crash = 0; crash < 25; crash += 1) {
        yield* trace.end("a")
        yield* passTime(1)
      }

      const [child] = (yield* supervisor.tree).children

      assert.deepStrictEqual(child?.exits?.map(({ at }) => at), Array.from({ length: 20 }, (_, index) => index + 5))
      assert.strictEqual(child?.restartsTotal, 25)
    }))

  it.effect("shows a tree whose exits stay what they were when more follow", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.start({
        id: "root",
        strategy: "one_for_one",
        children: [trace.child("a")]
      })
      yield* trace.end("a")
      yield* passTime(1)
      const [before] = (yield* supervisor.tree).children

      yield* trace.end("a")
      yield* passTime(1)
      const [after] = (yield* supervisor.tree).children

      assert.lengthOf(before?.exits ?? [], 1)
      assert.lengthOf(after?.exits ?? [], 2)
    }))

  it.effect("counts restarts, running children and the time to recover", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const label = Metric.withAttributes({ supervisor: "counted" })
      const before = yield* Metric.value(label(SupervisionMetrics.restartsTotal))
      const recoveredBefore = yield* Metric.value(label(SupervisionMetrics.recoverySeconds))
      yield* Supervisor.start({
        id: "counted",
        strategy: "one_for_one",
        children: [trace.child("a"), trace.child("b")]
      })
      yield* trace.end("a")

      assert.strictEqual((yield* Metric.value(label(SupervisionMetrics.restartsTotal))).count, before.count + 1)
      assert.strictEqual((yield* Metric.value(label(SupervisionMetrics.children))).value, 2)
      assert.strictEqual(
        (yield* Metric.value(label(SupervisionMetrics.recoverySeconds))).count,
        recoveredBefore.count + 1
      )
    }))

  it.effect("adds up supervisors that have one name for their metrics, whatever their ids are", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const running = Metric.withAttributes(SupervisionMetrics.children, { supervisor: "alike" })
      const alike = (id: string, children: ReadonlyArray<string>) =>
        Supervisor.start({
          id,
          metricsName: "alike",
          strategy: "one_for_one",
          children: children.map((child) => trace.child(child))
        })
      yield* alike("host-1", ["a", "b"])

      yield* Effect.scoped(Effect.gen(function*() {
        yield* alike("host-2", ["c"])
        assert.strictEqual((yield* Metric.value(running)).value, 3)
      }))

      assert.strictEqual((yield* Metric.value(running)).value, 2)
    }))

  it.effect("is ready while every child runs or has done its work", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const all = yield* SupervisionTree
      const supervisor = yield* tree([trace.child("a"), trace.child("b", { restart: "transient" })])
      yield* trace.end("b", ends.normal)
      assert.deepStrictEqual(yield* all.unready, [])

      yield* supervisor.terminateChild("a")

      assert.deepStrictEqual((yield* all.unready).map(({ id, state }) => [id, state]), [["a", "stopped"]])
    }).pipe(Effect.provide(SupervisionTree.layer)))

  it.effect("disappears from the tree with its Scope", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const all = yield* SupervisionTree
      yield* Effect.scoped(tree([trace.child("a")]))

      assert.deepStrictEqual(yield* all.snapshot, [])
    }).pipe(Effect.provide(SupervisionTree.layer)))
})
