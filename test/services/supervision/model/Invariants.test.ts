import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import { brutalTurns } from "../../../../src/domain/supervision/Shutdown.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { type ModelSpec, SupervisorModel } from "../../../../src/services/supervision/testing/SupervisorModel.ts"
import { flags, operation, parameters, spec } from "../../../domain/supervision/SupervisorCommands.ts"
import { giveWay, passTime, seed } from "../../../support/StepBudget.ts"
import { it } from "../fixtures/Leaks.ts"
import { Boom, settle, type Spec, Trace } from "../fixtures/Trace.ts"

const run = <E>(effect: Effect.Effect<void, E, Scope.Scope>): Promise<void> =>
  Effect.runPromise(
    Effect.andThen(passTime(0), effect).pipe(
      Effect.scoped,
      Effect.provide([TestClock.layer(), Logger.layer([])])
    )
  )

const stepMillis = 500
const childrenMax = 5
const limits = fc.array(
  fc.record({ limitMillis: fc.nat(6).map((n) => n * stepMillis), needsMillis: fc.nat(8).map((n) => n * stepMillis) }),
  { minLength: 1, maxLength: childrenMax }
)

/** A child with a limit of zero has turns of the scheduler instead of time; a static stop spends them child by child. */
const settleStop = Effect.andThen(giveWay(brutalTurns * childrenMax), settle)

/** Milliseconds of the test clock until the effect is done. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    yield* settleStop
    let passed = 0
    while (fiber.pollUnsafe() === undefined && passed < 100_000) {
      yield* passTime(stepMillis)
      yield* settleStop
      passed += stepMillis
    }
    yield* Fiber.join(fiber)
    return passed
  })

describe("Invariants of stopping (16, 17)", () => {
  const children = (
    trace: Trace,
    wanted: ReadonlyArray<{ readonly limitMillis: number; readonly needsMillis: number }>
  ) =>
    wanted.map(({ limitMillis, needsMillis }, index) =>
      trace.child(`${index}`, { shutdown: limitMillis, stop: Effect.sleep(needsMillis) })
    )

  it("16, 17: a static stop takes each child's own time, and never more than its limit", () =>
    fc.assert(
      fc.asyncProperty(limits, (wanted) =>
        run(Effect.gen(function*() {
          const supervisor = yield* Supervisor.start({
            id: "root",
            strategy: "one_for_one",
            children: children(new Trace(), wanted)
          })
          const expected = wanted.reduce(
            (sum, { limitMillis, needsMillis }) => sum + Math.min(limitMillis, needsMillis),
            0
          )

          assert.strictEqual(yield* timed(supervisor.stop), expected)
        }))),
      parameters(150)
    ))

  it("16, 17: a dynamic stop takes as long as its slowest child, and never more than the longest limit", () =>
    fc.assert(
      fc.asyncProperty(limits, (wanted) =>
        run(Effect.gen(function*() {
          const life = Effect.gen(function*() {
            const supervisor = yield* Supervisor.startDynamic<Boom>({ id: "dynamic", maxChildren: 10 })
            for (const child of children(new Trace(), wanted)) yield* supervisor.startChild(child)
          }).pipe(Effect.scoped)
          const expected = Math.max(...wanted.map(({ limitMillis, needsMillis }) => Math.min(limitMillis, needsMillis)))

          assert.strictEqual(yield* timed(life), expected)
        }))),
      parameters(150)
    ))
})

const childOf = (trace: Trace, { id, restart, significant }: ModelSpec): Spec =>
  trace.child(id, { restart, significant })

/** Under a step budget who asks first need not arrive first, and `Callers.test.ts` is about that: here they take turns. */
const inOrder = seed === undefined ? Effect.void : giveWay(1)

