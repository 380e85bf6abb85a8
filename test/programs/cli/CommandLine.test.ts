import { assert, describe, it } from "@effect/vitest"
import { Cause, Option, Schema } from "effect"
import * as ErrorReport from "../../../src/layers/command/ErrorReport.ts"
import * as GoFlags from "../../../src/layers/command/GoFlags.ts"
import { NegativeAnswer } from "../../../src/layers/command/NegativeAnswer.ts"
import * as ConfigKind from "../../../src/programs/cli/ConfigKind.ts"
import { outputOf } from "../../../src/programs/up/UpOptions.ts"

class DiskFull extends Schema.TaggedError<DiskFull>()("DiskFull", {}) {
  override get message(): string {
    return "the disk is full"
  }
}

describe("GoFlags", () => {
  it("turns Go's long flags into ours and leaves the rest", () => {
    assert.deepStrictEqual(
      GoFlags.normalise(["poller", "-config", "a-b.json", "-http=off", "-h", "--json", "-1", "--", "-config"]),
      ["poller", "--config", "a-b.json", "--http=off", "-h", "--json", "-1", "--", "-config"]
    )
  })
})

describe("ErrorReport", () => {
  it("is the error's message on one line", () => {
    assert.strictEqual(ErrorReport.render(Cause.fail(new DiskFull({})), false), "serviceradar: the disk is full")
  })

  it("has the stack when somebody wants to know", () => {
    assert.include(ErrorReport.render(Cause.fail(new DiskFull({})), true) ?? "", "    at ")
    assert.deepStrictEqual(
      [["up"], ["--log-level", "debug"], ["--log-level=trace"], ["--log-level", "info"]].map(ErrorReport.wantsStack),
      [false, true, true, false]
    )
  })

  it("tells a bug from an error", () => {
    assert.include(ErrorReport.render(Cause.die(new Error("oops")), false) ?? "", "internal error: oops")
  })

  it("says nothing of what was printed or asked for", () => {
    assert.isUndefined(ErrorReport.render(Cause.fail(new NegativeAnswer({ answer: "no" })), false))
    assert.isUndefined(ErrorReport.render(Cause.interrupt(1), false))
  })
})

describe("ConfigKind", () => {
  it("is recognised by the keys", () => {
    assert.deepStrictEqual(
      [
        ["poller_id", "agents"],
        ["Agent_ID", "listen_addr"],
        ["listen_addr", "database_url"],
        [],
        ["listen_addr", "nats_url", "cnpg", "agent_id", "poller_id"]
      ].map((keys) => Option.getOrUndefined(ConfigKind.ofKeys(keys))),
      ["poller", "agent", "core", undefined, "event-writer"]
    )
  })

  it("takes core.json of the existing core for core's, not for an event writer's", () => {
    const keys =
      "listen_addr grpc_addr alert_threshold known_pollers metrics cnpg security cors auth nats webhooks logging"

    assert.deepStrictEqual(ConfigKind.ofKeys(keys.split(" ")), Option.some("core"))
    assert.deepStrictEqual(ConfigKind.ofKeys(["listen_addr", "cnpg", "auth"]), Option.some("core"))
    assert.deepStrictEqual(ConfigKind.ofKeys(["listen_addr", "logging"]), Option.none())
  })
})

describe("The output of up", () => {
  it("follows flags first and the terminal then", () => {
    assert.deepStrictEqual([
      outputOf({ once: true, json: true }, true),
      outputOf({ once: true, json: false }, true),
      outputOf({ once: false, json: true }, true),
      outputOf({ once: false, json: false }, true),
      outputOf({ once: false, json: false }, false)
    ], ["json-array", "table", "json-lines", "live", "log"])
  })
})
