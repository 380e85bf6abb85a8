import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"
import { document, probe } from "./probing.ts"

const statusOf = (result: { readonly document: Readonly<Record<string, unknown>> }) =>
  document(JSON.stringify(result.document["status"]))

describe("SysmonProbe", () => {
  it.live("reports cores, memory, disks and processes of this host", () =>
    Effect.gen(function*() {
      const status = statusOf(yield* probe("sysmon", ""))

      assert.containsAllKeys(status, ["timestamp", "host_id", "host_ip", "cpus", "disks", "memory", "processes"])
      assert.isNotEmpty(status["cpus"])
      assert.isNotEmpty(status["processes"])
    }))

  it.live.each(["sysmon", "sysmon-vm"])(
    "answers type grpc named %s without any address",
    (serviceName) =>
      Effect.gen(function*() {
        const result = yield* probe("grpc", "", { serviceName })

        assert.isTrue(result.available)
        assert.isNotEmpty(statusOf(result)["cpus"])
      })
  )

  it.live("leaves type grpc to an external checker when an address is known, and refuses other names without one", () =>
    Effect.gen(function*() {
      const config: AgentConfig.AgentConfig = {
        ...AgentConfig.fromFile({}),
        checkers: [{ name: "sysmon", type: "grpc", details: undefined, address: "127.0.0.1:1", security: undefined }]
      }

      const configured = yield* probe("grpc", "", { serviceName: "sysmon", config })
      const details = yield* probe("grpc", "127.0.0.1:1", { serviceName: "sysmon" })
      const other = yield* Effect.flip(probe("grpc", "", { serviceName: "sysmonitor" }))

      assert.include(configured.message, "Health check failed")
      assert.include(details.message, "Health check failed")
      assert.strictEqual(other._tag, "InvalidTarget")
    }))
})
