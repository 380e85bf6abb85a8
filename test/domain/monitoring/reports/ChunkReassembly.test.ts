import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import * as ChunkReassembly from "../../../../src/domain/monitoring/reports/ChunkReassembly.ts"
import type { ReceivedChunk, ReceivedStatus } from "../../../../src/domain/monitoring/reports/ReceivedReport.ts"
import { bytes, receivedReport, receivedStatus } from "../../../support/statusReports.ts"

const chunk = (services: ReadonlyArray<ReceivedStatus>, isFinal = false): ReceivedChunk => ({
  ...receivedReport({ services }),
  isFinal
})

const reassemble = (chunks: ReadonlyArray<ReceivedChunk>, limits = ChunkReassembly.defaultLimits) => {
  const state = ChunkReassembly.make(limits)
  for (const each of chunks) Result.getOrThrow(ChunkReassembly.add(state, each))
  return ChunkReassembly.finish(state)
}

/** As the Go poller cuts: plain byte ranges, without `source` in the slices. */
const slices = (status: ReceivedStatus, sizes: ReadonlyArray<number>): ReadonlyArray<ReceivedStatus> => {
  let offset = 0
  return [...sizes, status.message.length].flatMap((size) => {
    const message = status.message.subarray(offset, offset + size)
    offset += size
    return message.length === 0 ? [] : [{ ...status, message, source: "" }]
  })
}

const word = fc.constantFrom("a", "b", "c")
const sliced = fc.record({
  agentId: word,
  serviceName: word,
  serviceType: word,
  message: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  sizes: fc.array(fc.integer({ min: 1, max: 10 }), { maxLength: 4 })
})

describe("ChunkReassembly", () => {
  it("gives back every status of a cut report, in order", () => {
    fc.assert(fc.property(
      fc.uniqueArray(sliced, {
        selector: (status) => `${status.agentId}:${status.serviceName}:${status.serviceType}`
      }),
      (given) => {
        const statuses = given.map(({ sizes, ...fields }) => ({
          status: receivedStatus({ ...fields, source: "" }),
          sizes
        }))
        const chunks = statuses.flatMap(({ sizes, status }) => slices(status, sizes).map((slice) => chunk([slice])))

        assert.deepStrictEqual(
          reassemble(chunks).services.map((status) => ({ ...status, message: [...status.message] })),
          statuses.map(({ status }) => ({ ...status, message: [...status.message] }))
        )
      }
    ))
  })

  it("gives a status without an agent to the agent of its own chunk, not to that of the first", () => {
    const ofAgent = (agentId: string) => ({
      ...chunk([receivedStatus({ agentId: "", source: "" })]),
      agentId
    })
    const report = reassemble([ofAgent("agent-1"), ofAgent("agent-2"), ofAgent("")])

    assert.deepStrictEqual(report.services.map(({ agentId }) => agentId), ["agent-1", "agent-2", ""])
  })

  it("keeps equally named checks of two agents apart", () => {
    const report = reassemble(
      ["agent-1", "agent-2"].map((agentId) => chunk([receivedStatus({ agentId, source: "", message: bytes(agentId) })]))
    )

    assert.deepStrictEqual(report.services.map((status) => status.agentId), ["agent-1", "agent-2"])
  })

  it("keeps two whole statuses of one service apart", () => {
    const report = reassemble([chunk([receivedStatus()]), chunk([receivedStatus({ available: false })])])

    assert.deepStrictEqual(report.services.map((status) => status.available), [true, false])
  })

  it("joins slices of a poller that keeps the source in them", () => {
    const full = new Uint8Array(ChunkReassembly.sliceBytes).fill(32)
    const report = reassemble([
      chunk([receivedStatus({ message: full })]),
      chunk([receivedStatus({ message: full })]),
      chunk([receivedStatus({ message: bytes("{}") })])
    ])

    assert.deepStrictEqual(report.services.map((status) => status.message.length), [2 * full.length + 2])
  })

  it("takes the head from the first chunk that names its poller", () => {
    const report = reassemble([
      { ...chunk([]), pollerId: "", partition: "wrong" },
      { ...chunk([]), pollerId: "first" },
      { ...chunk([]), pollerId: "second", partition: "wrong" }
    ])

    assert.deepStrictEqual([report.pollerId, report.partition], ["first", "site-a"])
  })

  it("ignores what follows the final chunk", () => {
    assert.lengthOf(
      reassemble([chunk([receivedStatus()], true), chunk([receivedStatus({ agentId: "x" })])]).services,
      1
    )
  })

  it.each([
    [{ bytesMax: 20, statusesMax: 10, chunksMax: 9 }, "bytes"],
    [{ bytesMax: 1_000, statusesMax: 2, chunksMax: 9 }, "statuses"],
    [{ bytesMax: 1_000, statusesMax: 10, chunksMax: 0 }, "chunks"]
  ])("refuses more than its limits: %o", (limits, what) => {
    const state = ChunkReassembly.make(limits)
    const services = ["a", "b", "c"].map((agentId) => receivedStatus({ agentId }))

    const result = ChunkReassembly.add(state, chunk(services))

    assert.strictEqual(Result.isFailure(result) ? result.failure.what : "", what)
  })

  it("counts slices that continue one another: many tiny ones are one status, and memory all the same", () => {
    const state = ChunkReassembly.make({ bytesMax: 1_000, statusesMax: 2, chunksMax: 9 })
    const services = Array.from({ length: 3 }, () => receivedStatus({ source: "", message: new Uint8Array() }))

    const result = ChunkReassembly.add(state, chunk(services))

    assert.strictEqual(Result.isFailure(result) ? result.failure.what : "", "statuses")
  })
})
