import { assert, describe } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import type { SupervisionEvent } from "../../../src/domain/supervision/SupervisionEvent.ts"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import { type Life, lives, parameters, type World } from "../../domain/supervision/SupervisorCommands.ts"
import {
  type ModelFlags,
  type ModelSpec,
  type Observation,
  type Operation,
  SupervisorModel
} from "../../domain/supervision/SupervisorModel.ts"
import { it } from "./Leaks.ts"
import { Boom, type End, ends, type Spec, Trace } from "./Trace.ts"

/** Enough for every consequence of one operation that takes no time. */
const settle = Effect.repeat(Effect.yieldNow, { times: 16 })

const optionsOf = (trace: Trace, flags: ModelFlags, specs: ReadonlyArray<ModelSpec>) => ({
  id: "root",
  strategy: flags.strategy,
  autoShutdown: flags.autoShutdown,
  intensity: { maxRestarts: flags.maxRestarts, period: Duration.millis(flags.periodMillis) },
  children: specs.map((spec) => childOf(trace, spec))
})

const childOf = (trace: Trace, { backoffMillis, id, restart, significant }: ModelSpec): Spec =>
  trace.child(id, {
    restart,
    significant,
    ...(backoffMillis === 0 ? {} : { backoff: { schedule: Schedule.spaced(backoffMillis) } })
  })

const replyOf = (request: Effect.Effect<"started" | "ignored" | void, unknown>): Effect.Effect<string> =>
  Effect.match(request, {
    onSuccess: (done) => done ?? "ok",
    onFailure: (error) => {
      if (!(error instanceof Error && "_tag" in error)) return String(error)
      if (error._tag === "SupervisorGone") return "gone"
      return "reason" in error ? String(error.reason) : "failed"
    }
  })

/** The real supervisor on the test clock. */
const fiberWorld = Effect.fnUntraced(function*({ flags, specs }: Life) {
  const trace = new Trace()
  const events: Array<SupervisionEvent> = []
  const tree = yield* SupervisionTree
  yield* Effect.forkScoped(Stream.runForEach(tree.events, (event) => Effect.sync(() => events.push(event))))
  yield* settle
  const supervisor = yield* Supervisor.start(optionsOf(trace, flags, specs))
  const initial = specs.map(({ id }) => id)
  const context = yield* Effect.context()
  const run = Effect.runPromiseWith(context)

  const request = (operation: Operation, specs: ReadonlyArray<ModelSpec>): Effect.Effect<string> => {
    switch (operation._tag) {
      case "startChild":
        return replyOf(supervisor.startChild(childOf(trace, operation.spec)))
      case "terminate":
        return replyOf(supervisor.terminateChild(operation.id))
      case "restart":
        return replyOf(supervisor.restartChild(operation.id))
      case "delete":
        return replyOf(supervisor.deleteChild(operation.id))
      case "changeFlags":
        return replyOf(supervisor.changeSpecs(optionsOf(trace, operation.flags, specs)))
      case "stop":
        return Effect.as(supervisor.stop, "")
      case "advance":
        return Effect.as(TestClock.adjust(operation.millis), "")
      case "failNextStart":
        return Effect.as(Effect.sync(() => trace.failStart(operation.id, operation.times)), "")
      case "exit":
        return Effect.as(trace.endNow(operation.id, endOf(operation.exit)), "")
    }
  }

  const world: World = {
    perform: (operation, specs) =>
      run(Effect.gen(function*() {
        const reply = yield* request(operation, specs)
        yield* settle
        const { children, state } = yield* supervisor.tree
        const ended = state === "stopped" ? yield* Effect.exit(supervisor.await) : undefined
        assert.strictEqual(trace.liveFibers, children.filter((child) => child.state === "running").length)
        assert.deepStrictEqual(replay(initial, events), children.map(({ id, state }) => `${id}:${state}`).toSorted())
        return {
          reply,
          log: trace.take(),
          children: children.map(({ id, state }) => `${id}:${state}`).join(" "),
          ended: ended === undefined ? "" : Exit.match(ended, {
            onSuccess: () => "stopped",
            onFailure: (cause) =>
              cause.reasons.map((reason) => reason._tag === "Fail" ? reason.error.reason : "").join()
          })
        } satisfies Observation
      }))
  }
  return world
})

const endOf = (exit: "normal" | "shutdown" | "failure" | "killed"): End | "kill" => {
  switch (exit) {
    case "normal":
    case "shutdown":
      return ends[exit]
    case "failure":
      return Effect.fail(new Boom("failure"))
    case "killed":
      return "kill"
  }
}

/** Rebuilds the list of children from nothing but the events. */
const replay = (initial: ReadonlyArray<string>, events: ReadonlyArray<SupervisionEvent>): ReadonlyArray<string> => {
  const children = new Map<string, string>(initial.map((id) => [id, "stopped"]))
  for (const event of events) {
    switch (event._tag) {
      case "ChildAdded":
      case "ChildExited":
      case "ChildRestartCancelled":
      case "ChildStopped":
      case "ChildAbandoned":
      case "ChildStartFailed":
        children.set(event.child, "stopped")
        break
      case "ChildStarted":
        children.set(event.child, "running")
        break
      case "ChildRestarting":
        children.set(event.child, "restarting")
        break
      case "ChildRemoved":
        children.delete(event.child)
    }
  }
  return [...children].map(([id, state]) => `${id}:${state}`).toSorted()
}

describe("The supervisor on fibers", () => {
  it("does what the model of OTP does, in 4,000 random lives of up to 50 steps", async () => {
    await fc.assert(
      fc.asyncProperty(lives, ({ commands, life }) =>
        Effect.runPromise(
          Effect.gen(function*() {
            yield* TestClock.adjust(0)
            const real = yield* fiberWorld(life)
            const model = new SupervisorModel(life.flags, life.specs)
            const begin: Operation = { _tag: "advance", millis: 0 }
            const expected = model.perform(begin)
            yield* Effect.promise(async () => assert.deepStrictEqual(await real.perform(begin, life.specs), expected))
            yield* Effect.promise(() => fc.asyncModelRun(() => ({ model, real }), commands))
          }).pipe(Effect.scoped, Effect.provide([TestClock.layer(), SupervisionTree.layer, Logger.layer([])]))
        )),
      parameters(4000)
    )
  }, 60_000)
})
