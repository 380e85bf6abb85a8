import { assert, describe, it } from "@effect/vitest"
import * as path from "node:path"
import { readSources } from "./SourceTree.ts"

const root = path.resolve(import.meta.dirname, "../..")
const switchedOff = /\b(?:it|test|describe)(?:\.\w+)*\.(?:skip|skipIf|only|todo|fails)\b/

describe("The tests", () => {
  it("are all switched on", () => {
    const found = readSources(root, "test")
      .filter((file) => !file.path.startsWith("test/architecture/"))
      .filter((file) => switchedOff.test(file.text))
      .map((file) => file.path)

    assert.deepStrictEqual(found, [])
  })
})
