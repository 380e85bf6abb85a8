import { assert, describe } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Tracer from "effect/Tracer"
import type { ChildSpec } from "../../../src/services/supervision/ChildSpec.ts"
import * as Supervisor from "../../../src/services/supervision/Supervisor.ts"
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

  it.effect("fails to start a sibling whose provider does not run", () =>
    Effect.gen(function*() {
      const connection = yield* Supervisor.serviceChild({ id: "connection", service: Connection, layer: connections() })
      const user = Supervisor.child({ id: "user", run: Effect.andThen(Connection, Effect.never) })

      const error = yield* Effect.flip(
        Supervisor.start({ id: "root", strategy: "rest_for_one", children: [connection.provide(user), connection] })
      )

      assert.strictEqual(
        error.message,
        "Supervisor root could not start user: ServiceNotRunning: connection does not run"
      )
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
