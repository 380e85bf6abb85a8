import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import * as DeviceSightings from "../../../../src/domain/inventory/devices/DeviceSightings.ts"
import { AgentId, Partition, PollerId, ServiceName, ServiceType } from "../../../../src/domain/monitoring/Ids.ts"

const reportedAt = DateTime.makeUnsafe("2026-03-05T12:00:00Z")

const seen = (serviceType: string, message: unknown) =>
  DeviceSightings.ofStatus({
    pollerId: PollerId.make("poller"),
    partition: Partition.make("east"),
    sourceIp: "192.0.2.1",
    reportedAt
  }, {
    agentId: AgentId.make("agent"),
    serviceType: ServiceType.make(serviceType),
    serviceName: ServiceName.make("network"),
    partition: Partition.make("east"),
    available: true,
    message: JSON.stringify(message),
    responseTimeNanos: 0n,
    source: "getStatus",
    kvStoreId: ""
  })

describe("What is seen by SNMP", () => {
  it("is a device for each target that answers, with the interfaces whose table was walked", () => {
    const oid = (last_value: unknown) => ({ last_value, last_update: "2026-03-05T12:00:00Z", error_count: 0 })
    const sightings = seen("snmp", {
      "core-switch": {
        available: true,
        last_poll: "2026-03-05T12:00:00Z",
        host_ip: "192.0.2.7",
        host_name: "switch.example.org",
        oid_status: {
          "ifName.1": oid("eth0"),
          "ifAlias.1": oid("uplink"),
          "ifPhysAddress.1": oid("00:1a:2b:3c:4d:5e"),
          "ifSpeed.1": oid(4294967295),
          "ifHighSpeed.1": oid(40000),
          "ifOperStatus.1": oid(1),
          "ifAdminStatus.1": oid(1),
          "ifName.2": oid("eth1"),
          "ifOperStatus.2": oid(2),
          "ifHCInOctets.1": oid(123),
          sysUpTime: oid(5)
        }
      },
      silent: { available: false, last_poll: "", host_ip: "192.0.2.8", host_name: "192.0.2.8", oid_status: {} },
      host_ip: "192.0.2.9"
    })

    assert.deepStrictEqual(
      sightings.map(({ hostname, interfaces, ip, isAvailable, isProof, partition }) => ({
        hostname,
        interfaces,
        ip,
        isAvailable,
        isProof,
        partition
      })),
      [
        {
          hostname: "switch.example.org",
          interfaces: [
            {
              ifIndex: 1,
              ifName: "eth0",
              ifAlias: "uplink",
              ifPhysAddress: "00:1a:2b:3c:4d:5e",
              ifSpeed: 40_000_000_000,
              ifAdminStatus: 1,
              ifOperStatus: 1
            },
            { ifIndex: 2, ifName: "eth1", ifOperStatus: 2 }
          ],
          ip: "192.0.2.7",
          isAvailable: true,
          isProof: true,
          partition: "east"
        },
        {
          hostname: "",
          interfaces: undefined,
          ip: "192.0.2.8",
          isAvailable: undefined,
          isProof: false,
          partition: "east"
        }
      ]
    )
  })
})

describe("What the mapper discovered", () => {
  it("is a device for each address, known by its MAC address, with its interfaces", () => {
    const sightings = seen("mapper_discovery", {
      devices: [{ ip: "192.0.2.7", mac: "00:1a:2b:3c:4d:5e", hostname: "router", uptime: 5 }, { mac: "no address" }],
      interfaces: [
        {
          device_ip: "192.0.2.7",
          device_id: "default:192.0.2.7",
          if_index: 3,
          if_name: "ge-0/0/3",
          if_speed: { value: 1_000_000_000 },
          ip_addresses: ["192.0.2.7"],
          if_admin_status: 1,
          if_oper_status: 2
        },
        { device_ip: "192.0.2.20", if_index: 1 },
        { device_ip: "192.0.2.7" }
      ],
      topology: null,
      agent_id: "agent",
      poller_id: "poller"
    })

    assert.deepStrictEqual(
      sightings.map(({ hostname, identifiers, interfaces, ip, source }) => ({
        hostname,
        identifiers,
        interfaces,
        ip,
        source
      })),
      [
        {
          hostname: "router",
          identifiers: [{ type: "mac", value: "001A2B3C4D5E" }],
          interfaces: [{
            ifIndex: 3,
            ifName: "ge-0/0/3",
            ifSpeed: 1_000_000_000,
            ifAdminStatus: 1,
            ifOperStatus: 2,
            ipAddresses: ["192.0.2.7"]
          }],
          ip: "192.0.2.7",
          source: "mapper"
        },
        { hostname: "", identifiers: [], interfaces: [{ ifIndex: 1 }], ip: "192.0.2.20", source: "mapper" }
      ]
    )
  })

  it("is nothing while it is at work, and where it is null", () => {
    assert.deepStrictEqual(seen("mapper_discovery", { status: "RUNNING", progress: 10, devices_found: 3 }), [])
    assert.deepStrictEqual(seen("snmp-discovery-results", { devices: null, interfaces: null }), [])
    assert.deepStrictEqual(seen("mapper_discovery", null), [])
  })
})
