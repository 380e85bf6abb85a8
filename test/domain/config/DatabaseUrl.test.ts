import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { DatabaseUrl } from "../../../src/domain/config/DatabaseUrl.ts"

describe("DatabaseUrl", () => {
  it.each([
    ["postgresql://user@host:5432/database", true],
    ["postgres://host", true],
    ["postgresql://u:p@/name?host=/run/postgresql", true],
    ["postgresql://u@[::1]:5432/db", true],
    ["postgresql://u@[bad/db", false],
    ["postgresql://host:99999/db", false],
    ["postgresql://u:pa#ss@host/db", false],
    ["mysql://host/db", false],
    ["host=1 user=x", false],
    ["", false]
  ])("takes %j: %s", (text, is) => {
    assert.strictEqual(Schema.is(DatabaseUrl)(text), is)
  })
})
