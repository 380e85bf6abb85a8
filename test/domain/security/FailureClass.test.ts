import { assert, describe, it } from "@effect/vitest"
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
})
