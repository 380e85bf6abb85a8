import { assert, describe, it, vi } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import { Effect, Ref, Stream } from "effect"
import {
  type ServerReflectionRequest,
  ServerReflectionService
} from "../../../src/gen/grpc/reflection/v1/reflection.ts"
import { AgentServiceService, PollerServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import {
  agentService,
  coreService,
  resultsChunk,
  resultsRequest,
  serve,
  statusChunk,
  statusRequest,
  statusResponse
} from "./fixture.ts"

describe("GrpcClient", () => {
  it.live("asks once and gets one answer", () =>
    Effect.gen(function*() {
      const server = yield* serve(agentService({}))
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })

      const response = yield* client.getStatus(statusRequest("ssh"))

      assert.deepStrictEqual(response, statusResponse("ssh", "127.0.0.1:22"))
    }))

  it.live("leaves grpc-js's own log to the process of its user", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const spy = vi.spyOn(console, "error").mockImplementation((...parts) => void lines.push(parts.join(" ")))
      yield* Effect.addFinalizer(() => Effect.sync(() => spy.mockRestore()))
      const server = yield* serve(agentService({}))
      yield* GrpcClient.make(AgentServiceService, { target: server.address })

      grpc.experimental.log(grpc.logVerbosity.ERROR, "something of the user's own calls")

      assert.isTrue(lines.some((line) => line.includes("something of the user's own calls")), lines.join("\n"))
    }).pipe(Effect.scoped))

  it.live("receives a stream in order and to its end", () =>
    Effect.gen(function*() {
      const server = yield* serve(agentService({
        streamResults: (count) =>
          Stream.range(0, Number(count) - 1).pipe(Stream.map((i) => resultsChunk(i, Number(count))))
      }))
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })

      const indexes = yield* client.streamResults(resultsRequest("100")).pipe(
        Stream.map((chunk) => chunk.chunkIndex),
        Stream.runCollect
      )

      assert.deepStrictEqual(indexes, Array.from({ length: 100 }, (_, i) => i))
    }))

  it.live("sends a stream and gets one answer", () =>
    Effect.gen(function*() {
      const seen = yield* Ref.make<ReadonlyArray<number>>([])
      const server = yield* serve(coreService((chunks) =>
        Stream.runForEach(chunks, (chunk) => Ref.update(seen, (all) => [...all, chunk.chunkIndex])).pipe(
          Effect.as({ received: true })
        )
      ))
      const client = yield* GrpcClient.make(PollerServiceService, { target: server.address })

      const response = yield* client.streamStatus(
        Stream.range(0, 49).pipe(Stream.map((i) =>
          statusChunk(i)
        ))
      )

      assert.deepStrictEqual(response, { received: true })
      assert.deepStrictEqual(yield* Ref.get(seen), Array.from({ length: 50 }, (_, i) => i))
    }))

  it.live("sends and receives at the same time", () =>
    Effect.gen(function*() {
      const echo = GrpcServer.service(ServerReflectionService, {
        serverReflectionInfo: (requests: Stream.Stream<ServerReflectionRequest>) =>
          Stream.map(
            requests,
            (request) => ({ validHost: request.host, originalRequest: request, messageResponse: undefined })
          )
      })
      const server = yield* serve(echo)
      const client = yield* GrpcClient.make(ServerReflectionService, { target: server.address })

      const hosts = yield* client.serverReflectionInfo(
        Stream.range(1, 40).pipe(Stream.map((i) => ({ host: `host-${i}`, messageRequest: undefined })))
      ).pipe(Stream.map((response) => response.validHost), Stream.runCollect)

      assert.deepStrictEqual(hosts, Array.from({ length: 40 }, (_, i) => `host-${i + 1}`))
    }))
})
