/** Who may do what with which record: every resource × action × role, for records of one's own tenant and of another. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { exposed } from "../../../src/domain/core/PublicResources.ts"
import type { Actor } from "../../../src/domain/records/Actor.ts"
import { superSystem } from "../../../src/domain/records/Actor.ts"
import * as Policies from "../../../src/domain/resource/Policies.ts"

const now = DateTime.makeUnsafe("2026-03-05T12:00:00Z")
const here = "0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10"
const elsewhere = "7d9a1c1e-3b43-4c9b-8f0e-0c52a3b5d111"
const me = "a0000000-0000-4000-8000-000000000001"
const somebody = "a0000000-0000-4000-8000-000000000002"

const roles = ["viewer", "operator", "admin", "system"] as const
type Role = typeof roles[number]

const actorOf = (role: Role, scope: Actor["scope"] = "admin"): Actor => ({
  id: me,
  tenantId: here,
  name: "me",
  role,
  isSuperUser: false,
  scope
})

/** Whose changes say who may do what. */
const governing = new Set(["tenant", "user", "api-token", "session", "sign-in-link", "edge-package"])

/** v, o, a, s: may; a capital letter: only with what is one's own. */
const matrix: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  tenant: {
    read: "voas",
    create: "",
    update: "a",
    upgradePlan: "",
    suspend: "",
    activate: "",
    softDelete: ""
  },
  user: {
    read: "voas",
    create: "a",
    createSuperUser: "",
    update: "VOaS",
    updateRole: "a",
    setPassword: "s",
    configure: "s",
    reconfigure: "s",
    signIn: "s",
    failSignIn: "s",
    unlock: "a"
  },
  "api-token": {
    read: "VOaS",
    create: "VOaS",
    update: "VOaS",
    recordUse: "s",
    revoke: "VOaS",
    disable: "VOaS",
    enable: "VOaS"
  },
  session: { read: "VOas", begin: "s", renew: "s", end: "VOas" },
  "sign-in-link": { read: "as", make: "s", use: "s", end: "s" },
  "audit-entry": { read: "a" },
  device: {
    read: "voas",
    available: "voas",
    recentlySeen: "voas",
    create: "oas",
    update: "oas",
    discover: "s",
    refresh: "s",
    touch: "oas",
    setAvailability: "oas",
    identify: "oas",
    manage: "oas",
    decommission: "oas",
    destroy: "a"
  },
  "device-group": { read: "voas", rootGroups: "voas", create: "oas", update: "oas", destroy: "a" },
  interface: { read: "voas", active: "voas", record: "s", refresh: "s" },
  "device-identifier": { read: "voas", register: "oas", touch: "oas", verify: "oas", move: "oas" },
  "merge-audit": { read: "voas", record: "oas" },
  "device-alias-state": {
    read: "voas",
    detect: "s",
    recordSighting: "s",
    detectAgain: "s",
    confirm: "oas",
    markUpdated: "oas",
    markStale: "oas",
    reactivate: "oas",
    replace: "oas",
    archive: "oas"
  },
  "edge-package": { read: "oas", issue: "oas", deliver: "s", activate: "s", revoke: "a", softDelete: "a" }
}

const record = (name: string, tenantId: string, owner: string) => ({
  tenantId,
  id: name === "tenant" ? tenantId : owner,
  userId: owner
})

describe("The matrix of access", () => {
  it("names every resource and action that there is", () => {
    assert.deepStrictEqual(
      exposed.map(({ definition: { actions, name } }) => [name, Object.keys(actions).toSorted()]),
      Object.entries(matrix).map(([name, actions]) => [name, Object.keys(actions).toSorted()])
    )
  })

  for (const { definition } of exposed) {
    const { name } = definition
    const may = (actor: Actor, action: string, tenantId: string, owner: string) =>
      Policies.isAllowed(definition, action, record(name, tenantId, owner), { actor, arguments: {}, now })

    it.each(Object.entries(matrix[name] ?? {}))(`holds for ${name}: %s`, (action, letters) => {
      for (const role of roles) {
        const letter = role.charAt(0)
        const always = letters.includes(letter)
        const own = always || letters.includes(letter.toUpperCase())
        const actor = actorOf(role)
        assert.strictEqual(may(actor, action, here, somebody), always, `${role}, somebody's`)
        assert.strictEqual(may(actor, action, here, me), own, `${role}, own`)
        assert.isFalse(may(actor, action, elsewhere, me), `${role}, another tenant's`)
        const isChange = definition.actions[action]?.kind !== "read"
        if (role === "system" || !isChange) continue
        assert.strictEqual(may(actorOf(role, "write"), action, here, me), own && !governing.has(name), `${role}, write`)
      }
      assert.isTrue(may(superSystem, action, elsewhere, somebody), "a super user")
      const limited = { ...superSystem, role: "admin", scope: "write" } as const
      const isRead = definition.actions[action]?.kind === "read"
      assert.strictEqual(
        may(limited, action, elsewhere, somebody),
        isRead || !governing.has(name),
        "a super user, write"
      )
    })
  }
})
