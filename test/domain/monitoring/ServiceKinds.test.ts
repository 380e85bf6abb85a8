import { assert, describe, it } from "@effect/vitest"
import * as ServiceKinds from "../../../src/domain/monitoring/ServiceKinds.ts"

const all = ["port", "icmp", "http", "grpc", "process", "sysmon", "sync", "sweep", "snmp", "mapper_discovery", "dusk"]
const those = (isSuch: (type: string) => boolean) => [...all, "made-up", "constructor", ""].filter(isSuch)

describe("The kinds of services", () => {
  it("are served, or their notice names the type", () => {
    assert.deepStrictEqual(
      those((type) => ServiceKinds.notice(type) === undefined),
      ["port", "icmp", "http", "grpc", "process", "sysmon", "sync", "sweep", "snmp"]
    )
    assert.include(ServiceKinds.notice("dusk"), "type \"dusk\" is not served")
    assert.deepStrictEqual(Object.fromEntries(ServiceKinds.unservedFiles), {
      "mapper.json": "mapper_discovery",
      "dusk.json": "dusk"
    })
  })

  it("show their targets where these are no secrets", () => {
    assert.deepStrictEqual(
      those((type) => ServiceKinds.kindOf(type).isTargetPublic),
      ["port", "icmp", "http", "grpc", "process", "sysmon"]
    )
  })

  it("bring results by their type, or an inventory by a name with sync in it", () => {
    const results = (serviceType: string, serviceName: string) => ServiceKinds.resultsOf({ serviceType, serviceName })

    assert.strictEqual(results("sync", "armis"), "inventory")
    assert.strictEqual(results("grpc", "armis-sync"), "inventory")
    assert.strictEqual(results("sweep", "network"), "sweep")
    assert.strictEqual(results("sweep", "network-sync"), "inventory")
    assert.isUndefined(results("grpc", "armis"))
  })

  it("say sysmon by certain names only", () => {
    assert.deepStrictEqual(
      ["sysmon", "sysmon-osx", "sysmon-vm", "sysmonitor", "my-sysmon", ""].filter(ServiceKinds.isSysmonName),
      ["sysmon", "sysmon-osx", "sysmon-vm"]
    )
  })
})
