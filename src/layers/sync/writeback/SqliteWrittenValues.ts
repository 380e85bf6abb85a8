/**
 * What was written back last, as a SQLite file of the spool folder for each source, its address and its property: with
 * another property nothing has been written yet. Held alone for as long as a run takes.
 */
import { Effect } from "effect"
import * as crypto from "node:crypto"
import { SpoolError } from "../../../services/sync/Spool.ts"
import type { PropertyValue, WrittenValues } from "../../../services/sync/writeback/WriteBack.ts"
import * as Database from "../Database.ts"
import { SpoolFolder } from "../SqliteSpool.ts"

/** A value that is wanted is of this run; one that was written is of any before. */
const setup = `
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA synchronous = FULL;
BEGIN EXCLUSIVE;
CREATE TABLE IF NOT EXISTS value (id TEXT PRIMARY KEY, written INTEGER, wanted INTEGER) WITHOUT ROWID;
UPDATE value SET wanted = NULL WHERE wanted IS NOT NULL;
COMMIT;
`

const countOf = (row: Record<string, unknown> | undefined, column: string): number => Number(row?.[column] ?? 0)

const valueOf = (row: Record<string, unknown>): PropertyValue => ({
  id: String(row["id"]),
  value: Number(row["wanted"]) === 1
})

export const open = Effect.fnUntraced(function*(about: {
  readonly source: string
  readonly endpoint: string
  readonly field: string
}) {
  const { file } = yield* SpoolFolder
  const name = crypto.hash("sha1", JSON.stringify([about.source, about.endpoint, about.field]), "hex").slice(0, 16)
  const path = file(`written-${name}.sqlite`)
  const database = yield* Database.open(path, setup, { timeoutMillis: 500 }).pipe(
    Effect.mapError((error) =>
      /lock/i.test(error.detail)
        ? new SpoolError({
          path,
          step: "taking the lock",
          detail: `values of ${about.source} are being written already`
        })
        : error
    )
  )
  const want = database.prepare(
    "INSERT INTO value (id, wanted) VALUES (?, ?) " +
      "ON CONFLICT (id) DO UPDATE SET wanted = min(coalesce(wanted, excluded.wanted), excluded.wanted)"
  )
  const written = database.prepare("UPDATE value SET written = wanted WHERE id = ?")
  const counts = database.prepare(
    "SELECT count(*) AS wanted, count(*) FILTER (WHERE written IS NOT wanted) AS changed " +
      "FROM value WHERE wanted IS NOT NULL"
  )
  const pending = database.prepare(
    "SELECT id, wanted FROM value WHERE id > ? AND wanted IS NOT NULL AND (? OR written IS NOT wanted) " +
      "ORDER BY id LIMIT ?"
  )
  const result: WrittenValues = {
    want: (values) =>
      Database.attempt(path, "noting what to write back", () =>
        Database.transaction(database, () => {
          for (const { id, value } of values) want.run(id, value ? 1 : 0)
        })),
    counts: Database.attempt(path, "counting what to write back", () => {
      const row = counts.get()
      return { wanted: countOf(row, "wanted"), changed: countOf(row, "changed") }
    }),
    pending: (after, limit, isAll) =>
      Database.attempt(
        path,
        "reading what to write back",
        () => pending.all(after, isAll ? 1 : 0, limit).map(valueOf)
      ),
    written: (ids) =>
      Database.attempt(path, "noting what was written back", () =>
        Database.transaction(database, () => {
          for (const id of ids) written.run(id)
        }))
  }
  return result
})
