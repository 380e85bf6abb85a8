import { assert, describe } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import type { ModelSpec } from "../../../../src/services/supervision/testing/SupervisorModel.ts"
import {
  DynamicModel,
  type DynamicObservation,
  type DynamicOperation
} from "../../../domain/supervision/DynamicModel.ts"
import { operation, parameters } from "../../../domain/supervision/SupervisorCommands.ts"
import { passTime } from "../../../support/StepBudget.ts"
import { it, withoutLeaks } from "../fixtures/Leaks.ts"
import { type Boom, ends, settle, type Spec, Trace } from "../fixtures/Trace.ts"

const maxChildren = 3

const childOf = (trace: Trace, { backoffMillis, id, restart }: ModelSpec): Spec =>
  trace.child(id, {
    restart,
    ...(backoffMillis === 0 ? {} : { backoff: { schedule: Schedule.spaced(backoffMillis) } })
  })

const dynamicOperation = operation(false).filter(
  (candidate): candidate is Extract<ReturnType<typeof asDynamic>, object> => asDynamic(candidate) !== undefined
)

/** The operations that a dynamic supervisor has, too. */
function asDynamic(candidate: { readonly _tag: string }): DynamicOperation | undefined {
  // boundary: the tag says which operation it is, and both kinds of supervisor share the operations of these tags
  return ["startChild", "terminate", "exit", "failNextStart", "advance"].includes(candidate._tag)
    ? candidate as DynamicOperation
    : undefined
}

const reason = (error: object): string => {
  if ("_tag" in error && error._tag === "SupervisorGone") return "gone"
  return "reason" in error ? String(error.reason) : "failed"
}

const life = Effect.fnUntraced(function*(
  flags: { readonly maxRestarts: number; readonly periodMillis: number },
  operations: ReadonlyArray<DynamicOperation>
) {
  const trace = new Trace()
  const scope = yield* Scope.make()
  const supervisor = yield* Supervisor.startDynamic<Boom>({
    id: "dynamic",
    maxChildren,
    intensity: { maxRestarts: flags.maxRestarts, period: Duration.millis(flags.periodMillis) }
  }).pipe(Scope.provide(scope))
  const ended = yield* Effect.forkChild(Effect.exit(supervisor.await), { startImmediately: true })
  const model = new DynamicModel(flags, maxChildren)
  let starts = 0

  const ask = (operation: DynamicOperation): Effect.Effect<string> => {
    switch (operation._tag) {
      case "startChild":
        return Effect.match(supervisor.startChild(childOf(trace, operation.spec)), {
          onSuccess: String,
          onFailure: reason
        })
      case "terminate":
        return Effect.match(supervisor.terminateChild(operation.id), { onSuccess: () => "ok", onFailure: reason })
      case "exit":
        return Effect.as(
          trace.endNow(
            operation.id,
            operation.exit === "killed" ? "kill" : operation.exit === "failure" ? ends.error : ends[operation.exit]
          ),
          ""
        )
      case "failNextStart":
        return Effect.as(Effect.sync(() => trace.failStart(operation.id, operation.times)), "")
      case "advance":
        return Effect.as(passTime(operation.millis), "")
    }
  }

  for (const operation of operations) {
    const reply = yield* ask(operation)
    yield* settle
    starts += trace.take().split(" ").filter((word) => word.startsWith("+")).length
    const seen: DynamicObservation = {
      reply,
      children: yield* Effect.match(supervisor.whichChildren, {
        onSuccess: (children) => children.map(({ id, status }) => `${id}:${status}`).join(" "),
        onFailure: () => "gone"
      }),
      counts: yield* Effect.match(supervisor.countChildren, {
        onSuccess: ({ active, specs }) => `${specs}/${active}`,
        onFailure: () => "gone"
      }),
      starts,
      live: trace.liveFibers,
      ended: endOf(ended)
    }
    assert.deepStrictEqual(seen, model.perform(operation), JSON.stringify(operation))
  }
  yield* Scope.close(scope, Exit.void)
})

const endOf = <E extends { readonly reason: string }>(ended: Fiber.Fiber<Exit.Exit<void, E>>): string => {
  const exit = ended.pollUnsafe()
  if (exit === undefined || exit._tag === "Failure" || exit.value._tag === "Success") return ""
  return exit.value.cause.reasons.map((reason) => reason._tag === "Fail" ? reason.error.reason : "").join()
}

describe("The dynamic supervisor on fibers", () => {
  it(
    "does what its model does, in 1,000 random lives of up to 40 steps",
    () =>
      fc.assert(
        fc.asyncProperty(
          fc.record({ maxRestarts: fc.nat(4), periodMillis: fc.constantFrom(1, 1000, 5000) }),
          fc.array(dynamicOperation, { maxLength: 40 }),
          (flags, operations) =>
            Effect.runPromise(
              withoutLeaks(Effect.andThen(passTime(0), life(flags, operations))).pipe(
                Effect.provide([TestClock.layer(), Logger.layer([])])
              )
            )
        ),
        parameters(1000)
      ),
    120_000
  )
})
