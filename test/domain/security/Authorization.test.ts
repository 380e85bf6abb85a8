import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import * as fc from "fast-check"
import * as Authorization from "../../../src/domain/security/Authorization.ts"
import type { CertificateIdentity } from "../../../src/domain/security/CertificateIdentity.ts"
import * as Permission from "../../../src/domain/security/Permission.ts"
import * as Role from "../../../src/domain/security/Role.ts"
import * as SpiffeId from "../../../src/domain/security/SpiffeId.ts"

const named = (commonName: string): CertificateIdentity => ({ commonName, spiffeId: Option.none() })

const withId = (id: string): CertificateIdentity => ({ commonName: "core.serviceradar", spiffeId: SpiffeId.parse(id) })

const decide = (
  identity: CertificateIdentity,
  requirement: Permission.Requirement,
  policy: Authorization.AuthorizationPolicy = Authorization.everyRole
) =>
  Result.match(Authorization.decide(identity, { method: "/a.B/C", requirement }, policy), {
    onFailure: (error) => error._tag,
    onSuccess: (role) => Option.getOrElse(role, () => "no role")
  })

const requirement = fc.constantFrom<Permission.Requirement>(...Permission.Permission.literals)
const roleName = fc.constantFrom(...Role.RoleName.literals)

describe("Authorization", () => {
  it("gives each service the permissions of the table and no other", () => {
    fc.assert(fc.property(roleName, requirement, (role, needed) => {
      const expected = Role.permits(role, needed) ? role : "MissingPermission"

      assert.strictEqual(decide(named(`${role}.serviceradar`), needed), expected)
    }))
    const table = Role.RoleName.literals.map((role) => [role, [...Role.roles[role].permissions].join(" ")])
    assert.deepStrictEqual(table, [
      ["core", "read write poll sync admin"],
      ["poller", "read write poll"],
      ["agent", "read report"],
      ["sync", "read write sync"]
    ])
  })

  it("gives nothing to a name that has no role, whatever it resembles", () => {
    const strangers = ["", "poller", "poller.serviceradar.evil", "Poller.serviceradar", "constructor", "__proto__"]
    assert.deepStrictEqual(
      strangers.map((name) => decide(named(name), "read")),
      strangers.map(() => "UnknownIdentity")
    )
  })

  it("lets whoever has a verified certificate call what needs no permission", () => {
    assert.strictEqual(decide(named("stranger"), "none"), "no role")
  })

  it("knows a workload by its SPIFFE id, and then its common name says nothing", () => {
    assert.strictEqual(decide(withId("spiffe://example.org/services/poller"), "poll"), "poller")
    assert.strictEqual(
      decide(withId("spiffe://example.org/ns/demo/sa/serviceradar-agent"), "poll"),
      "MissingPermission"
    )
    assert.strictEqual(decide(withId("spiffe://example.org/ns/demo/sa/other"), "read"), "UnknownIdentity")
  })

  it("refuses whoever is not on the allow list, also for what needs no permission", () => {
    const policy = { ...Authorization.everyRole, allowedNames: Option.some(new Set(["poller.serviceradar"])) }

    assert.strictEqual(decide(named("poller.serviceradar"), "poll", policy), "poller")
    assert.strictEqual(decide(named("core.serviceradar"), "poll", policy), "NotAllowed")
    assert.strictEqual(decide(named("core.serviceradar"), "none", policy), "NotAllowed")
  })

  it("takes roles from the configuration", () => {
    const policy = { ...Authorization.everyRole, roles: { "edge-7": "poller" as const } }

    assert.strictEqual(decide(named("edge-7"), "poll", policy), "poller")
    assert.strictEqual(decide(named("edge-8"), "poll", policy), "UnknownIdentity")
  })

  it("calls who has no name by what is missing", () => {
    const decided = Authorization.decide(named(""), { method: "/a.B/C", requirement: "poll" }, Authorization.everyRole)

    assert.match(
      Result.isFailure(decided) ? decided.failure.message : "",
      /^a certificate without one common name has no role/
    )
  })
})
