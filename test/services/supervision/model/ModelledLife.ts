/** Random lives of a real supervisor on the test clock, held step by step to the model. */
import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import type { SupervisionEvent } from "../../../../src/domain/supervision/SupervisionEvent.ts"
import { SupervisionTree } from "../../../../src/services/supervision/SupervisionTree.ts"
import * as Supervisor from "../../../../src/services/supervision/Supervisor.ts"
import {
  type ModelFlags,
  type ModelSpec,
  type Observation,
  type Operation,
  stopLimitMillis,
  SupervisorModel
} from "../../../../src/services/supervision/testing/SupervisorModel.ts"
import { type Life, lives, parameters, type World } from "../../../domain/supervision/SupervisorCommands.ts"
import { giveWay, passTime } from "../../../support/StepBudget.ts"
import { withoutLeaks } from "../fixtures/Leaks.ts"
import { Boom, type End, ends, type Spec, Trace } from "../fixtures/Trace.ts"

/** Enough for every consequence of one operation that takes no time. */
const settle = giveWay(16)

/** Children whose stops can be slow, while their ends by themselves never are. */
class SlowTrace extends Trace {
  readonly slowMillis = new Map<string, number>()
  readonly endingByThemselves = new Set<string>()

  of({ backoffMillis, id, restart, significant }: ModelSpec): Spec {
    return this.child(id, {
      restart,
      significant,
      shutdown: stopLimitMillis,
      stop: Effect.suspend(() => {
        const millis = this.endingByThemselves.delete(id) ? 0 : this.slowMillis.get(id) ?? 0
        return millis === 0 ? Effect.void : Effect.sleep(millis)
      }),
      ...(backoffMillis === 0 ? {} : { backoff: { schedule: Schedule.spaced(backoffMillis) } })
    })
  }
}

const optionsOf = (trace: SlowTrace, flags: ModelFlags, specs: ReadonlyArray<ModelSpec>) => ({
  id: "root",
  strategy: flags.strategy,
  autoShutdown: flags.autoShutdown,
  intensity: { maxRestarts: flags.maxRestarts, period: Duration.millis(flags.periodMillis) },
  children: specs.map((spec) => trace.of(spec))
})

export const replyOf = (request: Effect.Effect<"started" | "ignored" | void, unknown>): Effect.Effect<string> =>
  Effect.match(request, {
    onSuccess: (done) => done ?? "ok",
    onFailure: (error) => {
      if (!(error instanceof Error && "_tag" in error)) return String(error)
      if (error._tag === "SupervisorGone") return "gone"
      return "reason" in error ? String(error.reason) : "failed"
    }
  })

/** The supervisor in a fiber of its own, which keeps it until it is interrupted. */
const begin = Effect.fnUntraced(function*(trace: SlowTrace, { flags, specs }: Life) {
  const started = yield* Deferred.make<Supervisor.Supervisor<Boom>>()
  const owner = yield* Supervisor.start(optionsOf(trace, flags, specs)).pipe(
    Effect.tap((supervisor) => Deferred.succeed(started, supervisor)),
    Effect.andThen(Effect.never),
    Effect.scoped,
    Effect.forkChild({ startImmediately: true })
  )
  return { owner, supervisor: yield* Deferred.await(started) }
})

