import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Collector } from "../../../../src/domain/events/decode/Elements.ts"
import type { Flow } from "../../../../src/domain/events/mapping/flows/Flow.ts"
import { FlowMessage } from "../../../../src/gen/flowpb/flow.ts"
import * as FlowProtobuf from "../../../../src/layers/events/decode/FlowProtobuf.ts"
import * as NetflowProcessor from "../../../../src/layers/events/decode/NetflowProcessor.ts"
import { context } from "../../../domain/events/context.ts"
import { flow, framed } from "./samples.ts"

const bytes = FlowMessage.encode(flow).finish()

/** The flows, and the paths of what is none. */
const read = (data: Uint8Array) => {
  const out = new Collector<Flow>()
  return Result.flatMap(
    FlowProtobuf.read(data, out, (one) => one),
    () =>
      Result.map(
        out.finish(),
        ({ refused, rows }) => ({ flows: rows, refused: refused.map(({ problem }) => problem.path) })
      )
  )
}

describe("FlowProtobuf", () => {
  it("gives a row with numbers beyond 32 and 63 bits", () => {
    const { rows } = Result.getOrThrow(NetflowProcessor.make("ocsf_network_activity")(bytes, context("flows.raw")))

    assert.deepInclude(rows[0], {
      time: 1_767_323_044_000_002,
      start_time: 1_767_323_040_000_000,
      src_endpoint_ip: "10.0.0.1",
      dst_endpoint_ip: "2001:db8::1",
      src_as_number: null,
      dst_as_number: null,
      bytes_total: 2n ** 63n - 1n,
      src_mac: "0ABBCCDDEEFF",
      sampler_address: "10.0.0.254"
    })
  })

  it("keeps what has no column", () => {
    const [first] = Result.getOrThrow(read(bytes)).flows

    assert.strictEqual(first?.source, "NetFlow v9")
    assert.deepStrictEqual(first?.unmapped, {
      sampling_rate: 100,
      sequence_num: 9,
      next_hop: "10.0.0.253",
      as_path: [64_512, 64_513]
    })
  })

  it("reads flows behind their lengths, whatever the length looks like", () => {
    for (let size = 0; size < 200; size++) {
      const padded = FlowMessage.encode({ ...flow, protocolName: "x".repeat(size) }).finish()
      const rows = NetflowProcessor.make("netflow_metrics")(framed(padded), context("flows.raw"))

      assert.strictEqual(Result.getOrThrow(rows).rows.length, 1, `${padded.length} bytes`)
    }
  })

  it("reads the whole flows of a sequence that breaks off, and refuses the rest", () => {
    const two = Buffer.concat([framed(bytes), framed(bytes)])

    assert.deepStrictEqual(
      Result.map(read(two), ({ flows, refused }) => [flows.length, refused]),
      Result.succeed([2, []])
    )
    for (let length = framed(bytes).length + 1; length < two.length; length++) {
      const { flows, refused } = Result.getOrThrow(read(two.subarray(0, length)))
      assert.deepStrictEqual([flows.length, refused], [1, [[1]]], `${length} bytes`)
    }
  })

  it("refuses a flow whose address is none", () => {
    const wrong = FlowMessage.encode({ ...flow, samplerAddress: Buffer.from([1]) }).finish()

    assert.deepStrictEqual(
      Result.mapError(read(wrong), ({ path }) => path),
      Result.fail(["sampler_address"])
    )
  })
})
