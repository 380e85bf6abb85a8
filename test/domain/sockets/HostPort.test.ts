import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as HostPort from "../../../src/domain/sockets/HostPort.ts"

describe("HostPort", () => {
  it.each([
    [":50053", { host: "", port: 50_053 }],
    ["core.example:1", { host: "core.example", port: 1 }],
    ["[::1]:0", { host: "::1", port: 0 }],
    ["[fe80::1%eth0]:65535", { host: "fe80::1%eth0", port: 65_535 }]
  ])("reads %s, and writes it the same", (text, parts) => {
    assert.deepStrictEqual(HostPort.parse(text), Option.some(parts))
    assert.strictEqual(HostPort.format(parts), text)
  })

  it.each(["", "host", "host:", "host:65536", "::1", "::1:5", "http://host:1", "ho st:1"])(
    "refuses %j, which has no port or an impossible one",
    (text) => {
      assert.deepStrictEqual(HostPort.parse(text), Option.none())
    }
  )

  it.each([
    ["core.example:1", "core.example"],
    ["core.example", "core.example"],
    ["[::1]:5", "::1"],
    ["[::1]", "::1"],
    ["::1", "::1"],
    ["2001:db8::7", "2001:db8::7"],
    [":5", ""]
  ])("knows the host of %s, with or without a port", (text, host) => {
    assert.strictEqual(HostPort.hostOf(text), host)
  })
})
