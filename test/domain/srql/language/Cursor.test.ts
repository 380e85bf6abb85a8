import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Cursor from "../../../../src/domain/srql/language/Cursor.ts"

const detailOf = (text: string) => Result.getOrThrow(Result.flip(Cursor.decode(text))).detail

describe("Cursor", () => {
  it("writes offsets as the original does", () => {
    assert.strictEqual(Cursor.encode({ _tag: "Offset", offset: 250 }), "eyJvZmZzZXQiOjI1MH0")
    assert.deepStrictEqual(Result.getOrThrow(Cursor.decode("eyJvZmZzZXQiOjIwfQ")), { _tag: "Offset", offset: 20 })
  })

  it("reads what it wrote of a keyset", () => {
    const cursor = { _tag: "Keyset", order: "last_seen_time DESC, uid ASC", after: [null, "ü"] } as const
    assert.deepStrictEqual(Result.getOrThrow(Cursor.decode(Cursor.encode(cursor))), cursor)
  })

  it("takes an offset below 0 for 0 and ignores unknown keys", () => {
    const text = Base64Url.encode(JSON.stringify({ offset: -5, page: 2 }))
    assert.deepStrictEqual(Result.getOrThrow(Cursor.decode(text)), Cursor.start)
  })

  it.each([
    ["!", "invalid cursor"],
    [Base64Url.encode("{"), "invalid cursor payload"],
    [Base64Url.encode("{\"offset\":1e300}"), "invalid cursor payload"],
    [Base64Url.encode("{\"offset\":\"1\"}"), "invalid cursor payload"]
  ])("refuses %s", (text, detail) => {
    assert.strictEqual(detailOf(text), detail)
  })

  it("knows the pages before and after one", () => {
    assert.deepStrictEqual(Cursor.around({ offset: 20, limit: 5, rows: 5 }), {
      next: Cursor.encode({ _tag: "Offset", offset: 25 }),
      previous: Cursor.encode({ _tag: "Offset", offset: 15 })
    })
    assert.deepStrictEqual(Cursor.around({ offset: 0, limit: 5, rows: 4 }), { next: null, previous: null })
  })
})
