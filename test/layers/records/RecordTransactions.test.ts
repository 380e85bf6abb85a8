import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { AuditEntry } from "../../../src/domain/identity/AuditEntry.ts"
import { keyOf } from "../../../src/layers/records/RecordTransactions.ts"

describe("A whole number as a key", () => {
  it("is written in one way only", () => {
    const read = (text: string) => Option.getOrNull(keyOf(AuditEntry.definition, text))
    assert.deepStrictEqual(["0", "17", "-3"].map(read), [0, 17, -3])
    for (const text of ["", " 1", "1 ", "01", "-0", "+1", "1e2", "0x1", "1.0", "١", "9007199254740993"]) {
      assert.isNull(read(text), text)
    }
  })
})
