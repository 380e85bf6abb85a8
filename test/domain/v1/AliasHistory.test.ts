import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import * as AliasHistory from "../../../src/domain/v1/AliasHistory.ts"

const alias = (aliasType: string, aliasValue: string, lastSeenAt: string) => ({
  aliasType,
  aliasValue,
  lastSeenAt: DateTime.makeUnsafe(lastSeenAt)
})

describe("The other names of a device", () => {
  it("are shown by kind, the newest first", () => {
    const history = AliasHistory.make([
      alias("ip", "192.0.2.6", "2026-03-05T08:00:00Z"),
      alias("service_id", "serviceradar:agent:old", "2026-03-05T09:00:00Z"),
      alias("service_id", "serviceradar:agent:new", "2026-03-05T10:00:00Z"),
      alias("collector_ip", "192.0.2.1", "2026-03-05T11:00:00Z"),
      alias("collector_ip", "192.0.2.2", "2026-03-05T07:00:00Z"),
      alias("mac", "0242AC110001", "2026-03-05T06:00:00Z")
    ], "192.0.2.7")

    assert.deepStrictEqual(history, {
      last_seen_at: "2026-03-05T11:00:00.000Z",
      collector_ip: "192.0.2.1",
      current_service_id: "serviceradar:agent:new",
      current_ip: "192.0.2.7",
      services: [
        { id: "serviceradar:agent:new", last_seen_at: "2026-03-05T10:00:00.000Z" },
        { id: "serviceradar:agent:old", last_seen_at: "2026-03-05T09:00:00.000Z" }
      ],
      ips: [{ ip: "192.0.2.6", last_seen_at: "2026-03-05T08:00:00.000Z" }]
    })
  })

  it("are left out where there are none", () => {
    assert.isUndefined(AliasHistory.make([], "192.0.2.7"))
  })
})
