/**
 * Rows per second from decoded messages to PostgreSQL, on a server of its own that waits for the disk: mixed streams,
 * telemetry only, the same messages once more, and with one message in a thousand that the database refuses.
 *
 *   npm run bench -- event-store [--messages 200000] [--batch 1000] [--connections 2]
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Duration, Effect, Layer, Logger, Option, Result, Schedule } from "effect"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import type { TableRows } from "../src/domain/events/rows/Tables.ts"
import * as EventDecoder from "../src/layers/events/decode/EventDecoder.ts"
import * as PgEventStore from "../src/layers/events/store/PgEventStore.ts"
import * as PgEventTables from "../src/layers/events/store/PgEventTables.ts"
import { DatabaseEndpoint } from "../src/layers/postgres/connection/DatabaseEndpoint.ts"
import { PgConnection } from "../src/layers/postgres/connection/PgConnection.ts"
import * as EmbeddedPostgres from "../src/layers/postgres/server/EmbeddedPostgres.ts"
import * as BatchWriter from "../src/services/event-writer/BatchWriter.ts"
import { EventTables } from "../src/services/events/EventTables.ts"
import { mixedSample, startMicros, telemetrySample } from "./EventMix.ts"
import type { Row } from "./Table.ts"

interface Entry {
  readonly message: number
  readonly content: TableRows
  readonly bytes: number
}

const entriesOf = (messages: number, kind: "mixed" | "telemetry", tenant: string): ReadonlyArray<Entry> => {
  const decode = EventDecoder.make({ tenantDefault: tenant })
  return Array.from({ length: messages }, (_, at) => {
    const { payload, subject } = kind === "mixed" ? mixedSample(at) : telemetrySample(at)
    const data = Buffer.from(JSON.stringify(payload))
    const message = {
      subject,
      data,
      headers: new Map(),
      stream: "events",
      sequence: at + 1,
      storedAtMicros: startMicros
    }
    return { message: at, content: Result.getOrThrow(decode(message)).content, bytes: data.length }
  })
}

/** What only the database knows that it refuses. */
const forbidden = (entry: Entry): Entry =>
  entry.content.table === "timeseries_metrics"
    ? {
      ...entry,
      content: { ...entry.content, rows: entry.content.rows.map((row) => ({ ...row, unit: "forbidden" })) }
    }
    : entry

/** A key that fits in no index. */
const poisoned = (entry: Entry): Entry =>
  entry.content.table === "timeseries_metrics"
    ? {
      ...entry,
      content: {
        table: entry.content.table,
        rows: entry.content.rows.map((row) => ({
          ...row,
          gateway_id: randomBytes(6_000).toString("base64")
        }))
      }
    }
    : entry

/** Each stream in batches of its own, as the pipeline does it. */
const batchesOf = (entries: ReadonlyArray<Entry>, size: number) => {
  const byTable = Map.groupBy(entries, (entry) => entry.content.table)
  const batches = Array.from(
    byTable.values(),
    (all) =>
      Array.from({ length: Math.ceil(all.length / size) }, (_, at) => ({
        place: at * size / all.length,
        entries: all.slice(at * size, (at + 1) * size)
      }))
  ).flat()
  return batches.sort((one, other) => one.place - other.place).map((batch) => batch.entries)
}

const drain = (entries: ReadonlyArray<Entry>, batch: number, connections: number) =>
  Effect.gen(function*() {
    const writer = yield* BatchWriter.make({ rowsMax: batch })
    const cpu = process.cpuUsage()
    const start = performance.now()
    const outcomes = yield* Effect.forEach(batchesOf(entries, batch), writer.write, { concurrency: connections })
    const seconds = (performance.now() - start) / 1000
    const used = process.cpuUsage(cpu)
    const total = (pick: (outcome: typeof outcomes[number]) => number) =>
      outcomes.reduce((sum, outcome) => sum + pick(outcome), 0)
    const rows = total((one) => one.inserted + one.repeated)
    return {
      rows,
      inserted: total((one) => one.inserted),
      poison: total((one) => one.poison.length),
      retry: total((one) => one.retry.length),
      statements: total((one) => one.statements),
      rowsPerSecond: Math.round(rows / seconds),
      cpuMicrosPerRow: Math.round((used.user + used.system) / rows * 100) / 100
    }
  })

type Drained = Effect.Success<ReturnType<typeof drain>>

const rounds = 5

