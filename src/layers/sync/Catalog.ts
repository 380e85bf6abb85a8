/**
 * The spool's small database: which generation each source stands for, plans, the served set and what agents were told.
 *
 * Everything that must change together changes in one transaction here; the large files that it names are complete and
 * on the disk before. Several processes may have it open: the service, and commands beside it.
 */
import { Effect, Option, Schema, type Scope } from "effect"
import { SourceContext } from "../../domain/inventory/SourceContext.ts"
import { type Generation, Plan, PlanItem, type SpoolError, type Trouble } from "../../services/sync/Spool.ts"
import * as Database from "./Database.ts"

const setup = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS generation (
  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, context TEXT NOT NULL, pid INTEGER NOT NULL,
  devices INTEGER, received INTEGER, sealed_at INTEGER);
CREATE TABLE IF NOT EXISTS source (
  name TEXT PRIMARY KEY, current INTEGER, reason TEXT, detail TEXT, since INTEGER, plan TEXT);
CREATE TABLE IF NOT EXISTS plan (id TEXT PRIMARY KEY, created_at INTEGER, state TEXT, items TEXT);
CREATE TABLE IF NOT EXISTS served (id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER, body TEXT);
CREATE TABLE IF NOT EXISTS past (sequence INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS told (agent TEXT PRIMARY KEY, body TEXT);
`

const Row = {
  generation: Schema.Struct({
    id: Schema.Int,
    context: Schema.fromJsonString(SourceContext),
    devices: Schema.Int,
    received: Schema.Int,
    sealed_at: Schema.Int
  }),
  source: Schema.Struct({
    name: Schema.String,
    current: Schema.NullOr(Schema.Int),
    reason: Schema.NullOr(Schema.String),
    detail: Schema.NullOr(Schema.String),
    since: Schema.NullOr(Schema.Int),
    plan: Schema.NullOr(Schema.String)
  }),
  served: Schema.fromJsonString(Schema.Struct({
    sources: Schema.Array(Schema.Struct({ generation: Schema.Int }))
  })),
  plan: Schema.Struct({
    id: Schema.String,
    created_at: Schema.Int,
    state: Plan.fields.state,
    items: Schema.fromJsonString(Schema.Array(PlanItem))
  })
}

export interface SourceRow {
  readonly name: string
  readonly current: Option.Option<number>
  readonly trouble: Option.Option<Trouble>
  readonly planId: Option.Option<string>
}

/** A row that is not as we wrote it fails the step, which says so. */
const decode = <S extends Schema.Decoder<unknown>>(schema: S) => {
  const sync = Schema.decodeUnknownSync(schema)
  return (row: unknown): S["Type"] => sync(row)
}

const decoders = {
  generation: decode(Row.generation),
  source: decode(Row.source),
  plan: decode(Row.plan)
}

const generationOf = (row: unknown): Generation => {
  const { context, devices, id, received, sealed_at } = decoders.generation(row)
  return { id, context, devices, received, sealedAt: sealed_at }
}

const sourceOf = (row: unknown): SourceRow => {
  const { current, detail, name, plan, reason, since } = decoders.source(row)
  return {
    name,
    current: Option.fromNullishOr(current),
    trouble: reason === null ? Option.none() : Option.some({ reason, detail: detail ?? "", since: since ?? 0 }),
    planId: Option.fromNullishOr(plan)
  }
}

const planOf = (row: unknown): Plan => {
  const { created_at, id, items, state } = decoders.plan(row)
  return { id, createdAt: created_at, state, items }
}

/** Synchronous: used inside `run`, which gives errors and a transaction. */
export class Tables {
  readonly #database: Database.DatabaseSync
  /** Of few texts, each of which costs more to prepare than to run. */
  readonly #prepared = new Map<string, ReturnType<Database.DatabaseSync["prepare"]>>()

  constructor(database: Database.DatabaseSync) {
    this.#database = database
  }

  #prepare(sql: string) {
    const prepared = this.#prepared.get(sql) ?? this.#database.prepare(sql)
    this.#prepared.set(sql, prepared)
    return prepared
  }

  #run(sql: string, ...values: ReadonlyArray<string | number | null>): number {
    return Number(this.#prepare(sql).run(...values).changes)
  }

  #all(sql: string, ...values: ReadonlyArray<string | number>): ReadonlyArray<unknown> {
    return this.#prepare(sql).all(...values)
  }

  addGeneration(context: SourceContext, pid: number): number {
    const sql = "INSERT INTO generation (source, context, pid) VALUES (?, ?, ?)"
    return Number(this.#prepare(sql).run(context.name, JSON.stringify(context), pid).lastInsertRowid)
  }

  sealGeneration({ devices, id, received, sealedAt }: Generation): void {
    const sql = "UPDATE generation SET devices = ?, received = ?, sealed_at = ? WHERE id = ?"
    this.#run(sql, devices, received, sealedAt, id)
  }

  generation(id: number): Generation | undefined {
    return this.#all("SELECT * FROM generation WHERE id = ? AND sealed_at IS NOT NULL", id).map(generationOf)[0]
  }

  /** With the process that works on each; 0 when none does. */
  generations(): ReadonlyArray<{ readonly id: number; readonly pid: number }> {
    return this.#all("SELECT id, pid FROM generation").map(decode(Schema.Struct({ id: Schema.Int, pid: Schema.Int })))
  }

  /** Nobody works on it any more. */
  releaseGeneration(id: number): void {
    this.#run("UPDATE generation SET pid = 0 WHERE id = ?", id)
  }

  removeGeneration(id: number): void {
    this.#run("DELETE FROM generation WHERE id = ?", id)
  }

  sources(): ReadonlyArray<SourceRow> {
    return this.#all("SELECT * FROM source ORDER BY name").map(sourceOf)
  }

  source(name: string): SourceRow {
    return this.#all("SELECT * FROM source WHERE name = ?", name).map(sourceOf)[0] ??
      { name, current: Option.none(), trouble: Option.none(), planId: Option.none() }
  }

  #touch(name: string): void {
    this.#run("INSERT OR IGNORE INTO source (name) VALUES (?)", name)
  }

  /** Also ends what was wrong. */
  setCurrent(name: string, generation: number): void {
    this.#touch(name)
    const sql = "UPDATE source SET current = ?, reason = NULL, detail = NULL, since = NULL, plan = NULL WHERE name = ?"
    this.#run(sql, generation, name)
  }

  setTrouble(name: string, reason: string, detail: string, nowMillis: number): void {
    this.#touch(name)
    const sql = "UPDATE source SET reason = ?, detail = ?, since = coalesce(since, ?) WHERE name = ?"
    this.#run(sql, reason, detail, nowMillis, name)
  }

  setPlan(name: string, plan: string | null): void {
    this.#touch(name)
    this.#run("UPDATE source SET plan = ? WHERE name = ?", plan, name)
  }

  putPlan({ createdAt, id, items, state }: Plan): void {
    const sql = "INSERT OR REPLACE INTO plan (id, created_at, state, items) VALUES (?, ?, ?, ?)"
    this.#run(sql, id, createdAt, state, JSON.stringify(items))
  }

  removePlan(id: string): void {
    this.#run("DELETE FROM plan WHERE id = ?", id)
  }

  plans(): ReadonlyArray<Plan> {
    return this.#all("SELECT * FROM plan ORDER BY created_at, id").map(planOf)
  }

  plan(id: string): Plan | undefined {
    return this.#all("SELECT * FROM plan WHERE id = ?", id).map(planOf)[0]
  }

  served(): string | undefined {
    const row: unknown = this.#all("SELECT body FROM served WHERE id = 1")[0]
    return row === undefined ? undefined : decode(Schema.Struct({ body: Schema.String }))(row).body
  }

  sequence(): number {
    const row: unknown = this.#all("SELECT coalesce(max(sequence), 0) AS sequence FROM served")[0]
    return decode(Schema.Struct({ sequence: Schema.Int }))(row).sequence
  }

  /** Which generations the served set was made of. */
  servedGenerations(): ReadonlyArray<number> {
    const body = this.served()
    if (body === undefined) return []
    const decoded = Schema.decodeOption(Row.served)(body)
    return Option.match(decoded, {
      onNone: () => [],
      onSome: ({ sources }) => sources.map(({ generation }) => generation)
    })
  }

  /** Also remembers it, and of those before it the last `pastMax`. */
  setServed(sequence: number, body: string, pastMax: number): void {
    this.#run("INSERT OR REPLACE INTO served (id, sequence, body) VALUES (1, ?, ?)", sequence, body)
    this.#run("INSERT OR REPLACE INTO past (sequence, body) VALUES (?, ?)", sequence, body)
    const oldest = "SELECT sequence FROM past ORDER BY sequence DESC LIMIT -1 OFFSET ?"
    this.#run(`DELETE FROM past WHERE sequence IN (${oldest})`, pastMax + 1)
  }

  /** A set that was served, and is still remembered. */
  past(sequence: number): string | undefined {
    const row: unknown = this.#all("SELECT body FROM past WHERE sequence = ?", sequence)[0]
    return row === undefined ? undefined : decode(Schema.Struct({ body: Schema.String }))(row).body
  }

  pastSequences(): ReadonlyArray<number> {
    return this.#all("SELECT sequence FROM past").map(
      (row) => decode(Schema.Struct({ sequence: Schema.Int }))(row).sequence
    )
  }

  told(agent: string): string | undefined {
    const row: unknown = this.#all("SELECT body FROM told WHERE agent = ?", agent)[0]
    return row === undefined ? undefined : decode(Schema.Struct({ body: Schema.String }))(row).body
  }

  setTold(agent: string, body: string): void {
    this.#run("INSERT OR REPLACE INTO told (agent, body) VALUES (?, ?)", agent, body)
  }
}

export interface Catalog {
  readonly path: string
  /** Without waiting for whoever writes. */
  readonly read: <A>(step: string, body: (tables: Tables) => A) => Effect.Effect<A, SpoolError>
  /** In one transaction. */
  readonly run: <A>(step: string, body: (tables: Tables) => A) => Effect.Effect<A, SpoolError>
}

export const open = (path: string): Effect.Effect<Catalog, SpoolError, Scope.Scope> =>
  Effect.map(Database.open(path, setup), (database) => {
    const tables = new Tables(database)
    return {
      path,
      read: (step, body) => Database.attempt(path, step, () => body(tables)),
      run: (step, body) => Database.attempt(path, step, () => Database.transaction(database, () => body(tables)))
    }
  })
