import { assert, describe, it } from "@effect/vitest"
import * as path from "node:path"
import { readSources, type SourceFile } from "./SourceTree.ts"

const root = path.resolve(import.meta.dirname, "../..")

/** A type argument is a claim about rows that nobody checks; `Rows.query` decodes them. */
const claim = /\bsql(?:\.unsafe)?<\s*[{A-Z]/

const claims = (files: ReadonlyArray<SourceFile>) =>
  files.flatMap(({ path: name, text }) =>
    text.split("\n").flatMap((line, index) => claim.test(line) ? [`${name}:${index + 1}: ${line.trim()}`] : [])
  )

describe("Rows of the database", () => {
  it("are decoded, never typed by assertion", () => {
    assert.deepStrictEqual(claims(readSources(root, "src")), [])
  })

  it.each(["const rows = yield* sql<{ a: number }>`select 1 as a`", "sql.unsafe<Row>(text)"])(
    "are found where they are claimed: %s",
    (text) => {
      assert.lengthOf(claims([{ path: "src/layers/a/A.ts", text }]), 1)
    }
  )
})
