import { assert, describe, it } from "@effect/vitest"
import { ServiceType } from "../../../../src/domain/monitoring/Ids.ts"
import * as Envelope from "../../../../src/domain/monitoring/reports/envelope/Envelope.ts"
import * as PresentState from "../../../../src/domain/monitoring/reports/PresentState.ts"
import type { ServiceStatus } from "../../../../src/domain/monitoring/reports/ServiceStatus.ts"
import * as WholeReport from "../../../../src/domain/monitoring/reports/WholeReport.ts"
import { status, textOf } from "../../../services/poller/statuses.ts"

const wrapped = (one: ServiceStatus, document: string): ServiceStatus => ({
  ...one,
  message: Envelope.wrap(one, new TextEncoder().encode(document))
})

const typed = (name: string, type: string): ServiceStatus => ({ ...status(name), serviceType: ServiceType.make(type) })

const dataOf = (one: ServiceStatus | undefined) => one === undefined ? undefined : JSON.parse(textOf(one))

describe("PresentState", () => {
  it("marks what was not measured since the last report, with the time it was measured", () => {
    const state = PresentState.make()
    PresentState.note(state, "1", wrapped(status("ssh"), "{\"big\":12345678901234567890}"), 0)
    const [fresh] = [...PresentState.report(state)]
    PresentState.settle(state)
    const [old] = [...PresentState.report(state)]

    assert.strictEqual(fresh?.source, "getStatus")
    assert.strictEqual(old?.source, "lastKnown")
    assert.strictEqual(dataOf(old).last_known, "1970-01-01T00:00:00.000Z")
    assert.include(old === undefined ? "" : textOf(old), "12345678901234567890")
  })

  it("sends the results of a check once, and then only that there is such a check", () => {
    const state = PresentState.make()
    const results = (name: string, type: string, document: string): ServiceStatus =>
      wrapped({ ...typed(name, type), source: "results" }, document)
    PresentState.note(state, "1", results("sweep", "sweep", "{\"total_hosts\":2,\"hosts\":[{\"host\":\"a\"}]}"), 0)
    PresentState.note(state, "2", results("sync", "sync", "[{\"device_id\":\"x\"}]"), 0)
    const fresh = [...PresentState.report(state)]
    PresentState.settle(state)
    const [sweep, inventory] = [...PresentState.report(state)]

    assert.deepStrictEqual(fresh.map(dataOf).map((one) => one.data?.hosts.length ?? one.length), [1, 1])
    assert.deepStrictEqual(dataOf(sweep).data, { total_hosts: 2, hosts: [] })
    assert.deepStrictEqual(dataOf(inventory), { status: "last_known", devices: [] })
  })

  it("shows sysmon as what the existing core takes metrics from", () => {
    const state = PresentState.make()
    for (const name of ["sysmon", "sysmon-db", "host"]) {
      PresentState.note(state, name, wrapped(typed(name, "sysmon"), "{\"status\":{}}"), 0)
    }
    const reported = [...PresentState.report(state)]

    assert.deepStrictEqual(reported.map((one) => [one.serviceType, one.serviceName]), [
      ["grpc", "sysmon"],
      ["grpc", "sysmon-db"],
      ["grpc", "sysmon-host"]
    ])
    assert.deepInclude(dataOf(reported[2]), { service_name: "sysmon-host", service_type: "grpc", data: { status: {} } })
  })
})

describe("WholeReport", () => {
  const statuses = (count: number, agents: ReadonlyArray<string> = ["a"]) =>
    agents.flatMap((agentId) => Array.from({ length: count }, (_, index) => status(`s${index}`, { agentId })))

  it.each([
    [5, false, "Unary"],
    [5, true, "Stream"],
    [6, false, "Stream"]
  ])("sends %d statuses, first of all: %s, as one %s", (count, isFirst, form) => {
    const plan = WholeReport.plan(statuses(count), { isFirst })

    assert.deepStrictEqual(plan.map((send) => [send._tag, send.statuses.length]), [[form, count]])
  })

  it("sends equally named checks of two agents in one message, after a stream with the same verdict", () => {
    const all = statuses(10, ["a", "b"])
    const [first, ...others] = all
    const down = first === undefined ? all : [...others, { ...first, available: false }]
    const plan = WholeReport.plan(down, { isFirst: true })

    assert.deepStrictEqual(plan.map((send) => [send._tag, send.statuses.length]), [["Stream", 10], ["Unary", 20]])
    assert.isTrue(plan.every((send) => send.statuses.some(({ available }) => !available)))
    assert.lengthOf(WholeReport.plan(all, { isFirst: false }), 1)
  })

  it("never sends more in one message than core takes", () => {
    const large = statuses(2, ["a", "b"]).map((one) => ({ ...one, message: new Uint8Array(1_500_000) }))

    assert.deepStrictEqual(WholeReport.plan(large, { isFirst: false }).map((send) => send._tag), ["Stream"])
  })
})
