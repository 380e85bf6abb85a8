import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Stream } from "effect"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcChannel from "../../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import { isRetryable, PermissionDenied, Unavailable } from "../../../src/layers/grpc/GrpcError.ts"
import * as GrpcHealth from "../../../src/layers/grpc/GrpcHealth.ts"
import type { ClientInterceptor } from "../../../src/layers/grpc/GrpcInterceptor.ts"
import * as GrpcInterceptor from "../../../src/layers/grpc/GrpcInterceptor.ts"
import * as GrpcMetadata from "../../../src/layers/grpc/GrpcMetadata.ts"
import type { ServerInterceptor } from "../../../src/layers/grpc/GrpcServer.ts"
import { agentService, resultsChunk, resultsRequest, serveOn, statusRequest, statusResponse } from "./fixture.ts"
import { transports } from "./transports.ts"

describe.each(transports)("over %s,", (transport) => {
  const agentOn = (target: string, interceptors: ReadonlyArray<ClientInterceptor>) =>
    GrpcClient.make(AgentServiceService, { transport, target, interceptors })

  describe("Interceptors of a server", () => {
    it.live("may refuse any call, streams and health included, before its handler", () =>
      Effect.gen(function*() {
        let handled = 0
        const onlyWithToken: ServerInterceptor = (call, handle) =>
          GrpcMetadata.text(call.metadata, "x-token") === "secret"
            ? handle
            : Effect.fail(new PermissionDenied({ detail: `no token for ${call.method}` }))
        const service = agentService({
          getStatus: (request) => Effect.sync(() => (handled += 1, statusResponse(request.serviceName))),
          streamResults: () => Stream.sync(() => (handled += 1, resultsChunk(0, 1)))
        })
        const { address } = yield* serveOn(0, { interceptors: [onlyWithToken] }, service)
        const stranger = yield* agentOn(address, [])
        const friend = yield* agentOn(address, [GrpcInterceptor.metadata(() => ({ "x-token": "secret" }))])
        const health = GrpcHealth.client(yield* GrpcChannel.make({ transport, target: address }))

        const errors = yield* Effect.all([
          Effect.flip(stranger.getStatus(statusRequest("s"))),
          Effect.flip(Stream.runDrain(stranger.streamResults(resultsRequest("")))),
          Effect.flip(health.check(""))
        ])
        assert.strictEqual(handled, 0)
        yield* friend.getStatus(statusRequest("s"))
        yield* Stream.runDrain(friend.streamResults(resultsRequest("")))

        assert.deepStrictEqual(errors.map(({ detail }) => detail), [
          "no token for /monitoring.AgentService/GetStatus",
          "no token for /monitoring.AgentService/StreamResults",
          "no token for /grpc.health.v1.Health/Check"
        ])
        assert.strictEqual(handled, 2)
      }))

    it.live("surround the call in their order and see its end", () =>
      Effect.gen(function*() {
        const log: Array<string> = []
        const named = (name: string): ServerInterceptor => (_call, handle) =>
          Effect.suspend(() => {
            log.push(`${name} in`)
            return Effect.onExit(handle, (exit) => Effect.sync(() => void log.push(`${name} ${exit._tag}`)))
          })
        const { address } = yield* serveOn(
          0,
          { interceptors: [named("outer"), named("inner")] },
          agentService({ getStatus: () => Effect.fail(new Unavailable({ detail: "later" })) })
        )
        const client = yield* agentOn(address, [])

        yield* Effect.exit(client.getStatus(statusRequest("s")))

        assert.deepStrictEqual(log, ["outer in", "inner in", "inner Failure", "outer Failure"])
      }))
  })

  describe("Interceptors of a client", () => {
    it.live("may make a call again, and change its options", () =>
      Effect.gen(function*() {
        const attempts: Array<string | undefined> = []
        const { address } = yield* serveOn(
          0,
          {},
          agentService({
            getStatus: (request, call) =>
              Effect.suspend(() => {
                attempts.push(GrpcMetadata.text(call.metadata, "x-attempt"))
                return attempts.length < 3
                  ? Effect.fail(new Unavailable({ detail: "later" }))
                  : Effect.succeed(statusResponse(request.serviceName))
              })
          })
        )
        let attempt = 0
        const counting = GrpcInterceptor.metadata(() => ({ "x-attempt": String(attempt += 1) }))
        const retrying: ClientInterceptor = {
          effect: (call, next) =>
            Effect.retry(next(call.options), {
              times: 3,
              // A failure of the caller's own stream is not gRPC's.
              while: (error) => error instanceof Unavailable && isRetryable(error)
            })
        }
        const client = yield* agentOn(address, [retrying, counting])

        const response = yield* client.getStatus(statusRequest("s"))

        assert.strictEqual(response.serviceName, "s")
        assert.deepStrictEqual(attempts, ["1", "2", "3"])
      }))

    it.live("may answer without a call", () =>
      Effect.gen(function*() {
        const offline: ClientInterceptor = {
          effect: (call) => Effect.fail(new Unavailable({ method: call.method, peer: call.target, detail: "offline" })),
          stream: (call) => Stream.fail(new Unavailable({ method: call.method, peer: call.target, detail: "offline" }))
        }
        const client = yield* agentOn("127.0.0.1:1", [offline])

        const exits = yield* Effect.all([
          Effect.exit(Effect.asVoid(client.getStatus(statusRequest("s")))),
          Effect.exit(Stream.runDrain(client.streamResults(resultsRequest(""))))
        ])

        assert.isTrue(exits.every((exit) => Exit.isFailure(exit) && String(exit.cause).includes("offline")))
      }))
  })
})
