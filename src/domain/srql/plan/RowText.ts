/**
 * A plan's rows as JSON texts, made by the database: whole numbers of any size, microseconds and the order of keys stay
 * as they are, whatever a driver would have made of them.
 *
 *   web      numbers of arbitrary precision are texts; a count alone is a bare number
 *   service  the standalone service of the original: some names and defaults of its own; a count is an object
 */
import type { Column, ColumnType } from "../catalog/Entity.ts"
import type { Plan } from "./Plan.ts"

export type RowStyle = "web" | "service"

/** How the standalone service writes an entity, where it differs. Names are columns of the entity. */
export interface RowRule {
  readonly renamed?: Readonly<Record<string, string>>
  /** New name, and whose value it has. */
  readonly added?: Readonly<Record<string, string>>
  readonly absent?: ReadonlyArray<string>
  /** In place of null, by the name that is written. */
  readonly defaults?: Readonly<Record<string, "[]" | "{}" | "0" | "false" | "\"\"">>
  /** Another column in place of null. */
  readonly fallbacks?: Readonly<Record<string, string>>
}

export type RowRules = ReadonlyMap<string, RowRule>

/** The web path knows these by either name. */
const alsoCalled: ReadonlyArray<readonly [string, string]> = [
  ["uid", "device_id"],
  ["device_type", "type"],
  ["first_seen", "first_seen_time"],
  ["last_seen", "last_seen_time"]
]

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const isoText = (value: string): string => `to_char(${value}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

const valueOf = (alias: string, type: ColumnType): string =>
  type === "timestamptz"
    ? `CASE WHEN isfinite(${alias}) THEN ${isoText(`${alias} AT TIME ZONE 'UTC'`)} ELSE ${alias}::text END`
    : type === "numeric"
    ? `${alias}::text`
    : alias

type Named = Pick<Column, "name" | "type">

interface Entry {
  readonly name: string
  readonly value: string
}

const entriesOf = (columns: ReadonlyArray<Named>, style: RowStyle, rule: RowRule): ReadonlyArray<Entry> => {
  const values = new Map(columns.map(({ name, type }, at) => [name, valueOf(`c${at}`, type)]))
  const valueBy = (name: string): string => values.get(name) ?? "NULL"
  if (style === "web") {
    const more = alsoCalled.filter(([name, of]) => !values.has(name) && values.has(of))
    return [
      ...columns.map(({ name }) => ({ name, value: valueBy(name) })),
      ...more.map(([name, of]) => ({ name, value: valueBy(of) }))
    ]
  }
  const whole = (name: string, of: string): string => {
    const fallback = rule.fallbacks?.[name]
    const value = fallback === undefined ? valueBy(of) : `coalesce(${valueBy(of)}, ${valueBy(fallback)})`
    const absent = rule.defaults?.[name]
    return absent === undefined ? value : `coalesce(to_json(${value}), ${literal(absent)}::json)`
  }
  return [
    ...columns.filter(({ name }) => rule.absent?.includes(name) !== true).map(({ name }) => ({
      name: rule.renamed?.[name] ?? name,
      value: whole(name, name)
    })),
    ...Object.entries(rule.added ?? {}).map(([name, of]) => ({ name, value: whole(name, of) }))
  ]
}

/** PostgreSQL's functions take 100 arguments. */
const entriesPerCall = 50

const objectOf = (entries: ReadonlyArray<Entry>): string => {
  const pairs = entries.map(({ name, value }) => `${literal(name)}, ${value}`)
  if (pairs.length <= entriesPerCall) return `json_build_object(${pairs.join(", ")})::text`
  const half = Math.ceil(entries.length / 2)
  const [first, second] = [objectOf(entries.slice(0, half)), objectOf(entries.slice(half))]
  return `left(${first}, -1) || ',' || substr(${second}, 2)`
}

const noRule: RowRule = {}

const written = new WeakMap<ReadonlyArray<Named>, WeakMap<RowRule, Map<RowStyle, string>>>()

/** Columns and rules are the same ones each time that an entity is asked for. */
const rowOf = (columns: ReadonlyArray<Named>, style: RowStyle, rule: RowRule): string => {
  const ofRules = written.get(columns) ?? new WeakMap<RowRule, Map<RowStyle, string>>()
  const texts = ofRules.get(rule) ?? new Map<RowStyle, string>()
  const known = texts.get(style)
  if (known !== undefined) return known
  const text = objectOf(entriesOf(columns, style, rule))
  written.set(columns, ofRules.set(rule, texts.set(style, text)))
  return text
}

/** In place of rows that are beyond the size of an answer, so that the server does not send them: no JSON is empty. */
export const beyond = ""

/** Lists of what was aggregated may be of any size; rows are few. */
const objects = (bytesMax: number | undefined): string =>
  bytesMax === undefined
    ? "c0::text"
    : `CASE WHEN sum(pg_column_size(c0)) OVER (ROWS UNBOUNDED PRECEDING) <= ${
      Math.floor(bytesMax)
    } THEN c0::text ELSE '${beyond}' END`

const shaped = (
  plan: Plan,
  style: RowStyle,
  rules: RowRules,
  bytesMax: number | undefined
): { readonly aliases: number; readonly row: string } => {
  switch (plan.shape.kind) {
    case "rows": {
      const { columns } = plan.shape
      return { aliases: columns.length, row: rowOf(columns, style, rules.get(plan.entity) ?? noRule) }
    }
    case "payload":
      return { aliases: 1, row: objects(bytesMax) }
    case "mixed":
      return { aliases: 1, row: "c0::text" }
    case "count":
      return {
        aliases: 1,
        row: style === "web" ? "to_json(c0)::text" : objectOf([{ name: plan.shape.alias, value: "c0" }])
      }
    case "buckets":
      return {
        aliases: 3,
        row: objectOf([
          { name: "timestamp", value: isoText("c0") },
          { name: "series", value: "c1" },
          { name: "value", value: "c2" }
        ])
      }
  }
}

/**
 * The plan's statement, answered in one column `row` of JSON texts; with the same binds. Of plans with a keyset also `after`, the array
 * of texts that a cursor to the row holds. With `bytesMax` objects together larger than that are `beyond`.
 */
export const statement = (plan: Plan, style: RowStyle, rules: RowRules, bytesMax?: number): string => {
  const { aliases, row } = shaped(plan, style, rules, bytesMax)
  const keyset = plan.order !== ""
  const names = [...Array.from({ length: aliases }, (_, at) => `c${at}`), ...(keyset ? ["k"] : [])]
  return `SELECT ${row} AS row${keyset ? ", k::text AS after" : ""} FROM (${plan.sql}) AS q(${names.join(", ")})`
}
