import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import * as SupervisionMetrics from "../../../../src/services/supervision/internal/SupervisionMetrics.ts"
import { SupervisionTree } from "../../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { passTime } from "../../../support/StepBudget.ts"
import * as Events from "../fixtures/Events.ts"
import { it, leftBehind } from "../fixtures/Leaks.ts"
import { ends, settle, type Spec, Trace } from "../fixtures/Trace.ts"

const tree = (children: ReadonlyArray<Spec>) => Supervisor.start({ id: "root", strategy: "one_for_one", children })

describe("Faults of children and observers (scenarios 83 to 85)", () => {
  it.effect.each(
    ["start", "run", "finalizer"] as const
  )("83: a defect in %s is an abnormal end", (stage) =>
    Effect.gen(function*() {
      const trace = new Trace()
      let lives = 0
      const defect = Effect.suspend(() => ++lives === 2 ? Effect.die("defect") : Effect.void)
      const supervisor = yield* tree([
        trace.child("a", {
          restart: "transient",
          ...(stage === "start" ? { starting: defect } : {}),
          ...(stage === "finalizer"
            ? { stop: Effect.suspend(() => ++lives === 1 ? Effect.die("defect") : Effect.void) }
            : {})
        })
      ])

      yield* trace.end("a", stage === "finalizer" ? ends.normal : ends.defect)

      const [child] = (yield* supervisor.tree).children
      assert.strictEqual(child?.state, "running")
      assert.strictEqual(child?.lastExit?.reason, "failure")
    }))

  it.effect("84: the end of a fiber that no child is any more changes nothing", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const late = yield* Deferred.make<void>()
      const supervisor = yield* tree([
        trace.child("a", { shutdown: "brutal", life: Effect.uninterruptible(Deferred.await(late)) })
      ])
      yield* supervisor.terminateChild("a")
      yield* supervisor.restartChild("a")
      trace.take()

      yield* Deferred.succeed(late, undefined)
      yield* settle

      // Both lives ended; only the second was a child's, and was restarted for it.
      assert.strictEqual(trace.log.filter((line) => line === "+a").length, 3)
    }))

  it.effect("85: a logger that throws and a subscriber that never reads do no harm", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const broken = Logger.layer([Logger.make(() => {
        throw new Error("the disk is full")
      })])
      yield* Effect.gen(function*() {
        const supervisor = yield* tree([trace.child("a")])
        yield* Effect.forkChild(Stream.runForEach(supervisor.events, () => Effect.never))
        yield* settle

        yield* trace.end("a")

        assert.strictEqual(trace.take(), "+a -a +a")
      }).pipe(Effect.provide(broken))
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
