import { assert, describe, it } from "@effect/vitest"
import * as Details from "../../../../../src/domain/monitoring/checks/details/Details.ts"

describe("Details for everybody to read", () => {
  it("are without user name, password and secret parameters", () => {
    const shown = [
      "https://user:secret@example.org/?token=abc&page=2",
      "user:secret@example.org:22",
      "user: secret @example.org",
      "user:se@cret @example.org"
    ].map(Details.withoutCredentials)

    for (const text of shown) assert.notMatch(text, /secret|se@cret|abc/)
  })

  it("name the server of a question as it was written", () => {
    const asked = [
      "example.org @192.0.2.53",
      "example.org MX @192.0.2.53:5353",
      "a-b.example.org TXT @[2001:db8::53]:53"
    ]

    assert.deepStrictEqual(asked.map(Details.withoutCredentials), asked)
  })
})
