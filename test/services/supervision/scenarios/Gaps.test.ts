/**
 * Between a check and its act nobody has a turn, whatever the step budget: each situation is tried with many budgets,
 * from many starting points. `npm run test:steps` does the same to all other suites.
 */
import { assert, describe } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { ChildRefused } from "../../../../src/services/supervision/SupervisorError.ts"
import { it } from "../fixtures/Leaks.ts"
import { settle, type Spec, Trace } from "../fixtures/Trace.ts"

const idle: Effect.Effect<never, string> = Effect.never

/** Whether an effect ends within so many turns of the event loop. */
const endsSoon = Effect.fnUntraced(function*<A, E>(effect: Effect.Effect<A, E>, turnsMax = 5000) {
  const fiber = yield* Effect.forkDetach(effect, { startImmediately: true })
  for (let turn = 0; turn < turnsMax && fiber.pollUnsafe() === undefined; turn += 1) yield* Effect.yieldNow
  const hasEnded = fiber.pollUnsafe() !== undefined
  if (!hasEnded) yield* Fiber.interrupt(fiber)
  return hasEnded
})

const yields = (times: number) =>
  Effect.forEach(Array.from({ length: times }), () => Effect.yieldNow, { discard: true })

describe("No gap", () => {
  // 01-supervisor-deaf-after-burst.ts
  it.live("between finding the mailbox empty and waiting: a stop always ends", () =>
    Effect.gen(function*() {
      const stops = (siblings: number, crashes: number, turns: number, budget: number) =>
        Effect.gen(function*() {
          const scope = yield* Scope.make()
          let started = 0
          yield* Supervisor.start({
            id: "s",
            strategy: "one_for_one",
            intensity: { maxRestarts: 1_000_000, period: "1 minute" },
            children: [
              ...Array.from({ length: siblings }, (_, index) => Supervisor.child({ id: `s${index}`, run: idle })),
              Supervisor.child({
                id: "c",
                restart: "transient",
                run: Effect.suspend(() => started++ < crashes ? Effect.fail("x") : Effect.never)
              })
            ]
          }).pipe(Scope.provide(scope), Effect.provideService(Scheduler.MaxOpsBeforeYield, budget))
          yield* yields(turns)
          return yield* endsSoon(Scope.close(scope, Exit.void))
        })
      const hanging: Array<string> = []
      for (const [siblings, crashes] of [[11, 146], [28, 139], [33, 137]] as const) {
        if (!(yield* stops(siblings, crashes, 1, 2048))) hanging.push(`${siblings} siblings, ${crashes} crashes`)
      }
      for (let turns = 0; turns < 2; turns += 1) {
        for (let budget = 5; budget < 120; budget += 1) {
          if (!(yield* stops(0, 0, turns, budget))) hanging.push(`budget ${budget}, ${turns} turns`)
        }
      }

      assert.deepStrictEqual(hanging, [])
    }))

  // 02-dynamic-child-outlives-supervisor.ts
  it.live("between forking a dynamic child and noting it: none outlives its supervisor's stop", () =>
    Effect.gen(function*() {
      const left = (count: number, turns: number, budget: number) =>
        Effect.gen(function*() {
          let live = 0
          const worker = Effect.acquireUseRelease(
            Effect.sync(() => {
              live += 1
            }),
            () => Effect.never,
            () =>
              Effect.sync(() => {
                live -= 1
              })
          )
          const scope = yield* Scope.make()
          const supervisor = yield* Supervisor.startDynamic({ id: "d", maxChildren: 1000 }).pipe(Scope.provide(scope))
          const starting = Effect.forEach(
            Array.from({ length: count }, (_, index) => index),
            (index) => supervisor.startChild(Supervisor.child({ id: `${index}`, shutdown: "1 hour", run: worker })),
            { discard: true }
          )
          const starter = yield* Effect.forkDetach(
            Effect.provideService(Effect.exit(starting), Scheduler.MaxOpsBeforeYield, budget)
          )
          yield* yields(turns)
          assert.isTrue(yield* endsSoon(Scope.close(scope, Exit.void)))
          assert.isTrue(yield* endsSoon(Fiber.await(starter)))
          return live
        })
      const wrong: Array<string> = []
      for (let turns = 1; turns < 5; turns += 1) {
        if ((yield* left(200, turns, 2048)) > 0) wrong.push(`default budget, ${turns} turns`)
      }
      for (let budget = 5; budget < 60; budget += 1) {
        for (let turns = 0; turns < 4; turns += 1) {
          if ((yield* left(1, turns, budget)) > 0) wrong.push(`budget ${budget}, ${turns} turns`)
        }
      }

      assert.deepStrictEqual(wrong, [])
    }))

  const stopsSlowly = (trace: Trace, restart: "temporary" | "permanent") =>
    trace.child("job", { restart, stop: Effect.repeat(Effect.yieldNow, { times: 5 }) })
  const bystander: Spec = Supervisor.child({ id: "x", run: Effect.never })

  /** Under a small budget whoever ends the job may still be on the way: until then the job has already started. */
  const onceStopping = <A, E>(start: Effect.Effect<A, E>) =>
    Effect.retry(start, {
      times: 1000,
      while: (error) => error instanceof ChildRefused && error.reason === "already_started"
    })

  // 03-stale-exit-orphans-new-child.ts
  it.effect("between a stop and a start under the same id: one caller stops a child, another starts it anew", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const job = stopsSlowly(trace, "temporary")
      const supervisor = yield* Supervisor.start({ id: "a", strategy: "one_for_one", children: [bystander] })
      yield* supervisor.startChild(job)
      const stopping = yield* Effect.forkChild(supervisor.terminateChild("job"), { startImmediately: true })
      yield* onceStopping(supervisor.startChild(job))
      yield* Fiber.join(stopping)
      yield* settle

      assert.deepInclude(yield* supervisor.whichChildren.pipe(Effect.map(([job]) => job)), {
        id: "job",
        status: "running"
      })
      assert.strictEqual(trace.liveFibers, 1)
      yield* supervisor.stop
      assert.strictEqual(trace.liveFibers, 0)
    }))

  // 03-stale-exit-orphans-new-child.ts
  it.effect("between a stop and a start under the same id: a group restart and a request", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const job = stopsSlowly(trace, "temporary")
      const supervisor = yield* Supervisor.start({
        id: "b",
        strategy: "one_for_all",
        children: [trace.child("x"), job]
      })
      yield* trace.endNow("x", Effect.fail({ _tag: "Boom", id: "x" }))
      yield* onceStopping(supervisor.startChild(job))
      yield* settle

      assert.deepStrictEqual((yield* supervisor.whichChildren).map(({ id, status }) => [id, status]), [
        ["job", "running"],
        ["x", "running"]
      ])
      assert.strictEqual(trace.liveFibers, 2)
    }))

  // 03-stale-exit-orphans-new-child.ts
  it.effect("between a stop and a start under the same id: stop, delete and add queue up", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const job = stopsSlowly(trace, "permanent")
      const supervisor = yield* Supervisor.start({ id: "c", strategy: "one_for_one", children: [bystander] })
      yield* supervisor.startChild(job)
      const [first] = yield* supervisor.whichChildren
      const requests = [supervisor.terminateChild("job"), supervisor.deleteChild("job"), supervisor.startChild(job)]
      yield* Fiber.awaitAll(
        yield* Effect.forEach(
          requests,
          (request) => Effect.forkChild(Effect.exit<unknown, unknown, never>(request), { startImmediately: true })
        )
      )
      yield* settle

      const [second] = yield* supervisor.whichChildren
      assert.deepInclude(second, { id: "job", status: "running" })
      assert.isAbove(second?.generation ?? 0, first?.generation ?? 0, "generations never repeat")
      assert.strictEqual(trace.liveFibers, 1)
    }))
})

