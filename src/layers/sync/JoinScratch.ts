/**
 * What is only needed while a served set is made: which devices are one, networks without repetitions, and retractions
 * until they are in order.
 */
import { Effect, Option } from "effect"
import type { DeviceKey, ServedElement } from "../../services/sync/ResultsStore.ts"
import * as Database from "./Database.ts"
import * as SetIndex from "./SetIndex.ts"

const setup = `
PRAGMA journal_mode = MEMORY;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -4096;
CREATE TABLE part (
  base_source INTEGER, base_key TEXT, source INTEGER, key TEXT, PRIMARY KEY (base_source, base_key, source)
) WITHOUT ROWID;
CREATE UNIQUE INDEX part_device ON part (source, key);
CREATE TABLE retraction (key TEXT PRIMARY KEY, text TEXT NOT NULL, identifiers TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE network (agent TEXT, network TEXT, PRIMARY KEY (agent, network)) WITHOUT ROWID;
`

const retractionOf = (row: Record<string, unknown>): ServedElement => ({
  key: String(row["key"]),
  text: String(row["text"]),
  identifiers: SetIndex.identifiersOf(row["identifiers"])
})

const deviceKey = (row: Record<string, unknown>): DeviceKey => ({
  source: Number(row["source"]),
  key: String(row["key"])
})

export const make = Effect.fnUntraced(function*(path: string) {
  const database = yield* Database.open(path, setup)
  const join = database.prepare("INSERT OR IGNORE INTO part VALUES (?, ?, ?, ?)")
  const base = database.prepare("SELECT base_source AS source, base_key AS key FROM part WHERE source = ? AND key = ?")
  const parts = database.prepare("SELECT source, key FROM part WHERE base_source = ? AND base_key = ? ORDER BY source")
  const addNetwork = database.prepare("INSERT OR IGNORE INTO network VALUES (?, ?)")
  const networks = database.prepare(
    "SELECT network FROM network WHERE agent = ? AND network > ? ORDER BY network LIMIT ?"
  )
  const addRetraction = database.prepare("INSERT OR IGNORE INTO retraction VALUES (?, ?, ?)")
  const retractions = database.prepare("SELECT * FROM retraction WHERE key > ? ORDER BY key LIMIT ?")
  let joined = 0
  return {
    addRetractions: (all: ReadonlyArray<ServedElement>) =>
      all.length === 0 ?
        Effect.void :
        Database.attempt(path, "writing retractions", () =>
          Database.transaction(database, () => {
            for (const { identifiers = [], key, text } of all) {
              addRetraction.run(key, text, SetIndex.identifiersText(identifiers))
            }
          })),
    retractions: (after: string, limit: number) =>
      Database.attempt(path, "reading retractions", () => retractions.all(after, limit).map(retractionOf)),
    clearRetractions: Database.attempt(path, "clearing retractions", () => database.exec("DELETE FROM retraction")),
    joined: () => joined,
    join: (to: DeviceKey, device: DeviceKey) =>
      Database.attempt(path, "joining devices", () => {
        const isNew = join.run(to.source, to.key, device.source, device.key).changes !== 0
        if (isNew) joined += 1
        return isNew
      }),
    baseOf: ({ key, source }: DeviceKey) =>
      joined === 0 ?
        Effect.succeedNone :
        Database.attempt(
          path,
          "reading joins",
          () => Option.map(Option.fromNullishOr(base.get(source, key)), deviceKey)
        ),
    partsOf: ({ key, source }: DeviceKey) =>
      joined === 0
        ? Effect.succeed<ReadonlyArray<DeviceKey>>([])
        : Database.attempt(path, "reading joins", () => parts.all(source, key).map(deviceKey)),
    addNetworks: (agentId: string, all: ReadonlyArray<string>) =>
      all.length === 0 ?
        Effect.void :
        Database.attempt(path, "writing networks", () =>
          Database.transaction(database, () => {
            for (const one of all) addNetwork.run(agentId, one)
          })),
    networks: (agentId: string, after: string, limit: number) =>
      Database.attempt(
        path,
        "reading networks",
        () => networks.all(agentId, after, limit).map((row) => String(row["network"]))
      )
  }
})
