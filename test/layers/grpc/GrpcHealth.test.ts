import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Queue, Scope, Stream } from "effect"
import * as GrpcChannel from "../../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcHealth from "../../../src/layers/grpc/GrpcHealth.ts"
import { serveOn, soon } from "./fixture.ts"
import { transports } from "./transports.ts"

describe.each(transports)("over %s,", (transport) => {
  const healthOf = (target: string) =>
    Effect.map(GrpcChannel.make({ transport, target, deadline: "5 seconds" }), (channel) => GrpcHealth.client(channel))

  describe("GrpcHealth", () => {
    it.live("answers for the server as a whole and for each name it was given", () =>
      Effect.gen(function*() {
        const server = yield* serveOn(0, { health: { AgentService: "SERVING", sweep: "NOT_SERVING" } })
        const health = yield* healthOf(server.address)

        const statuses = yield* Effect.forEach(["", "AgentService", "sweep"], (name) => health.check(name))

        assert.deepStrictEqual(statuses, ["SERVING", "SERVING", "NOT_SERVING"])
      }))

    it.live("fails with NotFound for a name it does not know", () =>
      Effect.gen(function*() {
        const server = yield* serveOn(0, {})
        const health = yield* healthOf(server.address)

        const errors = yield* Effect.forEach(
          ["monitoring.AgentService", "constructor"],
          (name) => Effect.flip(health.check(name))
        )

        assert.deepStrictEqual(errors.map((error) => error._tag), ["NotFound", "NotFound"])
        assert.strictEqual(errors[0]?.detail, "unknown service \"monitoring.AgentService\"")
      }))

    it.live("tells a watcher the status now and every change of its name, also of one that is not known yet", () =>
      Effect.gen(function*() {
        const server = yield* serveOn(0, {})
        const health = yield* healthOf(server.address)
        const seen = yield* Queue.bounded<GrpcHealth.PeerStatus>(16)
        const next = soon(Queue.take(seen))

        yield* Effect.forkScoped(
          health.watch("AgentService").pipe(Stream.runForEach((status) => Queue.offer(seen, status)), Effect.ignore)
        )
        const unknown = yield* next
        yield* server.health.set("other", "SERVING")
        yield* server.health.set("AgentService", "SERVING")
        const up = yield* next
        yield* server.health.set("AgentService", "NOT_SERVING")
        const down = yield* next

        assert.deepStrictEqual([unknown, up, down], ["SERVICE_UNKNOWN", "SERVING", "NOT_SERVING"])
      }))

    it.live("says NOT_SERVING to its watchers when the server closes, and lets them go at once", () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const server = yield* serveOn(0, {}).pipe(Scope.provide(scope))
        const health = yield* healthOf(server.address)
        const seen = yield* Queue.bounded<GrpcHealth.PeerStatus>(16)

        const watcher = yield* Effect.forkChild(
          health.watch("").pipe(Stream.runForEach((status) => Queue.offer(seen, status)), Effect.flip)
        )
        const first = yield* soon(Queue.take(seen))
        yield* Scope.close(scope, Exit.void)
        const last = yield* soon(Queue.take(seen))
        const error = yield* soon(Fiber.join(watcher))

        assert.deepStrictEqual([first, last, error._tag], ["SERVING", "NOT_SERVING", "Unavailable"])
      }))
  })
})
