import { assert, describe, it } from "@effect/vitest"
import * as Permission from "../../../src/domain/v1/Permission.ts"

const actor = (role: string, scope = "admin", isSuperUser = false) => ({ role, scope, isSuperUser })

describe("Permission", () => {
  it.each(
    [
      ["viewer", "viewer", true],
      ["viewer", "operator", false],
      ["operator", "operator", true],
      ["operator", "admin", false],
      ["admin", "operator", true],
      ["stranger", "viewer", false]
    ] as const
  )("lets a %s do what an %s may: %s", (role, least, expected) => {
    assert.strictEqual(Permission.may(actor(role), least, true), expected)
  })

  it("lets a super user do everything, and a token for reading change nothing", () => {
    assert.isTrue(Permission.may(actor("viewer", "write", true), "admin", false))
    assert.isFalse(Permission.may(actor("admin", "read", true), "viewer", false))
    assert.isTrue(Permission.may(actor("admin", "read"), "admin", true))
  })

  it("knows of nobody who has a role that is none", () => {
    assert.isFalse(Permission.hasAny(actor("admin"), ["auditor"]))
    assert.isTrue(Permission.hasAny(actor("admin"), ["auditor", "viewer"]))
    assert.isTrue(Permission.hasAny({}, []))
    assert.isFalse(Permission.may({}, "viewer", true))
  })
})
