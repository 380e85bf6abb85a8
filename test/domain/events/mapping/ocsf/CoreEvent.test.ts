import { assert, describe, it } from "@effect/vitest"
import * as CoreEvent from "../../../../../src/domain/events/mapping/ocsf/CoreEvent.ts"

const lifecycle = (data: Readonly<Record<string, unknown>>) =>
  CoreEvent.describe("com.carverauto.serviceradar.device.lifecycle", "x", data)?.message

describe("CoreEvent", () => {
  it.each([
    ["unhealthy", 3, "error"],
    ["healthy", 6, "info"],
    ["unknown", 5, "notice"],
    ["toString", 6, "info"]
  ])("tells that a poller became %s", (state, level, severity) => {
    assert.deepStrictEqual(
      CoreEvent.describe(undefined, "events.poller.health", {
        poller_id: "p",
        previous_state: "healthy",
        current_state: state,
        host: "h"
      }),
      { message: `Poller p state changed from healthy to ${state}`, level, severity, host: "h" }
    )
  })

  it.each([
    [{ device_id: "d" }, "Device d updated"],
    [{ device_id: "d", action: "Deleted", actor: "bob" }, "Device d deleted by bob"],
    [
      {
        device_id: "d",
        action: "alias_updated",
        metadata: { previous_ip: "a", alias_current_ip: "b", alias_current_service_id: "s", previous_collector_ip: "c" }
      },
      "Device d alias updated (service s, ip a→b, collector removed (was c))"
    ],
    [{ device_id: "d", action: "alias_updated" }, "Device d alias updated"]
  ])("tells what happened to a device: %j", (data, message) => {
    assert.strictEqual(lifecycle(data), message)
  })

  it("leaves other events alone", () => {
    assert.strictEqual(CoreEvent.describe("other", "events.x", {}), undefined)
  })
})
