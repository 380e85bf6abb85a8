import { assert, describe, it } from "@effect/vitest"
import { tables } from "../../../../src/domain/events/rows/Tables.ts"

describe("Tables", () => {
  it.each(Object.entries(tables))(
    "%s has a key that is never null, with time in it, and the tenant in ours",
    (name, table) => {
      const columns: Readonly<Record<string, { readonly nullable: boolean }>> = table.columns
      const key: ReadonlyArray<string> = table.key

      assert.strictEqual(table.name, name)
      // The first generation's table is another writer's and knows no tenants.
      if (name !== "events") assert.strictEqual(key[0], "tenant_id")
      assert.include(key, table.time)
      assert.deepStrictEqual(key.filter((column) => columns[column]?.nullable !== false), [])
    }
  )
})
