import { assert, describe, it } from "@effect/vitest"
import { LockTimeoutError, SqlError, StatementTimeoutError } from "effect/sql/SqlError"
import * as StoreFailure from "../../../../src/layers/events/store/StoreFailure.ts"

describe("StoreFailure", () => {
  it("tells a table that somebody holds from rows that take too long", () => {
    const held = new SqlError({ reason: new LockTimeoutError({ cause: { code: "55P03" } }) })
    const slow = new SqlError({ reason: new StatementTimeoutError({ cause: { code: "57014" } }) })

    assert.strictEqual(StoreFailure.ofWrite(held, "logs", []).reason._tag, "TableUnusable")
    assert.strictEqual(StoreFailure.ofWrite(slow, "logs", []).reason._tag, "StoreTimeout")
  })
})
