import { assert, describe, it } from "@effect/vitest"
import * as LoopbackHost from "../../../src/layers/http/LoopbackHost.ts"

describe("LoopbackHost", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1:8090", true],
    ["127.0.0.1", "localhost:8090", true],
    ["127.0.0.1", "LOCALHOST.", true],
    ["::1", "[::1]:8090", true],
    ["127.0.0.1", undefined, true],
    ["127.0.0.1", "attacker.example:8090", false],
    ["127.0.0.1", "127.0.0.1.attacker.example", false],
    ["localhost", "attacker.example", false],
    ["127.0.0.1", "localhost@attacker.example", false],
    ["127.0.0.1", "", false],
    ["0.0.0.0", "core.example:8090", true],
    ["192.0.2.7", "core.example", true]
  ])("on %s lets a request for %s pass: %s", (bound, header, isAllowed) => {
    assert.strictEqual(LoopbackHost.isAllowed(bound, header), isAllowed)
  })
})