/** In turns, as other work on the machine would else count for one of them only. */
const compare = (messages: number, batch: number, connections: number) =>
  Effect.gen(function*() {
    const sql = yield* (yield* PgConnection).client
    const allow = sql`alter table platform.timeseries_metrics add constraint allowed check (unit <> 'forbidden')`
    const allowAll = sql`alter table platform.timeseries_metrics drop constraint allowed`
    const kinds: ReadonlyArray<readonly [name: string, spoil: (entry: Entry) => Entry]> = [
      ["clean", (entry) => entry],
      ["poisoned", poisoned],
      ["refused", forbidden]
    ]
    const drained = new Map<string, Array<Drained>>()
    for (let round = 0; round < rounds; round++) {
      for (const [name, spoil] of kinds) {
        const entries = entriesOf(Math.ceil(messages / rounds), "telemetry", `${name}-${round}`).map((entry, at) =>
          at % 1_000 === 617 ? spoil(entry) : entry
        )
        if (name === "refused") yield* allow
        yield* sql`checkpoint`
        // A store of its own, which does not know the rules of the round before.
        const one = yield* Effect.provide(drain(entries, batch, connections), Layer.fresh(store))
        drained.set(name, [...drained.get(name) ?? [], one])
        if (name === "refused") yield* allowAll
      }
    }
    const perSecond = (name: string) => {
      const sorted = (drained.get(name) ?? []).map((one) => one.rowsPerSecond).sort((one, other) => one - other)
      return sorted[Math.floor(sorted.length / 2)] ?? 0
    }
    const poison = (name: string) => (drained.get(name) ?? []).reduce((sum, one) => sum + one.poison, 0)
    return {
      clean: { rowsPerSecond: perSecond("clean") },
      poisoned: { rowsPerSecond: perSecond("poisoned"), poison: poison("poisoned") },
      refused: { rowsPerSecond: perSecond("refused"), poison: poison("refused") }
    }
  })

const measure = (messages: number, batch: number, connections: number) =>
  Effect.gen(function*() {
    const sql = yield* (yield* PgConnection).client
    yield* drain(entriesOf(20_000, "mixed", "warm"), batch, connections)
    const entries = entriesOf(messages, "mixed", "mixed")
    yield* sql`checkpoint`
    const mixed = yield* drain(entries, batch, connections)
    const redelivered = yield* drain(entries, batch, connections)
    yield* sql`checkpoint`
    const telemetry = yield* drain(entriesOf(messages, "telemetry", "telemetry"), batch, connections)
    return { mixed, redelivered, telemetry, ...yield* compare(messages, batch, connections) }
  })

const store = PgEventStore.layer({ statementLimit: Duration.seconds(30) })

const server = Layer.effectDiscard(
  Effect.gen(function*() {
    const home = yield* Effect.acquireRelease(
      Effect.promise(() => fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-bench-"))),
      (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true }))
    )
    yield* Effect.promise(() => fs.chmod(home, 0o755))
    const postgres = yield* EmbeddedPostgres.start({ home: path.join(home, "postgres"), port: 0 })
    yield* (yield* DatabaseEndpoint).publish(postgres.url)
    yield* Effect.forkScoped((yield* PgConnection).keep)
    yield* (yield* EventTables).prepare.pipe(Effect.retry(Schedule.spaced("20 millis")), Effect.timeout("60 seconds"))
  })
)

export const run = async (
  options: ReadonlyMap<string, string>
): Promise<{ readonly rows: ReadonlyArray<Row>; readonly result: object }> => {
  const messages = Number(options.get("messages") ?? 200_000)
  const batch = Number(options.get("batch") ?? 1_000)
  const connections = Number(options.get("connections") ?? 2)
  const layer = server.pipe(
    Layer.provideMerge(PgEventTables.layer()),
    Layer.provideMerge(store),
    Layer.provideMerge(PgConnection.layer({ maxConnections: connections + 1 })),
    Layer.provideMerge(DatabaseEndpoint.layer(Option.none())),
    Layer.provideMerge(NodeFileSystem.layer),
    Layer.provideMerge(Logger.layer([]))
  )
  const result = await Effect.runPromise(measure(messages, batch, connections).pipe(Effect.provide(layer)))
  const share = result.poisoned.rowsPerSecond / result.clean.rowsPerSecond
  const refusedShare = result.refused.rowsPerSecond / result.clean.rowsPerSecond
  return {
    rows: [
      { what: "mixed streams", value: result.mixed.rowsPerSecond, unit: "rows/s" },
      { what: "the same once more, nothing added", value: result.redelivered.rowsPerSecond, unit: "rows/s" },
      { what: "telemetry only", value: result.telemetry.rowsPerSecond, unit: "rows/s" },
      { what: "one poison in 1,000", value: result.poisoned.rowsPerSecond, unit: "rows/s" },
      { what: "of clean", value: 100 * share, unit: "%" },
      { what: "one in 1,000 that only the database knows", value: result.refused.rowsPerSecond, unit: "rows/s" },
      { what: "of clean", value: 100 * refusedShare, unit: "%" },
      { what: "our CPU, mixed", value: result.mixed.cpuMicrosPerRow, unit: "µs/row" }
    ],
    result: {
      messages,
      batch,
      connections,
      ...result,
      poisonedShare: Math.round(share * 100) / 100,
      refusedShare: Math.round(refusedShare * 100) / 100
    }
  }
}
