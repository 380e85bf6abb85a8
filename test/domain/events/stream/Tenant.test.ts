import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Tenant from "../../../../src/domain/events/stream/Tenant.ts"

const headers = (tenant?: string) => new Map(tenant === undefined ? [] : [[Tenant.tenantHeader, tenant]])

describe("Tenant", () => {
  it.each([
    ["acme", "acme", "other", "acme"],
    ["acme", undefined, undefined, "acme"],
    [undefined, "acme", "other", "acme"],
    [undefined, "", "other", "other"],
    [undefined, undefined, "other", "other"]
  ])("prefers the prefix (%s), then the header (%s), then the default (%s)", (prefix, header, fallback, expected) => {
    assert.deepStrictEqual(Tenant.resolve(prefix, headers(header), fallback), Result.succeed(expected))
  })

  it("refuses a message that names two", () => {
    assert.isTrue(Result.isFailure(Tenant.resolve("acme", headers("other"), undefined)))
  })

  it("refuses a message that names none", () => {
    assert.isTrue(Result.isFailure(Tenant.resolve(undefined, headers(), undefined)))
  })
})