describe("Every request is answered", () => {
  const stuck = Supervisor.child({
    id: "a",
    shutdown: "50 millis",
    start: Effect.as(Effect.acquireRelease(Effect.andThen(Effect.sleep(300), Effect.void), () => Effect.void), idle)
  })

  // 04-startchild-never-answers.ts
  it.live("startChild of a dynamic supervisor, when the child is left behind in its start", () =>
    Effect.gen(function*() {
      const supervisor = yield* Supervisor.startDynamic<string>({ id: "d", maxChildren: 10 })
      const caller = yield* Effect.forkChild(Effect.flip(supervisor.startChild(stuck)), { startImmediately: true })
      yield* Effect.sleep(5)
      yield* supervisor.terminateChild("a")

      const error = yield* Fiber.join(caller)
      assert.strictEqual(
        error.message,
        "d/a could not start: StartAbandoned: d/a was left behind in its start, it did not end within 50 ms"
      )
      yield* Effect.sleep(400)
    }))

  // 04-startchild-never-answers.ts
  it.live("startChild of a dynamic supervisor, when the supervisor ends meanwhile", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const supervisor = yield* Supervisor.startDynamic<string>({ id: "d", maxChildren: 10 }).pipe(Scope.provide(scope))
      const caller = yield* Effect.forkChild(Effect.flip(supervisor.startChild(stuck)), { startImmediately: true })
      yield* Effect.sleep(5)
      yield* Scope.close(scope, Exit.void)

      assert.strictEqual((yield* Fiber.join(caller))._tag, "SupervisorGone")
      yield* Effect.sleep(400)
    }))

  it.effect("a child that starts siblings from its own start gets an error instead of a deadlock", () =>
    Effect.gen(function*() {
      const none: ReadonlyArray<Spec> = []
      const supervisor = yield* Supervisor.start({ id: "s", strategy: "one_for_one", children: none })
      const sibling = Supervisor.child({ id: "sibling", run: Effect.never })
      const reasons: Array<string> = []
      const ask = Effect.exit(supervisor.startChild(sibling)).pipe(
        Effect.map((exit) => {
          const error = exit._tag === "Failure" ? Cause.squash(exit.cause) : undefined
          reasons.push(error instanceof ChildRefused ? error.reason : String(error))
        })
      )
      yield* supervisor.startChild(Supervisor.child({
        id: "parent",
        start: Effect.gen(function*() {
          yield* ask
          // Also from further down, and from what it does when it is stopped.
          yield* Effect.orDie(Supervisor.start({
            id: "below",
            strategy: "one_for_one",
            children: [Supervisor.child({ id: "c", start: Effect.as(ask, Effect.never) })]
          }))
          yield* Effect.addFinalizer(() => ask)
          return Effect.never
        })
      }))
      yield* supervisor.terminateChild("parent")

      assert.deepStrictEqual(reasons, ["awaits_caller", "awaits_caller", "awaits_caller"])
    }))

  it.effect("a child that waits for its place in a full dynamic supervisor gets it in the order of the requests", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const supervisor = yield* Supervisor.startDynamic<unknown>({ id: "d", maxChildren: 1 })
      yield* supervisor.startChild(trace.child("a"))
      const waiting = yield* Effect.forEach(
        ["b", "c", "d"],
        (id) =>
          Effect.forkChild(supervisor.startChild(trace.child(id), { whenFull: "wait" }), { startImmediately: true })
      )
      yield* settle
      const [b, c] = waiting
      if (b !== undefined) yield* Fiber.interrupt(b)
      yield* supervisor.terminateChild("a")
      yield* settle

      assert.deepStrictEqual((yield* supervisor.whichChildren).map(({ id }) => id), ["c"])
      if (c !== undefined) assert.strictEqual(yield* Fiber.join(c), "started")
      assert.deepInclude(yield* Effect.flip(supervisor.startChild(trace.child("e"))), { reason: "max_children" })
    }))
})
