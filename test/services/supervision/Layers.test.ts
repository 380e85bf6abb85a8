import { assert, describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import type { ChildSpec } from "../../../src/services/supervision/ChildSpec.ts"
import * as PartitionSupervisor from "../../../src/services/supervision/PartitionSupervisor.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
import * as TaskSupervisor from "../../../src/services/supervision/TaskSupervisor.ts"
import { it } from "./fixtures/Leaks.ts"
import { type Boom, settle, Trace } from "./fixtures/Trace.ts"

class Connection extends Context.Service<Connection, { readonly number: number }>()("Connection") {}
class Workers extends Context.Service<Workers, Supervisor.Supervisor<Boom>>()("Workers") {}

const connections = () => {
  let number = 0
  return Layer.effect(Connection, Effect.acquireRelease(Effect.sync(() => ({ number: ++number })), () => Effect.void))
}

describe("Layers in trees", () => {
  it.effect("lends a child's service to later siblings, anew after each restart", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const connection = yield* Supervisor.serviceChild({ id: "connection", service: Connection, layer: connections() })
      const user = Supervisor.child({
        id: "user",
        run: Effect.andThen(Effect.map(Connection, ({ number }) => seen.push(number)), Effect.never)
      })
      const needy: ChildSpec<never, Connection> = user
      const fed: ChildSpec<never, never> = connection.provide(needy)
      const supervisor = yield* Supervisor.start({ id: "root", strategy: "one_for_all", children: [connection, fed] })

      yield* settle
      yield* supervisor.terminateChild("user")
      yield* supervisor.terminateChild("connection")
      yield* supervisor.restartChild("connection")
      yield* supervisor.restartChild("user")
      yield* settle

      assert.deepStrictEqual(seen, [1, 2])
    }))

  // 09-service-child-order-and-strategy.ts
  it.effect("refuses a user before its provider, without it, and under a strategy that parts them", () =>
    Effect.gen(function*() {
      const connection = yield* Supervisor.serviceChild({ id: "connection", service: Connection, layer: connections() })
      const user = connection.provide(Supervisor.child({ id: "user", run: Effect.andThen(Connection, Effect.never) }))
      const nested = Supervisor.supervisor({ id: "nested", strategy: "one_for_one", children: [user] })
      const expected = (strategy: "one_for_one" | "rest_for_one", children: ReadonlyArray<ChildSpec<never, never>>) =>
        Supervisor.check({ id: "root", strategy, children }).map(({ child, expected, field }) =>
          `${child} ${field}: ${expected}`
        )

      assert.deepStrictEqual(expected("rest_for_one", [connection, user]), [])
      assert.deepStrictEqual(
        Supervisor.check({ id: "root", strategy: "rest_for_one", children: [connection, nested] }),
        []
      )
      assert.deepStrictEqual(expected("rest_for_one", [user, connection]), [
        "user uses: a service of a child that stands before it"
      ])
      assert.deepStrictEqual(expected("rest_for_one", [user]), [
        "user uses: a service of a child in the same list or further up"
      ])
      assert.deepStrictEqual(expected("one_for_one", [connection, user]), [
        "user uses: the strategy rest_for_one or one_for_all, which restart it with its provider"
      ])
      assert.deepStrictEqual(
        Supervisor.check({ id: "root", strategy: "rest_for_one", children: [nested] }).map(({ field }) => field),
        ["uses"]
      )
    }))

  // 09-service-child-order-and-strategy.ts
  it.effect("does not stop a provider by hand while a sibling uses it", () =>
    Effect.gen(function*() {
      const connection = yield* Supervisor.serviceChild({ id: "connection", service: Connection, layer: connections() })
      const user = connection.provide(Supervisor.child({ id: "user", run: Effect.andThen(Connection, Effect.never) }))
      const supervisor = yield* Supervisor.start({ id: "root", strategy: "rest_for_one", children: [connection, user] })

      assert.deepInclude(yield* Effect.flip(supervisor.terminateChild("connection")), { reason: "in_use" })
      yield* supervisor.terminateChild("user")
      yield* supervisor.terminateChild("connection")
      const error = yield* Effect.flip(supervisor.restartChild("user"))

      assert.strictEqual(
        error.message,
        "root/user could not start: ServiceNotRunning: connection does not run"
      )
    }))

  // 07-spec-value-in-two-trees.ts
  it.effect("gives each tree a service of its own, though the specs are the same values", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const connection = yield* Supervisor.serviceChild({ id: "connection", service: Connection, layer: connections() })
      const user = connection.provide(Supervisor.child({
        id: "user",
        run: Effect.andThen(Effect.map(Connection, ({ number }) => seen.push(number)), Effect.never)
      }))
      const options = { strategy: "rest_for_one", children: [connection, user] } as const
      const first = yield* Supervisor.start({ ...options, id: "first" })
      const second = yield* Supervisor.start({ ...options, id: "second" })
      // A child counts as started before its own code has run.
      yield* settle
      yield* second.stop
      yield* first.terminateChild("user")
      yield* first.restartChild("user")
      yield* settle

      assert.deepStrictEqual(seen, [1, 2, 1])
    }))

  // 07-spec-value-in-two-trees.ts
  it.effect("refuses a value that stands for one supervisor in a second tree, and leaves the first alone", () =>
    Effect.gen(function*() {
      const rooms = yield* Supervisor.dynamic({ id: "rooms", maxChildren: 3 })
      const tasks = yield* TaskSupervisor.make({ id: "tasks", maxChildren: 3 })
      const parts = yield* PartitionSupervisor.make({
        id: "parts",
        partitions: 2,
        start: (handle) => Effect.succeed({ handle, run: Effect.never })
      })
      for (const value of [rooms, tasks, parts]) {
        const { id } = value.description
        const first = yield* Supervisor.start({ id: "first", strategy: "one_for_one", children: [value] })
        const error = yield* Effect.flip(
          Supervisor.start({ id: "second", strategy: "one_for_one", children: [value] })
        )
        assert.strictEqual(
          error.message,
          `Supervisor second could not start ${id}: SupervisorShutdown: Supervisor second/${id} ended (invalid_spec): `
            + `second/${id}: spec is "${id}", expected a value that runs in no other tree: declare one for each`
        )
        if (value === rooms) assert.strictEqual((yield* rooms.countChildren).specs, 0)
        yield* first.stop
        // Once it is free it can go anywhere.
        yield* Effect.scoped(Supervisor.start({ id: "third", strategy: "one_for_one", children: [value] }))
      }
    }))

  it.effect("makes a tree a Layer whose handle tells when it gives up", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const layer = Supervisor.layer(Workers, {
        id: "workers",
        strategy: "one_for_one",
        intensity: { maxRestarts: 0, period: "5 seconds" },
        children: [trace.child("a")]
      })

      const error = yield* Effect.gen(function*() {
        const workers = yield* Workers
        yield* trace.end("a")
        return yield* Effect.flip(workers.await)
      }).pipe(Effect.provide(layer))

      assert.strictEqual(error.reason, "intensity_exceeded")
      assert.strictEqual(trace.liveFibers, 0)
    }))

  it.effect("launch ends the program with the tree: by its failure when it gives up, in order when it is stopped", () =>
    Effect.gen(function*() {
      for (const how of ["gives up", "is stopped"] as const) {
        const trace = new Trace()
        let handle: Supervisor.Supervisor<Boom> | undefined
        const workers = Supervisor.layer(Workers, {
          id: "workers",
          strategy: "one_for_one",
          intensity: { maxRestarts: 0, period: "5 seconds" },
          children: [trace.child("a")]
        })
        const other = Layer.effectDiscard(Effect.gen(function*() {
          handle = yield* Workers
          yield* Effect.acquireRelease(Effect.void, () => Effect.sync(() => trace.log.push("-other")))
        }))

        const program = yield* Effect.forkChild(
          Effect.exit(Supervisor.launch(Workers, Layer.provideMerge(other, workers))),
          { startImmediately: true }
        )
        yield* settle
        assert.strictEqual(trace.take(), "+a")
        assert.isUndefined(program.pollUnsafe())
        yield* how === "gives up" ? trace.end("a") : handle?.stop ?? Effect.void
        const exit = yield* Fiber.join(program)

        assert.strictEqual(trace.take(), "-a -other")
        const reasons = Exit.match(exit, {
          onSuccess: () => [],
          onFailure: ({ reasons }) =>
            reasons.map((reason) =>
              reason._tag === "Fail" && "reason" in reason.error ? reason.error.reason : reason._tag
            )
        })
        assert.deepStrictEqual(reasons, how === "gives up" ? ["intensity_exceeded"] : [])
      }
    }))

  it.effect("launch fails with what a Layer fails with, and stops the tree when it is interrupted", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const workers = Supervisor.layer(Workers, {
        id: "workers",
        strategy: "one_for_one",
        children: [trace.child("a")]
      })
      const broken = Layer.effectDiscard(Effect.fail("no disk"))

      const error = yield* Effect.flip(Supervisor.launch(Workers, Layer.provideMerge(broken, workers)))
      assert.strictEqual(error, "no disk")
      assert.strictEqual(trace.take(), "+a -a")

      const program = yield* Effect.forkChild(Supervisor.launch(Workers, workers), { startImmediately: true })
      yield* settle
      yield* Fiber.interrupt(program)
      assert.strictEqual(trace.take(), "+a -a")
      assert.strictEqual(trace.liveFibers, 0)
    }))
})

describe("Spans", () => {
  it.effect("are named by the path in the tree, one per life, where somebody traces", () =>
    Effect.gen(function*() {
      const trace = new Trace()
      const spans: Array<string> = []
      const tracer = Tracer.make({
        span: (options) => {
          spans.push(options.name)
          return new Tracer.NativeSpan(options)
        }
      })
      yield* Effect.gen(function*() {
        yield* Supervisor.start({
          id: "root",
          strategy: "one_for_one",
          children: [Supervisor.supervisor({ id: "inner", strategy: "one_for_one", children: [trace.child("a")] })]
        })
        yield* trace.end("a")
      }).pipe(Effect.scoped, Effect.provideService(Tracer.Tracer, tracer))

      assert.deepStrictEqual(spans, ["root/inner", "root/inner/a", "root/inner/a"])
    }))
})
