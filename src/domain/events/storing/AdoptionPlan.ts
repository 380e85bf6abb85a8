/**
 * What is to be done to a table that another writer made, so that both can write it, and how our rows go into it.
 *
 * Only columns and indexes are added, in ways the other writer does not notice: its rows leave our columns null, which no
 * unique index minds. Where our rows do not fit without a change to what is there, the plan says so and nothing is done.
 *
 * Our insert keeps the first of rows that any unique key of the table takes for the same. So every key whose columns we
 * all write makes a repeated message add nothing, and no further one is needed; one that has less than our key keeps
 * fewer rows than we would, which is noted, as the other writer depends on it.
 */
import type { ColumnType } from "../rows/Table.ts"

export interface FoundColumn {
  readonly name: string
  /** PostgreSQL's word for it, such as `timestamp with time zone`. */
  readonly type: string
  readonly isNullable: boolean
  readonly hasDefault: boolean
}

export interface FoundTable {
  /** `table`, `partitioned table`, or what else bears the name. */
  readonly kind: string
  readonly isHypertable: boolean
  readonly columns: ReadonlyArray<FoundColumn>
  /** Columns of the unique keys that hold for all rows. */
  readonly uniqueKeys: ReadonlyArray<ReadonlyArray<string>>
}

export interface WantedTable {
  readonly name: string
  readonly columns: Readonly<Record<string, { readonly type: ColumnType; readonly nullable: boolean }>>
  readonly key: ReadonlyArray<string>
}

/** How a value of ours gets into a column of the table. */
export interface Target {
  readonly column: string
  /** The column's name and type in the table. */
  readonly name: string
  readonly type: ColumnType
  /** What stands for a value that we do not have and the table demands; never one that we made up. */
  readonly whenNull: "null" | "empty"
}

export interface Problem {
  readonly table: string
  /** Empty when it is about the table as a whole. */
  readonly column: string
  readonly found: string
  readonly wanted: string
}

export interface AdoptionPlan {
  readonly addColumns: ReadonlyArray<{ readonly name: string; readonly type: ColumnType }>
  /** Columns of a unique index to make, if any. */
  readonly addKey: ReadonlyArray<string> | undefined
  readonly targets: ReadonlyArray<Target>
  readonly problems: ReadonlyArray<Problem>
  /** For the log: where the table keeps fewer rows than we would. */
  readonly notes: ReadonlyArray<string>
}

/** Columns that once had another name. */
const formerNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  timeseries_metrics: { gateway_id: "poller_id" }
}

const postgresNames: Readonly<Record<ColumnType, string>> = {
  text: "text",
  uuid: "uuid",
  int4: "integer",
  int8: "bigint",
  float8: "double precision",
  boolean: "boolean",
  timestamptz: "timestamp with time zone",
  jsonb: "jsonb",
  "text[]": "text[]"
}

/** Types that take our values, with ours first. A narrower integer takes those that fit, and null for the others. */
const takenBy: Readonly<Record<ColumnType, ReadonlyArray<ColumnType>>> = {
  text: ["text"],
  uuid: ["uuid"],
  int4: ["int4", "int8"],
  int8: ["int8", "int4"],
  float8: ["float8"],
  boolean: ["boolean"],
  timestamptz: ["timestamptz"],
  jsonb: ["jsonb", "text"],
  "text[]": ["text[]"]
}

type Fate = { readonly target: Target; readonly isMissing: boolean } | { readonly problem: Problem }

const fateOf = (table: WantedTable, found: FoundTable, column: string): Fate => {
  const wanted = table.columns[column]
  const type: ColumnType = wanted?.type ?? "text"
  const named = (name: string | undefined) => found.columns.find((one) => one.name === name)
  const existing = named(column) ?? named(formerNames[table.name]?.[column])
  if (existing === undefined) return { isMissing: true, target: { column, name: column, type, whenNull: "null" } }
  const name = existing.name
  const taken = takenBy[type].find((one) => postgresNames[one] === existing.type)
  if (taken === undefined) {
    const choice = takenBy[type].map((one) => postgresNames[one]).join(" or ")
    return { problem: { table: table.name, column: name, found: existing.type, wanted: choice } }
  }
  if (existing.isNullable || wanted?.nullable === false) {
    // A number that does not fit must be able to become null.
    return type === "int8" && taken === "int4" && !existing.isNullable
      ? { problem: { table: table.name, column: name, found: "integer not null", wanted: "bigint or nullable" } }
      : { isMissing: false, target: { column, name, type: taken, whenNull: "null" } }
  }
  return taken === "text"
    ? { isMissing: false, target: { column, name, type: taken, whenNull: "empty" } }
    : {
      problem: { table: table.name, column: name, found: "not null", wanted: "nullable, as some rows have no value" }
    }
}

/** Columns of others that our rows have no value for. */
const unserved = (table: WantedTable, found: FoundTable, fates: ReadonlyArray<Fate>): ReadonlyArray<Problem> => {
  const served = new Set(fates.map((fate) => "target" in fate ? fate.target.name : fate.problem.column))
  return found.columns.filter(({ hasDefault, isNullable, name }) => !isNullable && !hasDefault && !served.has(name))
    .map(
      ({ name }) => ({
        table: table.name,
        column: name,
        found: "not null without a default",
        wanted: "nullable or with a default, as our rows have no value for it"
      })
    )
}

const noPlan = { addColumns: [], addKey: undefined, targets: [], notes: [] }

/** Into a table as it is: what it has no column for is not sent. */
export const untouched = (table: WantedTable, found: FoundTable): AdoptionPlan => {
  const plan = make(table, found)
  const has = new Set(found.columns.map(({ name }) => name))
  return { ...plan, addColumns: [], addKey: undefined, targets: plan.targets.filter(({ name }) => has.has(name)) }
}

export const make = (table: WantedTable, found: FoundTable): AdoptionPlan => {
  if (found.kind !== "table" && found.kind !== "partitioned table") {
    return { ...noPlan, problems: [{ table: table.name, column: "", found: `a ${found.kind}`, wanted: "a table" }] }
  }
  const fates = Object.keys(table.columns).map((column) => fateOf(table, found, column))
  const placed = fates.flatMap((fate) => "target" in fate ? [fate] : [])
  const targets = placed.map(({ target }) => target)
  const problems = [
    ...fates.flatMap((fate) => "problem" in fate ? [fate.problem] : []),
    ...unserved(table, found, fates)
  ]
  if (problems.length > 0) return { ...noPlan, problems }
  const nameOf = new Map(targets.map(({ column, name }) => [column, name]))
  const alwaysThere = new Set(
    targets.filter(({ column, whenNull }) => whenNull !== "null" || table.columns[column]?.nullable === false)
      .map(({ name }) => name)
  )
  const ours = table.key.map((column) => nameOf.get(column) ?? column)
  const holding = found.uniqueKeys.filter((key) => key.every((name) => alwaysThere.has(name)))
  return {
    addColumns: placed.filter(({ isMissing }) => isMissing).map(({ target: { name, type } }) => ({ name, type })),
    addKey: holding.length === 0 ? ours : undefined,
    targets,
    problems,
    notes: holding.filter((key) => !ours.every((name) => name === "tenant_id" || key.includes(name))).map((key) =>
      `${table.name} keeps one of several rows that are equal in ${key.join(", ")}, as its key asks`
    )
  }
}
