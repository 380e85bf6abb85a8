import { assert, describe, it } from "@effect/vitest"
import * as path from "node:path"
import { exposed } from "../../src/domain/core/PublicResources.ts"
import { readSources, type SourceFile } from "./SourceTree.ts"

const root = path.resolve(import.meta.dirname, "../..")

/** A type argument is a claim about rows that nobody checks; `Rows.query` decodes them. */
const claim = /\bsql(?:\.unsafe)?<\s*[{A-Z]/

const claims = (files: ReadonlyArray<SourceFile>) =>
  files.flatMap(({ path: name, text }) =>
    text.split("\n").flatMap((line, index) => claim.test(line) ? [`${name}:${index + 1}: ${line.trim()}`] : [])
  )

/** Whoever writes a statement on a resource's table goes around its policies, its audit and its events. */
const tables = [...exposed.map(({ definition }) => definition.table), "record_events"]
const home = "src/domain/records/"
const statement = new RegExp(`\\b(?:from|into|update|join|table)\\s+(?:${tables.join("|")})\\b`, "i")

const waysAround = (files: ReadonlyArray<SourceFile>) =>
  files.flatMap(({ path: name, text }) => statement.test(text) && !name.startsWith(home) ? [name] : [])

describe("The records of resources", () => {
  it("are read and written by the SQL of one folder, and by nobody who knows it but one", () => {
    const files = readSources(root, "src")
    assert.deepStrictEqual(waysAround(files), [])
    const users = files.flatMap(({ path: name, text }) =>
      /records\/Statements\.ts"/.test(text) && !name.startsWith("src/layers/records/") ? [name] : []
    )
    assert.deepStrictEqual(users, [])
  })

  it.each(["sql`select * from devices`", "update users set role = 'admin'", "insert into audit_entries"])(
    "are found where they are reached otherwise: %s",
    (text) => {
      assert.lengthOf(waysAround([{ path: "src/layers/a/A.ts", text }]), 1)
    }
  )
})

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
