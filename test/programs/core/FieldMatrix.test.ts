/** Who is shown which field: every field of every resource that has a policy × role, of one's own record and of another's. */
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Result } from "effect"
import { exposed } from "../../../src/domain/core/PublicResources.ts"
import * as Query from "../../../src/domain/jsonapi/Query.ts"
import { fieldName } from "../../../src/domain/jsonapi/Wire.ts"
import { type Actor, superSystem } from "../../../src/domain/records/Actor.ts"
import * as FieldPolicies from "../../../src/domain/resource/FieldPolicies.ts"
import { publicFields } from "../../../src/domain/resource/PublicFields.ts"

const now = DateTime.makeUnsafe("2026-03-05T12:00:00Z")
const here = "0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10"
const me = "a0000000-0000-4000-8000-000000000001"
const somebody = "a0000000-0000-4000-8000-000000000002"

const roles = ["viewer", "operator", "admin", "system"] as const

/** v, o, a, s: are shown it of everybody's records; a capital letter: only of one's own. */
const matrix: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  tenant: { contactEmail: "a", contactName: "a" },
  user: {
    hashedPassword: "",
    authenticatedAt: "VOas",
    failedSignIns: "VOas",
    lastFailedAt: "VOas",
    lockedUntil: "VOas"
  }
}

const surroundingsOf = (role: Actor["role"]) => ({
  actor: { id: me, tenantId: here, name: "me", role, isSuperUser: false, scope: "admin" },
  arguments: {},
  now
})
const root = { actor: superSystem, arguments: {}, now }

/** What the API says of a question by this field. */
const problemsOf = (definition: (typeof exposed)[number]["definition"], query: string, role: Actor["role"]) => {
  const parsed = Query.parse(definition, new URLSearchParams(query), surroundingsOf(role))
  return Result.isFailure(parsed) ? parsed.failure.map(({ code }) => code) : []
}

describe("The matrix of fields", () => {
  it("names every field that has a policy, and none that cannot have one", () => {
    const governed = exposed.flatMap(({ definition }) => {
      const fields = publicFields(definition).filter((field) =>
        FieldPolicies.condition(definition, field) !== undefined
      )
      return fields.length === 0 ? [] : [[definition.name, fields.toSorted()]]
    })
    assert.deepStrictEqual(
      governed,
      Object.entries(matrix).map(([name, fields]) => [name, Object.keys(fields).toSorted()])
    )
    assert.deepStrictEqual(exposed.flatMap(({ definition }) => FieldPolicies.faults(definition)), [])
  })

  for (const { definition } of exposed) {
    it.each(Object.entries(matrix[definition.name] ?? {}))(`holds for ${definition.name}: %s`, (field, letters) => {
      for (const role of roles) {
        const always = letters.includes(role.charAt(0))
        const own = always || letters.includes(role.charAt(0).toUpperCase())
        const surroundings = surroundingsOf(role)
        const isShown = (id: string) => FieldPolicies.isShown(definition, field, { id, tenantId: here }, surroundings)
        assert.strictEqual(isShown(somebody), always, `${role}, somebody's`)
        assert.strictEqual(isShown(me), own, `${role}, own`)
        const wire = fieldName(field)
        const refused = always ? [] : ["hidden_field"]
        assert.deepStrictEqual(problemsOf(definition, `filter[${wire}][is_nil]=true`, role), refused, `${role}, filter`)
        assert.deepStrictEqual(problemsOf(definition, `sort=-${wire}`, role), refused, `${role}, sort`)
        assert.deepStrictEqual(problemsOf(definition, `fields[${definition.name}]=${wire}`, role), [])
      }
      assert.strictEqual(FieldPolicies.isOpen(definition, field, root), letters !== "", "a super user")
    })
  }
})
