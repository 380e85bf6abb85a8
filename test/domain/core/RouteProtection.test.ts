import { assert, describe, it } from "@effect/vitest"
import { rolesFor } from "../../../src/domain/core/RouteProtection.ts"

const protection = rolesFor({
  "/api/admin/*": ["admin"],
  "/api/admin/agents": { GET: ["operator"] },
  "/api/devices/*": { POST: ["operator", "admin"], DELETE: ["admin"] },
  "/api/devices/secret/*": ["admin"]
})

describe("rolesFor", () => {
  it.each([
    ["GET", "/api/admin/config", ["admin"]],
    // A path of its own counts before one that covers it.
    ["GET", "/api/admin/agents", ["operator"]],
    ["PUT", "/api/admin/agents", []],
    ["GET", "/api/devices/x", []],
    ["POST", "/api/devices/search", ["operator", "admin"]],
    // The longest of those that cover it.
    ["GET", "/api/devices/secret/x", ["admin"]],
    // What covers a path is below it.
    ["GET", "/api/admin", []],
    ["GET", "/api/administration", []],
    ["GET", "/api/status", []]
  ])("wants of %s %s one of %j", (method, path, roles) => {
    assert.deepStrictEqual(protection(method, path), roles)
  })

  it("wants nothing where nothing is said", () => {
    assert.deepStrictEqual(rolesFor({})("GET", "/api/status"), [])
  })
})
