/**
 * SRQL over a table of your own: an entity, a question, its statement, and what a mistyped one is told.
 *
 *   node examples/srql-catalog.ts
 */
import { Result } from "effect"
// In your own project: from "serviceradar-effect/srql"
import { catalog, check, define, identifier } from "../src/services/srql/index.ts"

const books = define({
  name: "books",
  spellings: ["book"],
  relation: identifier("books"),
  tenant: identifier("library_id"),
  time: "lent_at",
  columns: { id: "int8", title: "text", pages: "int4", lent_at: "timestamptz" },
  filters: { text: ["title"], number: ["pages"] },
  sorts: ["title", ["lent_at", "lent"]],
  order: [["lent_at", "desc"]],
  key: ["id"]
})

const library = catalog([books])
const options = { tenant: "city", nowMillis: Date.parse("2026-03-05T12:00:00Z") }

for (const text of ["in:books title:%radar% pages:>200 sort:title:asc limit:5", "in:books titel:x"]) {
  console.log(
    Result.match(check(text, library, options), {
      onFailure: (error) => error.message,
      onSuccess: ({ binds, sql }) => `${sql}\n${JSON.stringify(binds.map(({ v }) => v))}`
    })
  )
}
