import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import * as ProbeTarget from "../../../../src/domain/monitoring/checks/ProbeTarget.ts"
import {
  checkLengths,
  InvalidTarget,
  parseHost,
  parseHostPort,
  parseProcessName
} from "../../../../src/domain/monitoring/checks/ProbeTarget.ts"
import * as HostPort from "../../../../src/domain/sockets/HostPort.ts"

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,10}(\.[a-z][a-z0-9]{0,10}){0,2}$/)
const host = fc.oneof(fc.ipV4(), fc.ipV6(), name)
const port = fc.integer({ min: 1, max: 65535 })

describe("ProbeTarget", () => {
  it("reads back every host and port that it writes", () => {
    fc.assert(fc.property(host, port, (host, port) => {
      const parsed = parseHostPort("port", HostPort.format({ host, port }))

      assert.deepStrictEqual(parsed, Result.succeed({ host, port }))
    }))
  })

  it("answers any text with a target or with what was expected", () => {
    fc.assert(fc.property(fc.string(), (text) => {
      const parsed = parseHostPort("port", text)

      if (Result.isSuccess(parsed)) assert.isTrue(parsed.success.port >= 1 && parsed.success.port <= 65535)
      else assert.include(parsed.failure.message, "expected host:port")
    }))
  })

  it.each(["", "host", "host:", "host:0", "host:65536", "::1:22", "[::1]", "[nope]:22", "a b:22", "1.2.3:22", "-x:22"])(
    "refuses %j as host and port",
    (text) => assert.isTrue(Result.isFailure(parseHostPort("port", text)))
  )

  it("never lets a ping target begin with a dash", () => {
    fc.assert(fc.property(fc.string(), (text) => {
      const parsed = parseHost("icmp", `-${text}`)

      assert.isTrue(Result.isFailure(parsed))
    }))
  })

  it.each(["nginx", "my_app-1.2", "a".repeat(256)])(
    "takes %j as a process name",
    (text) => assert.deepStrictEqual(parseProcessName(text), Result.succeed(text))
  )

  it.each(["", "a b", "a;b", "../a", "-a", "a".repeat(257)])(
    "refuses %j as a process name",
    (text) => assert.isTrue(Result.isFailure(parseProcessName(text)))
  )

  it("refuses what would cost too much to keep, and quotes only its beginning", () => {
    const request = { serviceType: "port", serviceName: "ssh", details: "127.0.0.1:22", pollerId: "p" }
    const huge = Result.getOrThrow(Result.flip(checkLengths({ ...request, details: "x".repeat(10_000_000) })))
    const quoted = new InvalidTarget({
      serviceType: "port",
      target: `${"y".repeat(199)}😀${"z".repeat(1e6)}`,
      expected: "e"
    })

    assert.isTrue(Result.isSuccess(checkLengths(request)))
    assert.isTrue(Result.isSuccess(checkLengths({ ...request, details: "x".repeat(8192) })))
    assert.include(huge.message, "at most 8192 characters of details")
    assert.isBelow(huge.message.length, 400)
    assert.isBelow(quoted.message.length, 400)
    assert.isTrue(quoted.message.isWellFormed())
  })

  it("takes international names in the form that is looked up, in every probe", () => {
    assert.deepStrictEqual(
      Result.getOrThrow(ProbeTarget.parseHostPort("port", "bücher.example:80")),
      { host: "xn--bcher-kva.example", port: 80 }
    )
    assert.strictEqual(Result.getOrThrow(ProbeTarget.parseHost("icmp", "Bücher.example")), "xn--bcher-kva.example")
    assert.strictEqual(ProbeTarget.asciiAddress("bücher.example:50051"), "xn--bcher-kva.example:50051")
    for (const text of [":50051", "[::1]:80", "DB.example:1"]) assert.strictEqual(ProbeTarget.asciiAddress(text), text)
    assert.isTrue(Result.isFailure(ProbeTarget.parseHost("icmp", "bü cher")))
  })
})
