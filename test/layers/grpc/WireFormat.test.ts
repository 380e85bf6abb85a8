/**
 * Bytes counted by hand from the field tables of the wire contract, so that a renumbered field cannot go unnoticed.
 */
import { assert, describe, it } from "@effect/vitest"
import { HealthCheckResponse } from "../../../src/gen/grpc/health/v1/health.ts"
import {
  PollerStatusChunk,
  PollerStatusRequest,
  ResultsChunk,
  ResultsRequest,
  ResultsResponse,
  ServiceStatus,
  StatusRequest,
  StatusResponse,
  SweepCompletionStatus
} from "../../../src/gen/monitoring/monitoring.ts"

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

/** Key byte of a field: number × 8 + wire type (0 = number, 2 = bytes). */
const key = (field: number, wireType: 0 | 2) => Buffer.from([field * 8 + wireType])
const text = (field: number, value: string) =>
  Buffer.concat([key(field, 2), Buffer.from([value.length]), Buffer.from(value)])
const number = (field: number, ...varint: ReadonlyArray<number>) => Buffer.concat([key(field, 0), Buffer.from(varint)])
const all = (...parts: ReadonlyArray<Buffer>) => hex(Buffer.concat(parts))

const status = {
  serviceName: "s",
  available: true,
  message: Buffer.from("{}"),
  serviceType: "t",
  responseTime: 300n,
  agentId: "a",
  pollerId: "p",
  partition: "d",
  source: "getStatus",
  kvStoreId: "k"
}

const statusBytes = Buffer.concat([
  text(1, "s"),
  number(2, 1),
  text(3, "{}"),
  text(4, "t"),
  number(5, 0xac, 0x02),
  text(6, "a"),
  text(7, "p"),
  text(8, "d"),
  text(9, "getStatus"),
  text(10, "k")
])

describe("the wire format", () => {
  it("of StatusRequest", () => {
    const bytes = StatusRequest.encode({
      serviceName: "SSH",
      serviceType: "port",
      agentId: "a",
      pollerId: "p",
      details: "h:22",
      port: 22
    }).finish()

    assert.strictEqual(hex(bytes), "0a03535348 1204706f7274 1a0161 220170 2a04683a3232 3016".replaceAll(" ", ""))
  })

  it("of StatusResponse, read from bytes", () => {
    const bytes = Buffer.concat([
      number(1, 1),
      text(2, "{}"),
      text(3, "s"),
      text(4, "t"),
      number(5, 0x80, 0xf0, 0xfb, 0x2e),
      text(6, "a"),
      text(7, "p")
    ])

    assert.deepStrictEqual(StatusResponse.decode(bytes), {
      available: true,
      message: Buffer.from("{}"),
      serviceName: "s",
      serviceType: "t",
      responseTime: 98_498_560n,
      agentId: "a",
      pollerId: "p"
    })
  })

  it("of ResultsRequest, ResultsResponse and ResultsChunk", () => {
    const names = { serviceName: "s", serviceType: "t", agentId: "a", pollerId: "p" }
    const completion = SweepCompletionStatus.fromPartial({ status: 3, targetSequence: "9" })

    const request = ResultsRequest.encode({ ...names, details: "d", lastSequence: "7", completionStatus: completion })
    const response = ResultsResponse.encode({
      ...names,
      available: true,
      data: Buffer.from("[]"),
      responseTime: 1n,
      timestamp: 2n,
      currentSequence: "8",
      hasNewData: true,
      sweepCompletion: undefined
    })
    const chunk = ResultsChunk.encode({
      data: Buffer.from("[]"),
      isFinal: true,
      chunkIndex: 1,
      totalChunks: 2,
      currentSequence: "8",
      timestamp: 5n
    })

    const completionBytes = Buffer.concat([number(1, 3), text(3, "9")])
    assert.strictEqual(
      hex(request.finish()),
      all(
        text(1, "s"),
        text(2, "t"),
        text(3, "a"),
        text(4, "p"),
        text(5, "d"),
        text(6, "7"),
        key(7, 2),
        Buffer.from([completionBytes.length]),
        completionBytes
      )
    )
    assert.strictEqual(
      hex(response.finish()),
      all(
        number(1, 1),
        text(2, "[]"),
        text(3, "s"),
        text(4, "t"),
        number(5, 1),
        text(6, "a"),
        text(7, "p"),
        number(8, 2),
        text(9, "8"),
        number(10, 1)
      )
    )
    assert.strictEqual(
      hex(chunk.finish()),
      all(text(1, "[]"), number(2, 1), number(3, 1), number(4, 2), text(5, "8"), number(6, 5))
    )
  })

  it("of ServiceStatus, PollerStatusRequest and PollerStatusChunk", () => {
    const common = { pollerId: "p", agentId: "a", timestamp: 5n, partition: "d", sourceIp: "10.0.0.1", kvStoreId: "k" }
    const list = Buffer.concat([key(1, 2), Buffer.from([statusBytes.length]), statusBytes])

    const one = ServiceStatus.encode(status).finish()
    const request = PollerStatusRequest.encode({ ...common, services: [status] }).finish()
    const chunk = PollerStatusChunk.encode({
      ...common,
      services: [status],
      isFinal: true,
      chunkIndex: 1,
      totalChunks: 2
    }).finish()

    const head = [list, text(2, "p"), text(3, "a"), number(4, 5), text(5, "d"), text(6, "10.0.0.1")]
    assert.strictEqual(hex(one), hex(statusBytes))
    assert.strictEqual(hex(request), all(...head, text(7, "k")))
    assert.strictEqual(hex(chunk), all(...head, number(7, 1), number(8, 1), number(9, 2), text(10, "k")))
  })

  it("of HealthCheckResponse", () => {
    assert.strictEqual(hex(HealthCheckResponse.encode({ status: 1 }).finish()), "0801")
  })
})