describe("Invariants of requests (23, 28, 29)", () => {
  const requests = fc.array(
    operation(false).filter(({ _tag }) => ["startChild", "terminate", "restart", "delete"].includes(_tag)),
    { minLength: 1, maxLength: 20 }
  )

  it("28: callers at the same time see what they would have seen one after the other", () =>
    fc.assert(
      fc.asyncProperty(requests, (operations) =>
        run(Effect.gen(function*() {
          const trace = new Trace()
          const none: ReadonlyArray<Spec> = []
          const supervisor = yield* Supervisor.start({ id: "root", strategy: "one_for_one", children: none })
          const model = new SupervisorModel(
            { strategy: "one_for_one", maxRestarts: 3, periodMillis: 5000, autoShutdown: "never" },
            []
          )
          const callers = yield* Effect.forEach(operations, (operation) => {
            const request = operation._tag === "startChild"
              ? supervisor.startChild(childOf(trace, operation.spec))
              : operation._tag === "terminate"
              ? Effect.as(supervisor.terminateChild(operation.id), "ok")
              : operation._tag === "restart"
              ? supervisor.restartChild(operation.id)
              : operation._tag === "delete"
              ? Effect.as(supervisor.deleteChild(operation.id), "ok")
              : Effect.succeed("")
            const reply = Effect.match(request, {
              onSuccess: (done): string => done,
              onFailure: (error) => "reason" in error ? error.reason : error._tag
            })
            return Effect.tap(Effect.forkChild(reply, { startImmediately: true }), inOrder)
          })
          const replies = yield* Effect.forEach(callers, Fiber.join)

          const expected = operations.map((operation) => model.perform(operation))
          assert.deepStrictEqual(replies, expected.map(({ reply }) => reply))
          assert.strictEqual(trace.take(), expected.map(({ log }) => log).filter((log) => log !== "").join(" "))
        }))),
      parameters(500)
    ))

  it("23, 3: a dynamic supervisor never has more children than allowed, and as many fibers as running children", () =>
    fc.assert(
      fc.asyncProperty(fc.array(operation(false), { maxLength: 30 }), (operations) =>
        run(Effect.gen(function*() {
          const trace = new Trace()
          const supervisor = yield* Supervisor.startDynamic<Boom>({
            id: "dynamic",
            maxChildren: 2,
            intensity: { maxRestarts: 1000, period: "1 hour" }
          })
          for (const operation of operations) {
            if (operation._tag === "startChild") {
              yield* Effect.ignore(supervisor.startChild(childOf(trace, operation.spec)))
            }
            if (operation._tag === "terminate") yield* Effect.ignore(supervisor.terminateChild(operation.id))
            if (operation._tag === "failNextStart") trace.failStart(operation.id, operation.times)
            if (operation._tag === "exit") {
              yield* trace.endNow(operation.id, operation.exit === "normal" ? Effect.void : Effect.fail(new Boom("x")))
            }
            yield* settle
            const { active, specs } = yield* supervisor.countChildren
            assert.isAtMost(specs, 2)
            assert.strictEqual(trace.liveFibers, active)
          }
        }))),
      parameters(300)
    ))

  it("29: the check accepts exactly what a start accepts", () =>
    fc.assert(
      fc.asyncProperty(
        flags(fc.constantFrom("never", "any_significant")),
        fc.array(spec(fc.constantFrom("a", "b", ""), true), { maxLength: 3 }),
        fc.boolean(),
        ({ autoShutdown, maxRestarts, periodMillis, strategy }, specs, isBroken) =>
          run(Effect.gen(function*() {
            const trace = new Trace()
            const options = {
              id: "root",
              strategy,
              autoShutdown,
              intensity: { maxRestarts: isBroken ? maxRestarts - 1 : maxRestarts, period: periodMillis },
              children: specs.map((spec) => childOf(trace, spec))
            }

            const started = yield* Effect.exit(Effect.scoped(Supervisor.start(options)))

            assert.strictEqual(started._tag === "Success", Supervisor.check(options).length === 0)
          }))
      ),
      parameters(500)
    ))
})
