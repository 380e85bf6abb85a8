import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import * as TaskSupervisor from "../../../src/services/supervision/TaskSupervisor.ts"
import { passTime } from "../../support/StepBudget.ts"
import { it, leftBehind } from "./fixtures/Leaks.ts"
import { settle } from "./fixtures/Trace.ts"

const start = (options: Partial<TaskSupervisor.TaskSupervisorOptions> = {}) =>
  Effect.gen(function*() {
    const tasks = yield* TaskSupervisor.make({ id: "tasks", maxChildren: 100, ...options })
    const root = yield* Supervisor.start({ id: "root", strategy: "one_for_one", children: [tasks] })
    return { root, tasks }
  })

/** Never ends by itself; says when it starts and when it is stopped. */
const endless = (log: Array<string>, name: string) =>
  Effect.suspend(() => {
    log.push(`+${name}`)
    return Effect.onInterrupt(Effect.never, () => Effect.sync(() => log.push(`-${name}`)))
  })

describe("TaskSupervisor", () => {
  it.effect("78 stops a linked task when its owner crashes", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()
      const log: Array<string> = []

      const exit = yield* Effect.exit(tasks.async(endless(log, "task"), () => Effect.fail("owner crashed")))

      assert.deepStrictEqual(exit, Exit.fail("owner crashed"))
      assert.deepStrictEqual(log, ["+task", "-task"])
      assert.strictEqual((yield* tasks.countChildren).specs, 0)
    }))

  it.effect("78 stops a linked task when its owner is interrupted", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()
      const log: Array<string> = []
      const owner = yield* Effect.forkChild(tasks.async(endless(log, "task"), () => Effect.never), {
        startImmediately: true
      })
      yield* settle

      yield* Fiber.interrupt(owner)

      assert.deepStrictEqual(log, ["+task", "-task"])
    }))

  it.effect("78 lets a linked task's failure reach its owner, whatever that does", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()
      const log: Array<string> = []
      const crash = yield* Deferred.make<never, "task crashed">()
      const owner = yield* Effect.forkChild(
        Effect.exit(tasks.async(Deferred.await(crash), () => endless(log, "owner"))),
        { startImmediately: true }
      )
      yield* settle

      yield* Deferred.fail(crash, "task crashed")

      assert.deepStrictEqual(yield* Fiber.join(owner), Exit.fail("task crashed" as const))
      assert.deepStrictEqual(log, ["+owner", "-owner"])
    }))

  it.effect("78 gives a linked owner the result and lets it go on", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()

      const sum = yield* tasks.async(
        Effect.succeed(20),
        (task) => Effect.map(Effect.andThen(settle, task.join), (value) => value + 1)
      )

      assert.strictEqual(sum, 21)
    }))

  it.effect("79 gives an unlinked owner the failure, and nothing is left over after it was read", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()

      const task = yield* tasks.asyncNoLink(Effect.fail("down"))
      const outcome = yield* task.await

      assert.deepStrictEqual(outcome, Exit.fail("down"))
      assert.deepStrictEqual(yield* task.await, outcome)
      assert.strictEqual((yield* tasks.countChildren).specs, 0)
    }))

  it.effect("79 leaves nothing over of a task that waited: its Scope is closed and its place free", () =>
    Effect.gen(function*() {
      yield* passTime(0)
      const { tasks } = yield* start({ maxChildren: 1 })
      const log: Array<string> = []
      const work = Effect.gen(function*() {
        yield* Effect.addFinalizer(() => Effect.andThen(Effect.sleep(100), Effect.sync(() => log.push("closed"))))
        yield* Effect.sleep(1000)
        return "done"
      })

      const task = yield* tasks.asyncNoLink(work)
      const owner = yield* Effect.forkChild(
        Effect.gen(function*() {
          log.push(yield* task.join)
          const { specs } = yield* tasks.countChildren
          const next = yield* tasks.asyncNoLink(Effect.succeed("next"))
          return [specs, yield* next.join]
        }),
        { startImmediately: true }
      )
      yield* settle
      yield* passTime(1000)
      yield* settle
      yield* passTime(100)

      assert.deepStrictEqual(yield* Fiber.join(owner), [0, "next"])
      assert.deepStrictEqual(log, ["closed", "done"])
    }))

  it.effect("79 tells the exit of a task whose finalizer hangs, once it is left behind at its limit", () =>
    Effect.gen(function*() {
      yield* passTime(0)
      yield* leftBehind(1)
      const { tasks } = yield* start({ taskShutdown: "1 second" })
      const task = yield* tasks.asyncNoLink(Effect.as(Effect.addFinalizer(() => Effect.never), "done"))
      const owner = yield* Effect.forkChild(task.join, { startImmediately: true })
      yield* settle
      assert.isUndefined(owner.pollUnsafe())

      yield* passTime("1 second")

      assert.strictEqual(yield* Fiber.join(owner), "done")
      assert.strictEqual((yield* tasks.countChildren).specs, 0)
    }))

  it.effect("79 contains a task's defect: owner and sibling tasks live on", () =>
    Effect.gen(function*() {
      const { root, tasks } = yield* start()
      const log: Array<string> = []
      yield* tasks.asyncNoLink(endless(log, "sibling"))

      const task = yield* tasks.asyncNoLink(Effect.die("bug"))

      assert.deepStrictEqual(yield* task.await, Exit.die("bug"))
      assert.deepStrictEqual(log, ["+sibling"])
      assert.strictEqual((yield* root.countChildren).active, 1)
    }))

  it.effect("lets a task without a link outlive its owner and be stopped by hand", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()
      const log: Array<string> = []
      const task = yield* Fiber.join(yield* Effect.forkChild(tasks.asyncNoLink(endless(log, "task"))))
      yield* settle
      assert.deepStrictEqual(log, ["+task"])

      yield* task.stop

      assert.deepStrictEqual(
        yield* Effect.flip(task.join),
        new TaskSupervisor.TaskStopped({ supervisor: "tasks", task: task.id, reason: "stopped" })
      )
      assert.deepStrictEqual(log, ["+task", "-task"])
    }))

  it.effect("tells who waits that a task ended with its supervisor", () =>
    Effect.gen(function*() {
      const { root, tasks } = yield* start()
      const task = yield* tasks.asyncNoLink(Effect.never)

      yield* root.stop

      assert.strictEqual((yield* Effect.flip(task.join))._tag, "TaskStopped")
      assert.strictEqual((yield* Effect.flip(tasks.asyncNoLink(Effect.void)))._tag, "SupervisorGone")
    }))

  it.effect("answers for a task that cannot be interrupted once its limit is over", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start({ taskShutdown: "1 second" })
      const release = yield* Deferred.make<void>()
      const task = yield* tasks.asyncNoLink(Effect.uninterruptible(Deferred.await(release)))
      const stop = yield* Effect.forkChild(task.stop, { startImmediately: true })

      yield* passTime("1 second")
      yield* Fiber.join(stop)

      assert.strictEqual((yield* Effect.flip(task.join))._tag, "TaskStopped")
      yield* Deferred.succeed(release, undefined)
    }))

  it.effect("answers for a task that outlives its supervisor because it cannot be interrupted", () =>
    Effect.gen(function*() {
      const { root, tasks } = yield* start({ taskShutdown: "1 second" })
      const release = yield* Deferred.make<void>()
      const task = yield* tasks.asyncNoLink(Effect.uninterruptible(Deferred.await(release)))
      const stop = yield* Effect.forkChild(root.stop, { startImmediately: true })

      yield* passTime("1 second")
      yield* Fiber.join(stop)

      assert.strictEqual((yield* Effect.flip(task.join))._tag, "TaskStopped")
      yield* Deferred.succeed(release, undefined)
    }))

  it.effect("gives a linked owner a typed end when the supervisor is stopped", () =>
    Effect.gen(function*() {
      const { root, tasks } = yield* start()
      const owner = yield* Effect.forkChild(Effect.flip(tasks.async(Effect.never, () => Effect.never)), {
        startImmediately: true
      })
      yield* settle

      yield* root.stop

      assert.strictEqual((yield* Fiber.join(owner))._tag, "TaskStopped")
    }))

  it.effect("refuses a task beyond its bound", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start({ maxChildren: 1 })
      yield* tasks.asyncNoLink(Effect.never)

      const error = yield* Effect.flip(tasks.asyncNoLink(Effect.never))

      assert.strictEqual(error._tag === "ChildRefused" && error.reason, "max_children")
    }))

  it.effect("does not start a task again unless told so", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()
      let temporary = 0
      let transient = 0

      yield* tasks.startChild(Effect.suspend(() => ++temporary === 1 ? Effect.die("bug") : Effect.void))
      yield* tasks.startChild(Effect.suspend(() => ++transient === 1 ? Effect.die("bug") : Effect.void), {
        restart: "transient"
      })
      yield* settle

      assert.deepStrictEqual([temporary, transient], [1, 2])
    }))
})

