import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as fc from "fast-check"
import * as SpiffeId from "../../../src/domain/security/SpiffeId.ts"

const domain = fc.stringMatching(/^[a-z0-9._-]{1,40}$/)
const segment = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/)

describe("SpiffeId", () => {
  it("reads back what it writes", () => {
    fc.assert(fc.property(domain, fc.array(segment, { maxLength: 5 }), (trustDomain, segments) => {
      const id = { trustDomain, path: segments.map((one) => `/${one}`).join("") }

      assert.deepStrictEqual(SpiffeId.parse(SpiffeId.format(id)), Option.some(id))
    }))
  })

  it.each([
    "http://example.org/a",
    "spiffe://Example.org/a",
    "spiffe://example.org:80/a",
    "spiffe://user@example.org/a",
    "spiffe://example.org/a/",
    "spiffe://example.org//a",
    "spiffe://example.org/a/../b",
    "spiffe://example.org/a?b",
    "spiffe://example.org/a#b",
    "spiffe:///a",
    ""
  ])("refuses %s", (text) => {
    assert.deepStrictEqual(SpiffeId.parse(text), Option.none())
  })

  it("does not care how the scheme is written", () => {
    assert.deepStrictEqual(
      SpiffeId.parse("SPIFFE://example.org/a"),
      Option.some({ trustDomain: "example.org", path: "/a" })
    )
  })

  it("takes a path for one of the trust domain, and says what is missing without one", () => {
    const expected = { trustDomain: "example.org", path: "/services/core" }

    assert.deepStrictEqual(SpiffeId.expand("services/core", Option.some("example.org")), Result.succeed(expected))
    assert.deepStrictEqual(SpiffeId.expand("/services/core", Option.some("example.org")), Result.succeed(expected))
    assert.isTrue(Result.isFailure(SpiffeId.expand("services/core", Option.none())))
    assert.isTrue(Result.isFailure(SpiffeId.expand("https://example.org/core", Option.some("example.org"))))
  })
})
