import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { AgentServiceService, PollerServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcChannel from "../../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcJsClient from "../../../src/layers/grpc/internal/client/GrpcJsClient.ts"
import { resultsRequest, statusRequest } from "./fixture.ts"

const options = (given: GrpcChannel.ChannelOptions) => GrpcJsClient.clientOptions(given)

describe("GrpcChannel", () => {
  it("pings after two minutes, waits twenty seconds, and only while a call runs", () => {
    const given = options({ target: "agent:50051" })

    assert.strictEqual(given["grpc.keepalive_time_ms"], 120_000)
    assert.strictEqual(given["grpc.keepalive_timeout_ms"], 20_000)
    assert.strictEqual(given["grpc.keepalive_permit_without_calls"], 0)
  })

  it("receives up to 4 MiB and sends without a limit unless told", () => {
    const given = options({ target: "agent:50051" })
    const told = options({ target: "agent:50051", maxReceiveBytes: 10, maxSendBytes: 20 })

    assert.deepStrictEqual([given["grpc.max_receive_message_length"], given["grpc.max_send_message_length"]], [
      4_194_304,
      -1
    ])
    assert.deepStrictEqual([told["grpc.max_receive_message_length"], told["grpc.max_send_message_length"]], [10, 20])
  })

  it.live("fails calls of every kind with Unavailable once it is closed", () =>
    Effect.gen(function*() {
      const channel = yield* Effect.scoped(GrpcChannel.make({ target: "127.0.0.1:1" }))
      const agent = GrpcClient.fromChannel(AgentServiceService, channel)
      const core = GrpcClient.fromChannel(PollerServiceService, channel)

      const errors = yield* Effect.all([
        Effect.flip(agent.getStatus(statusRequest("s"))),
        Effect.flip(Stream.runDrain(agent.streamResults(resultsRequest("")))),
        Effect.flip(core.streamStatus(Stream.empty))
      ])

      assert.deepStrictEqual(errors.map((error) => `${error._tag}: ${error.detail}`), [
        "Unavailable: the channel is closed",
        "Unavailable: the channel is closed",
        "Unavailable: the channel is closed"
      ])
    }))

  it("never reaches this machine through a proxy", () => {
    const targets = [":50051", "localhost:1", "127.0.0.1:1", "[::1]:1", "agent:50051", "127.example.com:1"]

    assert.deepStrictEqual(targets.map((target) => options({ target })["grpc.enable_http_proxy"]), [
      0,
      0,
      0,
      0,
      undefined,
      undefined
    ])
  })
})
