import { assert, describe, it } from "@effect/vitest"
import { tables } from "../../../../src/domain/events/rows/Tables.ts"

describe("Tables", () => {
  it.each(Object.entries(tables))("%s has a key that is never null, with tenant and time in it", (name, table) => {
    const columns: Readonly<Record<string, { readonly nullable: boolean }>> = table.columns
    const key: ReadonlyArray<string> = table.key

    assert.strictEqual(table.name, name)
    assert.strictEqual(key[0], "tenant_id")
    assert.include(key, table.time)
    assert.deepStrictEqual(key.filter((column) => columns[column]?.nullable !== false), [])
  })
})
