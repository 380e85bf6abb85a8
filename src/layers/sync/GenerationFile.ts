/**
 * One generation as a SQLite file of its own.
 *
 * While it is written nothing protects it (no journal on the disk, no sync): a run that is cut off is thrown away whole. Sealing
 * brings it to the disk; from then on it is only read. Removing a generation is removing a file.
 */
import { Effect, Option, Result, type Scope } from "effect"
import * as DeviceIdentity from "../../domain/inventory/DeviceIdentity.ts"
import * as DeviceRecord from "../../domain/inventory/DeviceRecord.ts"
import type { Entry } from "../../domain/inventory/GenerationDiff.ts"
import type { SourceContext } from "../../domain/inventory/SourceContext.ts"
import type { Sighting } from "../../services/sync/DeviceSource.ts"
import type { GenerationReader, GenerationWriter, SpoolError } from "../../services/sync/Spool.ts"
import * as Database from "./Database.ts"
import * as SpoolFiles from "./SpoolFiles.ts"

/** Negative: kibibytes of page cache for each open file. */
const writing = `
PRAGMA page_size = 8192;
PRAGMA journal_mode = MEMORY;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -8192;
CREATE TABLE device (key TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE identifier (value TEXT, key TEXT, PRIMARY KEY (value, key)) WITHOUT ROWID;
CREATE TABLE rejected (key TEXT, query INTEGER, PRIMARY KEY (key, query)) WITHOUT ROWID;
`

const reading = "PRAGMA cache_size = -2048; PRAGMA query_only = ON;"

/** Stands in the table of rejections for an element that may have been any device. */
const anyKey = ""

/** Records copied, or read for copying, at a time. */
const batchSize = 500

const textOf = (row: Record<string, unknown> | undefined, column: string): string | undefined => {
  const value = row?.[column]
  return typeof value === "string" ? value : undefined
}

const recordOf = (text: string): DeviceRecord.DeviceRecord | undefined =>
  Result.match(DeviceRecord.decode(text), { onSuccess: DeviceRecord.fromTuple, onFailure: () => undefined })

export interface Draft extends Omit<GenerationWriter, "id" | "seal"> {
  /** Devices that came, and those kept from `base`. */
  readonly seal: (
    base: Option.Option<GenerationReader>
  ) => Effect.Effect<{ readonly received: number; readonly devices: number }, SpoolError>
}

/** A new file; the scope closes it and leaves it where it is. */
export const create = Effect.fnUntraced(function*(path: string, context: SourceContext, isIdentified: boolean) {
  const database = yield* Database.open(path, writing)
  const select = database.prepare("SELECT record FROM device WHERE key = ?")
  const insert = database.prepare("INSERT INTO device VALUES (?, ?) ON CONFLICT DO NOTHING")
  const update = database.prepare("UPDATE device SET record = ? WHERE key = ?")
  const identify = database.prepare("INSERT OR IGNORE INTO identifier VALUES (?, ?)")
  const reject = database.prepare("INSERT OR IGNORE INTO rejected VALUES (?, ?)")
  let received = 0
  let nameless = 0

  /** Whether this query had not brought the device before. */
  const store = (query: number, { key, observation }: Sighting): boolean => {
    const record = DeviceRecord.make(observation, query)
    if (isIdentified) {
      const device = DeviceRecord.resolve(record)
      if (device.isDevice) { for (const value of DeviceIdentity.identifiers(device, context)) identify.run(value, key) }
    }
    const text = DeviceRecord.encode(record)
    if (insert.run(key, text).changes !== 0) {
      received += 1
      return true
    }
    const before = textOf(select.get(key), "record")
    const known = before === undefined ? undefined : recordOf(before)
    if (known === undefined) return false
    const merged = DeviceRecord.merge(known, record)
    const after = DeviceRecord.encode(merged)
    if (after !== before) update.run(after, key)
    return merged.queries.length > known.queries.length
  }

  const keep = (entry: Entry): boolean => {
    if (insert.run(entry.key, entry.text).changes === 0) return false
    const record = isIdentified ? recordOf(entry.text) : undefined
    if (record !== undefined) {
      const device = DeviceRecord.resolve(record)
      if (device.isDevice) {
        for (const value of DeviceIdentity.identifiers(device, context)) identify.run(value, entry.key)
      }
    }
    return true
  }

  const keepAll = (entries: ReadonlyArray<Entry>) =>
    Database.attempt(path, "keeping records", () => Database.transaction(database, () => entries.filter(keep).length))

  /** A device whose element could not be read is not gone; when nobody can say which one it was, none is. */
  const keepUnread = Effect.fnUntraced(function*(base: GenerationReader) {
    let kept = 0
    let after = ""
    const rejected = database.prepare("SELECT DISTINCT key FROM rejected WHERE key > ? ORDER BY key LIMIT ?")
    for (;;) {
      const entries = nameless > 0
        ? yield* base.batch(after, batchSize)
        : yield* Effect.forEach(
          rejected.all(after, batchSize).flatMap((row) => textOf(row, "key") ?? []),
          (key) => Effect.map(base.get(key), Option.getOrElse((): Entry => ({ key, text: "" })))
        )
      if (entries.length === 0) return kept
      after = entries.at(-1)?.key ?? after
      kept += yield* keepAll(entries.filter(({ text }) => text !== ""))
      yield* Effect.yieldNow
    }
  })

  const draft: Draft = {
    add: (query, sightings) =>
      Database.attempt(path, "writing a page", () =>
        Database.transaction(database, () => {
          let fresh = 0
          for (const sighting of sightings) if (store(query, sighting)) fresh += 1
          return fresh
        })),
    reject: (query, keys) =>
      Database.attempt(path, "writing rejections", () =>
        Database.transaction(database, () => {
          let fresh = 0
          for (const key of keys) {
            const { changes } = reject.run(key ?? anyKey, query)
            if (key === undefined) nameless += 1
            if (key === undefined || changes !== 0) fresh += 1
          }
          return fresh
        })),
    seal: (base) =>
      Effect.gen(function*() {
        const kept = Option.isSome(base) ? yield* keepUnread(base.value) : 0
        yield* Database.attempt(path, "closing", () => database.close())
        const { sync } = yield* SpoolFiles.Current
        yield* sync(path)
        return { received, devices: received + kept }
      })
  }
  return draft
})

/** A sealed file. */
export const read = (path: string): Effect.Effect<GenerationReader, SpoolError, Scope.Scope> =>
  Effect.map(Database.open(path, reading, { readOnly: true }), (database) => {
    const next = database.prepare("SELECT key, record FROM device WHERE key > ? ORDER BY key LIMIT ?")
    const one = database.prepare("SELECT record FROM device WHERE key = ?")
    const unread = database.prepare("SELECT key FROM rejected WHERE key IN (?, ?) LIMIT 1")
    const find = database.prepare("SELECT min(key) AS key FROM identifier WHERE value = ?")
    const entryOf = (row: Record<string, unknown>): Entry => ({
      key: textOf(row, "key") ?? "",
      text: textOf(row, "record") ?? ""
    })
    return {
      batch: (after, limit) => Database.attempt(path, "reading", () => next.all(after, limit).map(entryOf)),
      get: (key) =>
        Database.attempt(
          path,
          "reading",
          () => Option.map(Option.fromNullishOr(textOf(one.get(key), "record")), (text) => ({ key, text }))
        ),
      isUnread: (key) => Database.attempt(path, "reading", () => unread.get(key, anyKey) !== undefined),
      find: (identifiers) =>
        Database.attempt(path, "searching", () => identifiers.map((value) => textOf(find.get(value), "key")))
    }
  })
