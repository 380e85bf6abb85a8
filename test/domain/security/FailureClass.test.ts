import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as FailureClass from "../../../src/domain/security/FailureClass.ts"

describe("FailureClass", () => {
  it.each([
    ["Unauthenticated", "", "security"],
    ["PermissionDenied", "poller.serviceradar lacks a permission", "security"],
    ["Unavailable", "No connection established. Last error: self-signed certificate in certificate chain", "security"],
    ["Unavailable", "Last error: Error: Hostname/IP does not match certificate's altnames", "security"],
    ["Unavailable", "No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1", "other"],
    ["DeadlineExceeded", "no answer in time", "other"],
    ["Internal", "the checker reads certificates", "other"]
  ])("takes %s: %s for %s", (status, detail, expected) => {
    assert.strictEqual(FailureClass.classify({ status, detail }), expected)
  })

  it("never takes what a handler says for a failure of security, and always what is refused", () => {
    const refusing = fc.constantFrom("Unauthenticated", "PermissionDenied")
    const other = fc.string().filter((status) =>
      !["Unauthenticated", "PermissionDenied", "Unavailable"].includes(status)
    )
    const words = fc.constantFrom("certificate", "TLS", "permission denied", "")
    const detail = fc.tuple(fc.string(), words, fc.string()).map((parts) => parts.join(" "))
    fc.assert(fc.property(refusing, other, detail, (refused, status, text) => {
      assert.strictEqual(FailureClass.classify({ status: refused, detail: text }), "security")
      assert.strictEqual(FailureClass.classify({ status, detail: text }), "other")
    }))
  })
})
