import { assert, describe, it } from "@effect/vitest"
import { DateTime, Result } from "effect"
import * as fc from "fast-check"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import * as Envelope from "../../../../src/domain/monitoring/reports/envelope/Envelope.ts"
import type { ReceivedStatus } from "../../../../src/domain/monitoring/reports/ReceivedReport.ts"
import * as StatusReport from "../../../../src/domain/monitoring/reports/StatusReport.ts"
import { bytes, receivedReport, receivedStatus } from "../../../support/statusReports.ts"

const now = DateTime.makeUnsafe("2026-01-01T00:00:00Z")
const accept = (fields: Parameters<typeof receivedReport>[0]) =>
  Result.getOrThrow(StatusReport.accept(receivedReport(fields), now))

const status = (fields: Partial<ReceivedStatus>) =>
  accept({ agentId: "report-agent", services: [receivedStatus(fields)] }).report.statuses[0]

describe("StatusReport", () => {
  it.each(["", "x".repeat(257)])("refuses a report of poller %j", (pollerId) => {
    assert.isTrue(Result.isFailure(StatusReport.accept(receivedReport({ pollerId }), now)))
  })

  it("takes a report without partition and source address, and says so", () => {
    const { omissions, report } = accept({ partition: "", sourceIp: "" })

    assert.deepStrictEqual(omissions, ["partition", "source_ip"])
    assert.strictEqual(report.partition, "default")
  })

  it("unwraps the envelope, which moves the status to no other agent or partition", () => {
    const envelope =
      `{"poller_id":"p","agent_id":"inner","partition":"site-b","service_type":"port","service_name":"x",` +
      `"data":{"big":12345678901234567890,"text":"\\"data\\":1"}}`

    const unwrapped = status({ message: bytes(envelope) })

    assert.strictEqual(unwrapped?.agentId, "agent-1")
    assert.strictEqual(unwrapped?.partition, "site-a")
    assert.strictEqual(unwrapped?.message, `{"big":12345678901234567890,"text":"\\"data\\":1"}`)
  })

  it("keeps a status that claims another partition beside its message in that of the report", () => {
    assert.strictEqual(status({ partition: "site-b" })?.partition, "site-a")
  })

  it("passes over what only goes along: it was reported when it was measured", () => {
    const { report } = accept({ services: [receivedStatus({ source: "lastKnown" }), receivedStatus()] })

    assert.lengthOf(report.statuses, 1)
  })

  it("gives back byte for byte what a poller wrapped", () => {
    const ids = {
      pollerId: PollerId.make("p"),
      agentId: AgentId.make("a\"data\":1"),
      partition: Partition.make("x"),
      serviceType: ServiceType.make("port"),
      serviceName: ServiceName.make("s")
    }
    fc.assert(fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 4 }), (value, indent) => {
      const text = JSON.stringify(value, null, indent)

      assert.strictEqual(status({ message: Envelope.wrap(ids, bytes(text)) })?.message, text)
    }))
  })

  it("leaves an envelope closed that names no agent", () => {
    const envelope = `{"poller_id":"p","agent_id":"","data":{}}`

    assert.strictEqual(status({ message: bytes(envelope) })?.message, envelope)
  })

  it("reads an envelope whose data comes first", () => {
    assert.strictEqual(
      status({ message: bytes(`{"data": {"a": 1}, "poller_id": "p", "agent_id": "a"}`) })?.message,
      `{"a":1}`
    )
  })

  it("leaves an inventory as it is", () => {
    const text = `{"poller_id":"p","agent_id":"a","data":[]}`

    assert.strictEqual(status({ serviceType: "sync", message: bytes(text) })?.message, text)
  })

  it("finds an agent for a status that names none", () => {
    assert.strictEqual(status({ agentId: "" })?.agentId, "report-agent")
    assert.strictEqual(
      accept({ services: [receivedStatus({ agentId: "" })] }).report.statuses[0]?.agentId,
      "unknown-agent"
    )
  })

  it("rejects single statuses that cannot be identified and keeps the others", () => {
    const { rejected, report } = accept({ services: [receivedStatus({ serviceName: "" }), receivedStatus()] })

    assert.lengthOf(report.statuses, 1)
    assert.deepStrictEqual(rejected, [
      { serviceType: "port", serviceName: "", reason: "ids must have 1 to 256 characters" }
    ])
  })

  it.each([
    ["getStatus", "port", "getStatus"],
    ["RESULTS", "port", "results"],
    ["", "sync", "results"],
    ["", "port", "getStatus"]
  ])("reads source %j of a %s status as %s", (source, serviceType, expected) => {
    assert.strictEqual(status({ source, serviceType })?.source, expected)
  })

  it.each([0n, -5n, 10n ** 15n, 1_767_226_201n])(
    "takes its own clock for the impossible or future time %s",
    (timestampSeconds) => {
      assert.deepStrictEqual(accept({ timestampSeconds }).report.reportedAt, now)
    }
  )

  it("knows a report again by the poller's clock, whatever is done to its own meanwhile", () => {
    const report = receivedReport({ timestampSeconds: BigInt(DateTime.toEpochMillis(now) / 1_000) })
    const times = [0, 3_600].map((seconds) =>
      Result.getOrThrow(StatusReport.accept(report, DateTime.subtract(now, { seconds }))).report
    )

    assert.deepStrictEqual(times.map(({ recordedAt }) => recordedAt), [now, now])
    assert.deepStrictEqual(times.map(({ reportedAt }) => reportedAt), [now, DateTime.subtract(now, { hours: 1 })])
  })
})
