import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import * as DeviceSightings from "../../../../src/domain/inventory/devices/DeviceSightings.ts"
import * as SaidAliases from "../../../../src/domain/inventory/devices/SaidAliases.ts"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"

const report = {
  pollerId: PollerId.make("poller"),
  partition: Partition.make("east"),
  sourceIp: "192.0.2.1",
  reportedAt: DateTime.makeUnsafe("2026-03-05T12:00:00Z")
}

const seen = (
  serviceType: string,
  message: unknown,
  more: { available?: boolean; source?: string; ip?: string } = {}
) =>
  DeviceSightings.ofStatus({ ...report, sourceIp: more.ip ?? report.sourceIp }, {
    agentId: AgentId.make("agent"),
    serviceType: ServiceType.make(serviceType),
    serviceName: ServiceName.make("service"),
    partition: report.partition,
    available: more.available ?? true,
    message: JSON.stringify(message),
    responseTimeNanos: 0n,
    source: more.source === "results" ? "results" : "getStatus",
    kvStoreId: ""
  }).map(({ aliases }) => aliases)

const collector = { type: "collector_ip", value: "192.0.2.1" } as const

describe("A check that reaches a device", () => {
  it("names its collector, by an address that is not the device's own and no loopback", () => {
    assert.deepStrictEqual(seen("icmp", { host_ip: "192.0.2.7" }), [[collector]])
    assert.deepStrictEqual(seen("snmp", { a: { available: true, host_ip: "192.0.2.8" } }), [[collector]])
    assert.deepStrictEqual(seen("icmp", { host_ip: "192.0.2.7" }, { available: false }), [undefined])
    assert.deepStrictEqual(seen("icmp", { host_ip: "192.0.2.1" }), [undefined])
    assert.deepStrictEqual(seen("icmp", { host_ip: "127.0.0.1" }), [undefined])
    assert.deepStrictEqual(seen("icmp", { host_ip: "192.0.2.7" }, { ip: "127.0.0.1" }), [undefined])
    assert.deepStrictEqual(seen("icmp", { host_ip: "192.0.2.7" }, { ip: "host.example.org" }), [undefined])
  })
})

describe("A poller", () => {
  it("is seen at the address from which it reports, and is no device", () => {
    assert.deepInclude(DeviceSightings.ofPoller(report)[0], {
      uid: "serviceradar:poller:poller",
      ip: "192.0.2.1",
      partition: "east",
      isProof: false
    })
    for (const sourceIp of ["", "127.0.0.1", "::1", "poller.example.org"]) {
      assert.deepStrictEqual(DeviceSightings.ofPoller({ ...report, sourceIp }), [])
    }
  })
})

describe("The metadata of a device", () => {
  const at = (text: string) => DateTime.makeUnsafe(text)

  it("says its other names, with the time at which each was seen", () => {
    assert.deepStrictEqual(
      SaidAliases.ofMetadata({
        armis_device_id: "1",
        _alias_last_seen_at: "2026-03-05T11:00:00Z",
        _alias_last_seen_service_id: "serviceradar:agent:a",
        _alias_last_seen_ip: "192.0.2.7",
        _alias_collector_ip: " 192.0.2.1 ",
        "service_alias:serviceradar:agent:a": "2026-03-05T10:00:00Z",
        "service_alias:serviceradar:agent:b": "yesterday",
        "ip_alias:192.0.2.6": "",
        "ip_alias:nowhere": "2026-03-05T10:00:00Z",
        "mac_alias:00": "x"
      }, report.reportedAt),
      [
        { type: "service_id", value: "serviceradar:agent:a", seenAt: at("2026-03-05T10:00:00Z") },
        { type: "service_id", value: "serviceradar:agent:b" },
        { type: "ip", value: "192.0.2.6" },
        { type: "ip", value: "192.0.2.7", seenAt: at("2026-03-05T11:00:00Z") },
        { type: "collector_ip", value: "192.0.2.1", seenAt: at("2026-03-05T11:00:00Z") }
      ]
    )
  })

  it("says no more than a bounded number of them, and none that is too long", () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`service_alias:s${at}`, ""]))
    assert.lengthOf(SaidAliases.ofMetadata(many, report.reportedAt), 32)
    assert.deepStrictEqual(SaidAliases.ofMetadata({ [`service_alias:${"x".repeat(1025)}`]: "" }, report.reportedAt), [])
  })

  it("is believed no time at which the device was not seen yet, and no address that every machine has", () => {
    const said = {
      "ip_alias:192.0.2.6": "2027-03-05T12:00:00Z",
      "service_alias:s": "9999-12-31T23:59:59Z",
      "ip_alias:127.0.0.1": "",
      "ip_alias:127.8.8.8": "",
      "ip_alias:::1": "",
      "ip_alias:0.0.0.0": "",
      "ip_alias:::": ""
    }
    assert.deepStrictEqual(SaidAliases.ofMetadata(said, report.reportedAt), [
      { type: "ip", value: "192.0.2.6" },
      { type: "service_id", value: "s" }
    ])
  })

  it("makes one device of a machine whose checks name several of its loopback addresses", () => {
    const ipOf = (host_ip: string, sourceIp: string) =>
      DeviceSightings.ofStatus({ ...report, sourceIp }, {
        agentId: AgentId.make("agent"),
        serviceType: ServiceType.make("port"),
        serviceName: ServiceName.make("service"),
        partition: report.partition,
        available: true,
        message: JSON.stringify({ host_ip }),
        responseTimeNanos: 0n,
        source: "getStatus",
        kvStoreId: ""
      }).map(({ ip }) => ip)

    for (const host of ["127.0.0.1", "127.0.0.53", "::1"]) {
      assert.deepStrictEqual(ipOf(host, "127.0.0.1"), ["127.0.0.1"])
      assert.deepStrictEqual(ipOf(host, "192.0.2.1"), ["192.0.2.1"])
    }
  })
})
