import { assert, describe, it as plain } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import { it, leftBehind, withoutLeaks } from "../fixtures/Leaks.ts"
import { Trace } from "../fixtures/Trace.ts"

const failsFor = (effect: Effect.Effect<unknown>) =>
  Effect.map(Effect.exit(withoutLeaks(effect)), (exit) => exit._tag === "Failure")

describe("The look for leaks after each test of supervision", () => {
  plain.effect(
    "notices a fiber that outlives the test, and one that was announced and did not",
    () =>
      Effect.gen(function*() {
        const end = yield* Deferred.make<void>()

        assert.isTrue(yield* failsFor(Effect.forkDetach(Deferred.await(end))))
        assert.isTrue(yield* failsFor(leftBehind(1)))
        assert.isFalse(yield* failsFor(Effect.void))

        yield* Deferred.succeed(end, undefined)
      })
  )

  plain.effect("notices a supervisor that nobody stops", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const end = yield* Deferred.make<void>()
      const stray = Effect.forkDetach(
        Effect.raceFirst(
          Supervisor.run({ id: "stray", strategy: "one_for_one", children: [trace.child("a")] }),
          Deferred.await(end)
        ),
        { startImmediately: true }
      )

      assert.isTrue(yield* failsFor(stray))

      yield* Deferred.succeed(end, undefined)
    }))

  it.effect("finds nothing after a tree that was stopped by its Scope", () =>
    Supervisor.start({ id: "root", strategy: "one_for_one", children: [new Trace().child("a")] }))
})
