import { assert, describe, it } from "@effect/vitest"
import { DateTime, Option, Schema } from "effect"
import * as Attribute from "../../../src/domain/resource/Attribute.ts"

const read = (text: unknown) =>
  Option.map(Schema.decodeUnknownOption(Attribute.instant.schema)(text), DateTime.formatIso).pipe(Option.getOrNull)

describe("An instant", () => {
  it.each([
    ["2026-01-31T08:00:00Z", "2026-01-31T08:00:00.000Z"],
    ["2026-01-31T08:00:00.123456Z", "2026-01-31T08:00:00.123Z"],
    ["2026-01-31T08:00+02:00", "2026-01-31T06:00:00.000Z"],
    ["2026-01-31T08:00:00", "2026-01-31T08:00:00.000Z"],
    ["2024-02-29", "2024-02-29T00:00:00.000Z"],
    ["2000-02-29", "2000-02-29T00:00:00.000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"]
  ])("is read from %s", (text, instant) => {
    assert.strictEqual(read(text), instant)
  })

  it.each([
    "1",
    "2026",
    "",
    "yesterday",
    "Jan 31 2026",
    "2026-02-30T00:00:00Z",
    "1900-02-29",
    "2026-13-01",
    "2026-00-10",
    "2026-01-00",
    "2026-04-31",
    "2026-01-31T24:00:00Z",
    "2026-01-31T08:00:60Z",
    "2026-01-31 08:00:00Z",
    "2026-01-31T08:00:00 Z",
    "2026-01-31T08:00:00+25:00",
    "0000-12-31T00:00:00Z",
    "+012026-01-31T08:00:00Z",
    1,
    null
  ])("is not %s", (text) => {
    assert.isNull(read(text))
  })
})

describe("A mail address", () => {
  const isOne = Schema.is(Attribute.mailAddress.schema)

  it("is a name and a host, as those who sign in write it", () => {
    for (const text of ["ada@example.org", "a+b.c_d@localhost", "ä@exämple.org"]) {
      assert.isTrue(isOne(text), text)
    }
  })

  it("is nothing that names a tenant, several people, or more lines of a mail", () => {
    const odd = [
      "acme/ada@example.org",
      "ada@example.org\r\nBcc: eve@example.org",
      "ada@example.org\n",
      " ada@example.org",
      "a b@c.org",
      "a@c.org,b@d.org",
      "<a@c.org>",
      "\"a\"@c.org",
      "a@b@c",
      "@",
      "a@",
      "@c.org",
      "a@c.org\u200b",
      "\u202eg@c.org",
      "ada"
    ]
    for (const text of odd) assert.isFalse(isOne(text), JSON.stringify(text))
  })
})

describe("A short name", () => {
  it("is words in lower case, and no id", () => {
    const isOne = Schema.is(Attribute.shortName(63).schema)
    const id = "00000000-0000-0000-0000-000000000000"

    assert.deepStrictEqual(["acme", "a-b-c", "9", `${id}0`, "a".repeat(63)].filter((text) => !isOne(text)), [])
    assert.deepStrictEqual(
      [id, "A", "a/b", "a b", " ", "", "é", "x\ny", "*", "-a", "a-", "a_b", "a\u202e", "a".repeat(64)].filter((text) =>
        isOne(text)
      ),
      []
    )
  })
})
