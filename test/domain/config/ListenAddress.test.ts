import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { ListenAddress, OptionalListenAddress } from "../../../src/domain/config/ListenAddress.ts"

const wrong = ["host", "host:", "host:65536", "::1:5", "http://host:1", "ho st:1"]

describe("ListenAddress", () => {
  it("is read once from its text, and written as it was", () => {
    const read = Schema.decodeUnknownSync(ListenAddress)
    const write = Schema.encodeSync(ListenAddress)

    assert.deepStrictEqual(read(":50053"), { host: "", port: 50_053 })
    assert.deepStrictEqual(read("[::1]:0"), { host: "::1", port: 0 })
    assert.strictEqual(write(read("[::1]:5")), "[::1]:5")
  })

  it.each(["", ...wrong])("refuses %j in an operator's words", (text) => {
    assert.throws(
      () => Schema.decodeUnknownSync(ListenAddress)(text),
      `Expected an address to listen on such as ":50053" or "127.0.0.1:50053", got ${JSON.stringify(text)}`
    )
  })

  it("is none for an empty text where a server is optional, and refused for any other that is no address", () => {
    const read = Schema.decodeUnknownSync(OptionalListenAddress)

    assert.deepStrictEqual(read(""), Option.none())
    assert.deepStrictEqual(read("[::1]:5"), Option.some({ host: "::1", port: 5 }))
    for (const text of wrong) assert.throws(() => read(text), "an address to listen on")
  })
})
