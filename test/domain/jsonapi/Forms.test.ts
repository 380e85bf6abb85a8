import { assert, describe, it } from "@effect/vitest"
import { DateTime } from "effect"
import { exposed } from "../../../src/domain/core/PublicResources.ts"
import * as Forms from "../../../src/domain/jsonapi/Forms.ts"
import type { Actor } from "../../../src/domain/records/Actor.ts"

const formsOf = (role: Actor["role"]) => {
  const actor: Actor = {
    id: "a0000000-0000-4000-8000-000000000001",
    tenantId: "0b0d7c9e-6a52-4a7e-9c55-2f7a3a5a9d10",
    name: "me",
    role,
    isSuperUser: false,
    scope: "admin"
  }
  const now = DateTime.makeUnsafe("2026-03-05T12:00:00Z")
  return Forms.document("/api/v2", exposed, { actor, arguments: {}, now }).forms
}

const actions = (role: Actor["role"], resource: string) => formsOf(role)[resource]?.map(({ action }) => action) ?? []

describe("Forms", () => {
  it("are there for every resource, and hold what an action takes, as it takes it", () => {
    const forms = formsOf("operator")

    assert.deepStrictEqual(Object.keys(forms), exposed.map(({ definition }) => definition.name))
    const create = forms["device-group"]?.find(({ action }) => action === "create")
    assert.deepStrictEqual(create, {
      action: "create",
      label: "Create",
      method: "POST",
      path: "/api/v2/device-groups",
      fields: [
        { name: "name", label: "Name", input: "text", required: true, nullable: false, length_max: 255 },
        { name: "desc", label: "Desc", input: "textarea", required: false, nullable: true, length_max: 2000 },
        {
          name: "group_type",
          label: "Group type",
          input: "select",
          required: false,
          nullable: false,
          default: "custom",
          choices: ["location", "department", "environment", "function", "custom"]
        },
        {
          name: "parent_id",
          label: "Parent id",
          input: "reference",
          required: false,
          nullable: true,
          resource: "device-group"
        }
      ]
    })
    const manage = forms["device"]?.find(({ action }) => action === "manage")
    assert.deepInclude(manage, {
      method: "PATCH",
      path: "/api/v2/devices/{key}/manage",
      from: ["identified"],
      to: "managed"
    })
  })

  it("are only those of what somebody may do", () => {
    assert.deepStrictEqual(actions("viewer", "device"), [])
    assert.notInclude(actions("operator", "device"), "destroy")
    assert.include(actions("admin", "device"), "destroy")
    // What only a program does is in nobody's form.
    assert.notInclude(actions("admin", "device-alias-state"), "record_sighting")
  })
})
