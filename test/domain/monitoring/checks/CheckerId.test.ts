import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as CheckerId from "../../../../src/domain/monitoring/checks/CheckerId.ts"

const id = (serviceType: string, serviceName: string, details: string) =>
  CheckerId.make({ serviceType, serviceName, details })

describe("CheckerId", () => {
  it("names type, service and target", () => {
    assert.strictEqual(id("port", "ssh", "127.0.0.1:22"), "port:ssh:127.0.0.1:22")
    assert.strictEqual(id("icmp", "gateway", "[fe80::1%eth0]"), "icmp:gateway:[fe80::1%eth0]")
    assert.strictEqual(id("sysmon", "sysmon", ""), "sysmon:sysmon")
    assert.strictEqual(id("", "", ""), "unnamed")
  })

  it("shows of a URL its scheme and host only", () => {
    assert.strictEqual(
      id("http", "web", "https://me:secret@example.org/hook/secret?token=secret"),
      "http:web:https:example.org"
    )
  })

  it("shows of a JSON target its URL's scheme and host only", () => {
    const details = JSON.stringify({ url: "http://example.org:8080/x", headers: { authorization: "secret" } })

    assert.strictEqual(id("http", "web", details), "http:web:http:example.org:8080")
    assert.strictEqual(id("http", "web", "{\"token\":\"secret\"}"), "http:web:…")
    assert.strictEqual(id("http", "web", "{not json"), "http:web:…")
  })

  it("shows of a JSON target its address, host or name", () => {
    const details = JSON.stringify({ send: "secret", address: "mail.example.org:25" })

    assert.strictEqual(id("tcp", "mail", details), "tcp:mail:mail.example.org:25")
    assert.strictEqual(id("tcp", "mail", "{\"send\":\"secret\",\"address\":\"a b\"}"), "tcp:mail:…")
  })

  it("shows nothing of the details of a type that it does not know", () => {
    assert.strictEqual(id("snmp", "router", "public"), "snmp:router:…")
  })

  it("is short, printable and not empty, whatever is asked", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), fc.string({ unit: "binary" }), (type, name, to) => {
        const text = id(type, name, to)
        assert.isAbove(text.length, 0)
        assert.isAtMost(text.length, 324)
        // eslint-disable-next-line no-control-regex
        assert.notMatch(text, /[\u0000-\u001f\u007f]/)
      })
    )
    assert.isAtMost(id("x".repeat(1e7), "y".repeat(1e7), `http://${"z".repeat(1e6)}`).length, 324)
  })
})