/** The real supervisor on the test clock. */
const fiberWorld = Effect.fnUntraced(function*(life: Life, events: Array<SupervisionEvent>) {
  const trace = new SlowTrace()
  const tree = yield* SupervisionTree
  yield* Effect.forkScoped(Stream.runForEach(tree.events, (event) => Effect.sync(() => events.push(event))))
  yield* settle
  const { owner, supervisor } = yield* begin(trace, life)
  const initial = life.specs.map(({ id }) => id)
  const context = yield* Effect.context()
  const run = Effect.runPromiseWith(context)

  const carryOut = (operation: Operation): Effect.Effect<string> => {
    switch (operation._tag) {
      case "startChild":
        return replyOf(supervisor.startChild(trace.of(operation.spec)))
      case "terminate":
        return replyOf(supervisor.terminateChild(operation.id))
      case "restart":
        return replyOf(supervisor.restartChild(operation.id))
      case "delete":
        return replyOf(supervisor.deleteChild(operation.id))
      case "changeSpecs":
        return replyOf(supervisor.changeSpecs(optionsOf(trace, operation.flags, operation.specs)))
      case "stop":
        return Effect.as(supervisor.stop, "")
      case "killSupervisor":
        return Effect.as(Fiber.interrupt(owner), "")
      case "advance":
        return Effect.succeed("")
      case "failNextStart":
        return Effect.as(Effect.sync(() => trace.failStart(operation.id, operation.times)), "")
      case "slowStop":
        return Effect.as(Effect.sync(() => trace.slowMillis.set(operation.id, operation.millis)), "")
      case "exit":
        return Effect.as(end(operation.id, endOf(operation.exit)), "")
    }
  }

  const end = (id: string, how: End | "kill") =>
    Effect.gen(function*() {
      const child = (yield* supervisor.tree).children.find((child) => child.id === id)
      if (child?.state !== "running") return
      trace.endingByThemselves.add(id)
      yield* trace.endNow(id, how)
    })

  const observe = (reply: string, repliedAfterMillis: number, tookMillis: number): Effect.Effect<Observation> =>
    Effect.gen(function*() {
      const { children, state } = yield* supervisor.tree
      assert.include(["running", "stopped"], state, "something is still under way")
      const listed = children.map(({ id, state }) => `${id}:${state}`)
      assert.deepStrictEqual(replay(initial, events), listed.toSorted())
      const ended = state === "stopped" ? yield* Effect.exit(supervisor.await) : undefined
      return {
        reply,
        repliedAfterMillis,
        tookMillis,
        log: trace.take(),
        children: listed.join(" "),
        which: yield* Effect.match(supervisor.whichChildren, {
          onSuccess: (infos) => infos.map(({ id, status }) => `${id}:${status}`).join(" "),
          onFailure: () => "gone"
        }),
        counts: yield* Effect.match(supervisor.countChildren, {
          onSuccess: ({ active, specs, supervisors, workers }) => `${specs}/${active}/${supervisors}/${workers}`,
          onFailure: () => "gone"
        }),
        ended: ended === undefined ? "" : Exit.match(ended, {
          onSuccess: () => "stopped",
          onFailure: (cause) => cause.reasons.map((reason) => reason._tag === "Fail" ? reason.error.reason : "").join()
        }),
        live: trace.liveFibers
      }
    })

  const world: World = {
    perform: (operation, tookMillis) =>
      run(Effect.gen(function*() {
        const beganAtMillis = yield* Clock.currentTimeMillis
        const asked = yield* Effect.forkChild(
          Effect.flatMap(
            carryOut(operation),
            (reply) => Effect.map(Clock.currentTimeMillis, (at) => ({ reply, afterMillis: at - beganAtMillis }))
          ),
          { startImmediately: true }
        )
        yield* settle
        if (tookMillis > 0) yield* Effect.andThen(passTime(tookMillis), settle)
        // Whoever waits longer than the model will never be answered.
        const answer = asked.pollUnsafe() === undefined ? undefined : yield* Fiber.join(asked)
        return yield* observe(answer?.reply ?? "not answered", answer?.afterMillis ?? -1, tookMillis)
      }))
  }
  /** Ends the supervisor, if nothing else has, and everything that was left behind. */
  const finish = Effect.gen(function*() {
    const stopping = yield* Effect.forkChild(Fiber.interrupt(owner), { startImmediately: true })
    yield* Effect.andThen(settle, Effect.andThen(passTime("1 minute"), settle))
    yield* Fiber.join(stopping)
  })
  return { finish, world }
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

/** The real supervisor, for the checks of the kit; it has ended when the scope closes. */
export const supervisorWorld = (life: Life) =>
  Effect.gen(function*() {
    yield* passTime(0)
    const { world } = yield* Effect.acquireRelease(fiberWorld(life, []), ({ finish }) => finish)
    return {
      perform: (operation: Operation, tookMillis: number) =>
        Effect.promise(async () => world.perform(operation, tookMillis))
    }
  })

/** Leads one life, and returns what was published about it. */
export const lead = (life: Life, commands: Commands): Promise<ReadonlyArray<SupervisionEvent>> =>
  Effect.runPromise(
    withoutLeaks(Effect.gen(function*() {
      yield* passTime(0)
      const events: Array<SupervisionEvent> = []
      const { finish, world } = yield* fiberWorld(life, events)
      const model = new SupervisorModel(life.flags, life.specs)
      const expected = model.perform({ _tag: "advance", millis: 0 })
      yield* Effect.promise(async () =>
        assert.deepStrictEqual(await world.perform({ _tag: "advance", millis: 0 }, 0), expected)
      )
      yield* Effect.promise(() => fc.asyncModelRun(() => ({ model, real: world }), commands))
      yield* finish
      return events
    })).pipe(Effect.provide([TestClock.layer(), SupervisionTree.layer, Logger.layer([])]))
  )

type Commands = Iterable<fc.AsyncCommand<SupervisorModel, World>>

/** Fails with seed and path when one of so many random lives differs from the model. */
export const holdToModel = (numRuns: number, seedOffset = 0): Promise<void> =>
  fc.assert(
    fc.asyncProperty(lives, async ({ commands, life }) => {
      await lead(life, commands)
    }),
    parameters(numRuns, seedOffset)
  )
