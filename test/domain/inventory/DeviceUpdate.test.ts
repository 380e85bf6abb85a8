import { assert, describe, it } from "@effect/vitest"
import * as DeviceIdentity from "../../../src/domain/inventory/DeviceIdentity.ts"
import type { Device } from "../../../src/domain/inventory/DeviceRecord.ts"
import * as DeviceUpdate from "../../../src/domain/inventory/DeviceUpdate.ts"
import type { SourceContext } from "../../../src/domain/inventory/SourceContext.ts"
import * as SweepConfig from "../../../src/domain/inventory/SweepConfig.ts"

const armis: SourceContext = {
  name: "hq",
  kind: {
    type: "armis",
    source: "armis",
    idKey: "armis_device_id",
    hasDeviceId: false,
    hasAddressList: true,
    labelDefault: "armis_devices",
    sweepsAs: "device_targets"
  },
  endpoint: "https://armis.example.net",
  agentId: "agent-a",
  pollerId: "poller-a",
  partition: "default",
  queries: [{ label: "all_devices", sweepModes: ["tcp", "icmp"] }],
  timestamp: "2026-11-28T22:52:42.331238219Z"
}

const device: Device = {
  id: "2",
  ips: ["172.16.0.2"],
  hostname: "FAKER-HP-LAP-00002",
  mac: "3C:97:0E:00:01:01",
  tags: ["development"],
  seenAt: 0,
  metadata: {},
  networks: [],
  isDevice: true,
  queries: [0]
}

describe("DeviceUpdate", () => {
  it("is written byte for byte as the Go service writes it", () => {
    assert.strictEqual(
      DeviceUpdate.toJson(DeviceUpdate.make(device, armis)),
      "{\"device_id\":\"\",\"ip\":\"172.16.0.2\",\"source\":\"armis\",\"agent_id\":\"agent-a\",\"poller_id\":\"poller-a\"," +
        "\"partition\":\"default\",\"timestamp\":\"2026-11-28T22:52:42.331238219Z\",\"hostname\":\"FAKER-HP-LAP-00002\"," +
        "\"mac\":\"3C:97:0E:00:01:01\",\"metadata\":{\"all_ips\":\"172.16.0.2\",\"armis_device_id\":\"2\"," +
        "\"integration_id\":\"2\",\"integration_type\":\"armis\",\"ip_count\":\"1\",\"primary_ip\":\"172.16.0.2\"," +
        "\"query_label\":\"all_devices\",\"tag\":\"development\"},\"is_available\":false,\"confidence\":0}"
    )
  })

  it("escapes as Go does, and leaves out an empty MAC address and partition", () => {
    const json = DeviceUpdate.toJson(
      DeviceUpdate.make({ ...device, hostname: "a<b&c\u2028\ud800", mac: "" }, { ...armis, partition: "" })
    )

    assert.include(json, "\"hostname\":\"a\\u003cb\\u0026c\\u2028\ufffd\"")
    assert.notInclude(json, "\"mac\"")
    assert.notInclude(json, "\"partition\"")
  })

  it("joins labels sorted, once each, and has one for a device that no labelled query found", () => {
    const queries = ["zeta", "alpha", "", "alpha"].map((label) => ({ label, sweepModes: [] }))

    assert.strictEqual(
      DeviceUpdate.make({ ...device, queries: [0, 1, 2, 3] }, { ...armis, queries }).metadata["query_label"],
      "alpha,zeta"
    )
    assert.strictEqual(
      DeviceUpdate.make({ ...device, queries: [2] }, { ...armis, queries }).metadata["query_label"],
      "armis_devices"
    )
  })
})

describe("SweepConfig", () => {
  it("writes a target as the Go service writes it, modes sorted", () => {
    assert.strictEqual(
      SweepConfig.targetJson(device, armis),
      "{\"network\":\"172.16.0.2/32\",\"sweep_modes\":[\"icmp\",\"tcp\"],\"query_label\":\"all_devices\"," +
        "\"source\":\"armis\",\"metadata\":{\"all_ips\":\"172.16.0.2\",\"armis_device_id\":\"2\"," +
        "\"device_name\":\"FAKER-HP-LAP-00002\",\"integration_id\":\"2\",\"integration_type\":\"armis\",\"ip_count\":\"1\"," +
        "\"primary_ip\":\"172.16.0.2\",\"query_label\":\"all_devices\"}}"
    )
  })

  it("sweeps exactly one address of IPv6", () => {
    assert.include(
      SweepConfig.targetJson({ ...device, ips: ["2001:db8::1"] }, armis),
      "\"network\":\"2001:db8::1/128\""
    )
  })

  it("clears the host bits of networks", () => {
    assert.deepStrictEqual(SweepConfig.networksOf({ ...device, networks: ["192.0.2.4/24", "nonsense"] }), [
      "192.0.2.0/24"
    ])
    assert.deepStrictEqual(SweepConfig.networksOf(device), ["172.16.0.2/32"])
  })
})

describe("DeviceIdentity", () => {
  const update = DeviceUpdate.make(device, armis)

  it("leaves a device alone that only one source has", () => {
    assert.strictEqual(DeviceIdentity.join({ source: "hq", update }, []), update)
  })

  it("fills what the first source leaves empty, and says who gave it", () => {
    const bare = { ...update, hostname: "", mac: "", metadata: { tag: "" } }
    const other = { ...update, hostname: "b", mac: "AA:AA:AA:AA:AA:AA", metadata: { tag: "x", site: "hq" } }

    const joined = DeviceIdentity.join({ source: "one", update: bare }, [{ source: "two", update: other }])

    assert.strictEqual(joined.hostname, "b")
    assert.strictEqual(joined.mac, "AA:AA:AA:AA:AA:AA")
    assert.deepStrictEqual(joined.metadata, {
      tag: "x",
      site: "hq",
      merged_sources: "one,two",
      field_sources: "hostname=two,mac=two,site=two,tag=two"
    })
  })

  it("joins by address only what has nothing better", () => {
    const file = { ...armis, kind: { ...armis.kind, type: "file", idKey: undefined } }
    const { idKey: _, ...kind } = file.kind
    const context: SourceContext = { ...file, kind }

    assert.deepStrictEqual(DeviceIdentity.joiningIdentifiers({ ...device, mac: "" }, context), [
      "default|ip|172.16.0.2"
    ])
    assert.deepStrictEqual(DeviceIdentity.joiningIdentifiers(device, context), ["default|mac|3C:97:0E:00:01:01"])
  })
})
