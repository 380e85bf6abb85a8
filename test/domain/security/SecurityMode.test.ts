import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as SecurityMode from "../../../src/domain/security/SecurityMode.ts"

const choose = (mode: SecurityMode.SecurityMode, hasCertificates: boolean, host: string, isExplicit = true) =>
  SecurityMode.choose({ mode, isExplicit }, { hasCertificates, host })

describe("SecurityMode", () => {
  it("is production when nothing is said, and refuses words it does not know", () => {
    assert.deepStrictEqual(SecurityMode.parse(Option.none()), Result.succeed(SecurityMode.unset))
    assert.deepStrictEqual(SecurityMode.parse(Option.some("")), Result.succeed(SecurityMode.unset))
    assert.deepStrictEqual(
      SecurityMode.parse(Option.some("Hybrid")),
      Result.succeed({ mode: "hybrid", isExplicit: true })
    )
    assert.deepStrictEqual(
      SecurityMode.parse(Option.some("prod")),
      Result.fail("one of development, hybrid, production")
    )
  })

  it("speaks no TLS in development, none inside one host in hybrid, and always in production", () => {
    const host = "10.0.0.1"

    assert.deepStrictEqual([
      choose("development", true, host),
      choose("hybrid", true, host),
      choose("hybrid", true, "127.0.0.1"),
      choose("hybrid", true, "[::1]"),
      choose("hybrid", false, "localhost"),
      choose("production", true, "127.0.0.1")
    ], ["plain", "tls", "plain", "plain", "plain", "tls"])
  })

  it("refuses plain text only where somebody counts on certificates", () => {
    assert.deepStrictEqual([
      choose("production", false, "127.0.0.1"),
      choose("hybrid", false, "10.0.0.1"),
      choose("production", false, "10.0.0.1", false)
    ], ["missing", "missing", "plain"])
  })

  it.each(["localhost.evil.example", "127.0.0.1.example", "1270.0.0.1", "::2", ""])(
    "does not take %s for this host",
    (host) => {
      assert.isFalse(SecurityMode.isLoopback(host))
    }
  )
})