describe("TaskSupervisor.stream", () => {
  it.effect("80 keeps the order though the slowest is first, with no more at once than allowed", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()
      let running = 0
      let most = 0
      const collected = yield* Effect.forkChild(
        tasks.stream(
          Stream.range(1, 6),
          (n) =>
            Effect.gen(function*() {
              most = Math.max(most, ++running)
              yield* Effect.sleep(Duration.seconds(10 - n))
              running -= 1
              return n
            }),
          { concurrency: 3 }
        ).pipe(Stream.runCollect),
        { startImmediately: true }
      )

      yield* settle
      yield* passTime("1 minute")

      assert.deepStrictEqual(yield* Fiber.join(collected), [1, 2, 3, 4, 5, 6].map((n) => Exit.succeed(n)))
      assert.strictEqual(most, 3)
    }))

  it.effect("80 yields outcomes as they come when order does not matter", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()
      const collected = yield* Effect.forkChild(
        tasks.stream(Stream.fromIterable([3, 1, 2]), (n) => Effect.as(Effect.sleep(Duration.seconds(n)), n), {
          concurrency: 3,
          ordered: false
        }).pipe(Stream.runCollect),
        { startImmediately: true }
      )

      yield* passTime("1 minute")

      assert.deepStrictEqual(yield* Fiber.join(collected), [1, 2, 3].map((n) => Exit.succeed(n)))
    }))

  it.effect("80 stops only the task that exceeds its limit", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()
      const log: Array<string> = []
      const collected = yield* Effect.forkChild(
        tasks.stream(Stream.fromIterable(["a", "slow", "b"]), (name) =>
          name === "slow" ? endless(log, name) : Effect.succeed(name), {
          concurrency: 2,
          timeout: "5 seconds"
        }).pipe(Stream.runCollect),
        { startImmediately: true }
      )

      yield* settle
      yield* passTime("5 seconds")

      assert.deepStrictEqual(yield* Fiber.join(collected), [
        Exit.succeed("a"),
        Exit.fail(new TaskSupervisor.TaskStopped({ supervisor: "tasks", task: "task-2", reason: "timeout" })),
        Exit.succeed("b")
      ])
      assert.deepStrictEqual(log, ["+slow", "-slow"])
    }))

  it.effect("80 stops the tasks under way when the consumer stops early", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()
      const log: Array<string> = []

      const first = yield* tasks.stream(
        Stream.fromIterable(["a", "b", "c", "d"]),
        (name) => name === "a" ? Effect.as(settle, name) : endless(log, name),
        { concurrency: 3 }
      ).pipe(Stream.take(1), Stream.runCollect)

      assert.deepStrictEqual(first, [Exit.succeed("a")])
      assert.strictEqual(log.filter((line) => line.startsWith("+")).length, log.length / 2)
      yield* settle
      assert.strictEqual((yield* tasks.countChildren).specs, 0)
    }))

  it.effect("carries a task's failure and defect as outcomes and goes on", () =>
    Effect.gen(function*() {
      const { tasks } = yield* start()

      const outcomes = yield* tasks.stream(
        Stream.fromIterable([1, 2, 3]),
        (n) => n === 1 ? Effect.fail("down") : n === 2 ? Effect.die("bug") : Effect.succeed(n),
        { concurrency: 1 }
      ).pipe(Stream.runCollect)

      assert.deepStrictEqual(outcomes, [Exit.fail("down" as const), Exit.die("bug"), Exit.succeed(3)])
    }))

  it.effect("80 waits for a place instead of dropping an element, whatever else runs", () =>
    Effect.gen(function*() {
      yield* passTime(0)
      const { tasks } = yield* start({ maxChildren: 2 })
      const other = yield* tasks.asyncNoLink(Effect.sleep(1000))
      let most = 0
      let running = 0
      const work = (n: number) =>
        Effect.gen(function*() {
          running += 1
          most = Math.max(most, running)
          yield* Effect.sleep(100)
          running -= 1
          return n
        })

      const collecting = yield* Effect.forkChild(
        Stream.runCollect(tasks.stream(Stream.range(1, 20), work, { concurrency: 5 })),
        { startImmediately: true }
      )
      for (let step = 0; step < 40 && collecting.pollUnsafe() === undefined; step += 1) {
        yield* settle
        yield* passTime(100)
      }
      yield* settle

      assert.deepStrictEqual(
        yield* Fiber.join(collecting),
        Array.from({ length: 20 }, (_, index) => Exit.succeed(index + 1))
      )
      assert.strictEqual(most, 2)
      assert.deepStrictEqual(yield* other.await, Exit.void)
    }))

  it.effect("79 yields the outcome within a limit, or nothing, and one may ask again", () =>
    Effect.gen(function*() {
      yield* passTime(0)
      const { tasks } = yield* start()
      const task = yield* tasks.asyncNoLink(Effect.as(Effect.sleep(300), "done"))

      const early = yield* Effect.forkChild(task.yield(200), { startImmediately: true })
      yield* settle
      yield* passTime(200)
      assert.deepStrictEqual(yield* Fiber.join(early), Option.none())
      assert.strictEqual((yield* tasks.countChildren).active, 1)

      const late = yield* Effect.forkChild(task.yield(200), { startImmediately: true })
      yield* settle
      yield* passTime(100)
      assert.deepStrictEqual(yield* Fiber.join(late), Option.some(Exit.succeed("done")))
      assert.deepStrictEqual(yield* task.yield(0), Option.some(Exit.succeed("done")))
    }))

  it.effect("79 yields many within one limit for all, in their order; the others go on", () =>
    Effect.gen(function*() {
      yield* passTime(0)
      const { tasks } = yield* start()
      const after = (millis: number) => Effect.as(Effect.sleep(millis), millis)
      const many = yield* Effect.forEach(
        [after(300), after(100), Effect.fail("broken"), after(900)],
        (effect) => tasks.asyncNoLink<number, string, never>(effect)
      )

      const yielding = yield* Effect.forkChild(TaskSupervisor.yieldMany(many, 500), { startImmediately: true })
      yield* settle
      yield* passTime(499)
      yield* settle
      assert.isUndefined(yielding.pollUnsafe())
      yield* passTime(1)
      const outcomes = yield* Fiber.join(yielding)

      assert.deepStrictEqual(outcomes.map(([task]) => task), many)
      assert.deepStrictEqual(outcomes.map(([, outcome]) => outcome), [
        Option.some(Exit.succeed(300)),
        Option.some(Exit.succeed(100)),
        Option.some(Exit.fail("broken")),
        Option.none()
      ])
      assert.strictEqual((yield* tasks.countChildren).active, 1)
    }))
})
