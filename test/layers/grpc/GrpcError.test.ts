import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { AgentServiceService } from "../../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../../src/layers/grpc/GrpcClient.ts"
import * as GrpcError from "../../../src/layers/grpc/GrpcError.ts"
import { agentService, serve, statusRequest } from "./fixture.ts"

const tags = [
  "Cancelled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated"
]

const of = (code: number) => GrpcError.fromStatus(code, { method: "/p.S/M", peer: "10.0.0.1:1", detail: "because" })

describe("GrpcError", () => {
  it("has a tag for each of the sixteen codes, and finds the code of each tag", () => {
    const codes = Array.from({ length: 16 }, (_, index) => index + 1)

    assert.deepStrictEqual(codes.map((code) => of(code)._tag), tags)
    assert.deepStrictEqual(codes.map((code) => GrpcError.statusCode(of(code))), codes)
  })

  it("takes a code that nobody defined as Unknown", () => {
    assert.deepStrictEqual([of(0)._tag, of(17)._tag, of(-1)._tag], ["Unknown", "Unknown", "Unknown"])
  })

  it("says method, peer and detail in its message", () => {
    assert.strictEqual(of(14).message, "/p.S/M at 10.0.0.1:1: Unavailable: because")
    assert.strictEqual(new GrpcError.NotFound({ detail: "no such check" }).message, "NotFound: no such check")
  })

  it("calls only what may pass by itself retryable", () => {
    const retryable = tags.filter((_, index) => GrpcError.isRetryable(of(index + 1)))

    assert.deepStrictEqual(retryable, ["DeadlineExceeded", "ResourceExhausted", "Unavailable"])
  })

  it.live("carries every code, its detail and its trailers from the handler to the caller", () =>
    Effect.gen(function*() {
      const server = yield* serve(agentService({
        getStatus: (request) =>
          Effect.fail(
            GrpcError.fromStatus(Number(request.details), {
              method: "",
              peer: "",
              detail: `détail ${request.details}`,
              trailers: { "x-reason": [request.details], "x-raw-bin": [Uint8Array.of(0, 255)] }
            })
          )
      }))
      const client = yield* GrpcClient.make(AgentServiceService, { target: server.address })

      const errors = yield* Effect.forEach(
        tags,
        (_, index) => Effect.flip(client.getStatus({ ...statusRequest("s"), details: String(index + 1) }))
      )

      assert.deepStrictEqual(errors.map((error) => error._tag), tags)
      for (const [index, error] of errors.entries()) {
        assert.strictEqual(error.method, "/monitoring.AgentService/GetStatus")
        assert.strictEqual(error.peer, server.address)
        assert.strictEqual(error.detail, `détail ${index + 1}`)
        assert.deepStrictEqual(error.trailers["x-reason"], [String(index + 1)])
        assert.deepStrictEqual(error.trailers["x-raw-bin"]?.map((value) => [...value]), [[0, 255]])
      }
    }))
})
