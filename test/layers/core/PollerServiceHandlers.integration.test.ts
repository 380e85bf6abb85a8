import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import {
  PollerServiceService,
  type PollerStatusRequest,
  type ServiceStatus
} from "../../../src/gen/monitoring/monitoring.ts"
import * as PgStatusStore from "../../../src/layers/core/PgStatusStore.ts"
import * as PollerServiceHandlers from "../../../src/layers/core/PollerServiceHandlers.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcServer from "../../../src/layers/grpc/GrpcServer.ts"
import { ReportIngest, ReportIngestError } from "../../../src/services/core/ReportIngest.ts"
import { StatusStore, StoreUnavailable } from "../../../src/services/core/StatusStore.ts"
import * as TestConnection from "../../support/TestConnection.ts"

class Client extends Context.Service<Client, GrpcClient.GrpcClient<typeof PollerServiceService>>()("test/Client") {
  static readonly layer = Layer.effect(
    Client,
    Effect.gen(function*() {
      const server = yield* GrpcServer.make({
        host: "127.0.0.1",
        port: 0,
        services: [PollerServiceHandlers.make({ chunkWait: "1 second" })]
      })
      return yield* GrpcClient.make(PollerServiceService, { target: server.address })
    })
  )
}

const wireStatus = (fields: Partial<ServiceStatus> = {}): ServiceStatus => ({
  serviceName: "ssh",
  available: true,
  message: Buffer.from("{}"),
  serviceType: "port",
  responseTime: 5n,
  agentId: "agent-1",
  pollerId: "poller-1",
  partition: "site-a",
  source: "getStatus",
  kvStoreId: "",
  ...fields
})

const request = (fields: Partial<PollerStatusRequest> = {}): PollerStatusRequest => ({
  services: [wireStatus()],
  pollerId: "poller-1",
  agentId: "",
  timestamp: 1_700_000_000n,
  partition: "site-a",
  sourceIp: "192.0.2.1",
  kvStoreId: "",
  ...fields
})

const messageOf = (agent: string) =>
  Effect.flatMap(StatusStore, (store) => store.current({ agent, limit: 10 })).pipe(
    Effect.map((states) => states.map((state) => state.message))
  )

const core = Client.layer.pipe(
  Layer.provide(ReportIngest.layer()),
  Layer.provideMerge(PgStatusStore.layer),
  Layer.provide(TestConnection.layer)
)

layer(core, { excludeTestServices: true, timeout: "30 seconds" })("PollerService over gRPC", (it) => {
  it.effect("stores a report before it says received", () =>
    Effect.gen(function*() {
      const client = yield* Client

      const answer = yield* client.reportStatus(request({ services: [wireStatus({ agentId: "unary" })] }))

      assert.deepStrictEqual(answer, { received: true })
      assert.deepStrictEqual(yield* messageOf("unary"), ["{}"])
    }))

  it.effect("puts a message together that was cut inside a character", () =>
    Effect.gen(function*() {
      const client = yield* Client
      const message = Buffer.from(`{"text":"${"ä".repeat(2_000_000)}"}`)
      const cut = 3 * 1024 * 1024
      const chunks = [message.subarray(0, cut), message.subarray(cut)].map((slice, index) => ({
        ...request({ services: [wireStatus({ agentId: "stream", message: slice, source: "" })] }),
        isFinal: index === 1,
        chunkIndex: index,
        totalChunks: 2
      }))

      const answer = yield* client.streamStatus(Stream.fromIterable(chunks))

      assert.isTrue(answer.received)
      assert.deepStrictEqual(yield* messageOf("stream"), [message.toString()])
    }))

  it.effect("does not wait for a poller that stops in the middle of a report", () =>
    Effect.gen(function*() {
      const client = yield* Client
      const chunk = {
        ...request({ services: [wireStatus({ agentId: "stalled" })] }),
        isFinal: false,
        chunkIndex: 0,
        totalChunks: 2
      }

      const error = yield* Effect.flip(client.streamStatus(Stream.concat(Stream.make(chunk), Stream.never)))

      assert.strictEqual(error._tag, "DeadlineExceeded")
      assert.deepStrictEqual(yield* messageOf("stalled"), [])
    }))

  it.effect("refuses a report without a poller", () =>
    Effect.gen(function*() {
      const client = yield* Client

      const error = yield* Effect.flip(client.reportStatus(request({ pollerId: "" })))

      assert.strictEqual(error._tag, "InvalidArgument")
      assert.strictEqual(error.detail, `poller_id is "", expected 1 to 256 characters`)
    }))
})

const failing = Layer.succeed(ReportIngest, {
  ingest: (report) =>
    Effect.fail(new ReportIngestError({ pollerId: report.pollerId, reason: new StoreUnavailable({ detail: "gone" }) }))
})

layer(Client.layer.pipe(Layer.provide(failing)), { excludeTestServices: true })(
  "PollerService without a database",
  (it) => {
    it.effect("answers so that the poller keeps its report", () =>
      Effect.gen(function*() {
        const client = yield* Client

        const error = yield* Effect.flip(client.reportStatus(request()))

        assert.strictEqual(error._tag, "Unavailable")
      }))
  }
)
