/**
 * What is asked of each side: how many rows it has in which minutes, a fingerprint of a window, and the window's rows.
 *
 * Sessions are in UTC, so that a time has one text. An empty text counts as none: some tables have no room for null.
 */
import { Schema } from "effect"
import type { ComparedColumn, ComparisonPlan } from "../../../domain/events/comparing/ComparisonRules.ts"
import type { Range, Window } from "../../../domain/events/comparing/WindowPlan.ts"
import { quote } from "../store/InsertStatement.ts"

/** As text, because PostgreSQL has times that are infinite. */
export const Counts = Schema.Array(Schema.Struct({ epochSeconds: Schema.String, rows: Schema.Int }))
export const Fingerprints = Schema.Array(Schema.Struct({ rows: Schema.Int, sum: Schema.String }))
export const Hashes = Schema.Array(Schema.Struct({ hash: Schema.String }))
export const Texts = Schema.Array(Schema.NullOr(Schema.String))
export const Rows = Schema.Array(Schema.Struct({ key: Texts, values: Texts }))

type Side = "left" | "right"

export interface Statement {
  readonly text: string
  readonly parameters: ReadonlyArray<string>
}

const expressionOf = (path: string): string => {
  const [column = "", member] = path.split(".")
  return member === undefined ? quote(column) : `(${quote(column)}->>'${member}')`
}

const textOf = (column: ComparedColumn, side: Side): string => {
  const name = expressionOf(column[side])
  switch (column.kind) {
    case "array":
      return `array_to_json(${name})::text`
    case "zero":
      return `nullif(${name}::text, '0')`
    case "second":
      return `date_trunc('second', ${name})::text`
    case "traceId":
      return `case when ${name}::text ~ '[^0]' then ${name}::text end`
    default:
      return `nullif(${name}::text, '')`
  }
}

const textsOf = (columns: ReadonlyArray<ComparedColumn>, side: Side): string =>
  columns.map((column) => textOf(column, side)).join(", ")

/** Of a whole row. Servers of different versions may hash differently, which costs time and nothing else. */
const hashOf = (plan: ComparisonPlan, side: Side): string =>
  `hashtextextended(row(${textsOf([...plan.key, ...plan.values], side)})::text, 0)`

const timeOf = (plan: ComparisonPlan, side: Side): string => quote(plan.times[side])

const within = (plan: ComparisonPlan, side: Side, range: Range): Statement => {
  const bounds = [
    ...(range.sinceSeconds === undefined ? [] : [{ operator: ">=", seconds: range.sinceSeconds }]),
    ...(range.untilSeconds === undefined ? [] : [{ operator: "<", seconds: range.untilSeconds }])
  ]
  return {
    text: [
      "true",
      ...bounds.map(({ operator }, at) => `${timeOf(plan, side)} ${operator} to_timestamp($${at + 1}::text::float8)`)
    ].join(" and "),
    parameters: bounds.map(({ seconds }) => String(seconds))
  }
}

const relation = (schema: string, plan: ComparisonPlan, side: Side): string =>
  `${quote(schema)}.${quote(plan.tables[side])}`

/** From coarse to fine. */
export const units = ["minute", "second", "milliseconds"] as const

/** How many rows there are in each unit of time. */
export const counts = (
  schema: string,
  plan: ComparisonPlan,
  side: Side,
  range: Range,
  unit: typeof units[number]
): Statement => {
  const { parameters, text } = within(plan, side, range)
  return {
    text: `select extract(epoch from date_trunc('${unit}', ${timeOf(plan, side)}))::text as "epochSeconds",
      count(*)::int as rows from ${relation(schema, plan, side)} where ${text} group by 1`,
    parameters
  }
}

/** The rows of one part of a window; both sides put a row into the same part. */
const partOf = (plan: ComparisonPlan, side: Side, window: Window, part: number): Statement => {
  const { fromSeconds: sinceSeconds, parts, untilSeconds } = window
  const { parameters, text } = within(plan, side, { sinceSeconds, untilSeconds })
  // What the server has no canonical text for may differ between rows that belong together.
  const key = plan.key.filter(({ kind }) => kind !== "json")
  const hash = `('x' || substr(md5(row(${textsOf(key, side)})::text), 1, 8))::bit(32)::int8`
  return { text: parts === 1 ? text : `${text} and ${hash} % ${parts} = ${part}`, parameters }
}

type Place = readonly [schema: string, plan: ComparisonPlan, side: Side, window: Window, part: number]

/** The same for the same rows in any order; of other rows almost surely another. */
export const fingerprint = (...[schema, plan, side, window, part]: Place): Statement => {
  const { parameters, text } = partOf(plan, side, window, part)
  return {
    text: `select count(*)::int as rows, coalesce(sum(${hashOf(plan, side)}), 0)::text as sum
      from ${relation(schema, plan, side)} where ${text}`,
    parameters
  }
}

export const hashes = (...[schema, plan, side, window, part]: Place): Statement => {
  const { parameters, text } = partOf(plan, side, window, part)
  return {
    text: `select ${hashOf(plan, side)}::text as hash from ${relation(schema, plan, side)} where ${text}`,
    parameters
  }
}

/** Those with one of the hashes. `is true` keeps the planner from a join that would hash each row again and again. */
export const rows = (wanted: ReadonlyArray<string>, ...[schema, plan, side, window, part]: Place): Statement => {
  const { parameters, text } = partOf(plan, side, window, part)
  return {
    text: `select jsonb_build_array(${textsOf(plan.key, side)}) as key,
      jsonb_build_array(${textsOf(plan.values, side)}) as values
      from ${relation(schema, plan, side)}
      where ${text} and (${hashOf(plan, side)} in (select unnest($${parameters.length + 1}::text::int8[]))) is true`,
    parameters: [...parameters, `{${wanted.join(",")}}`]
  }
}

/** The first few keys of a table that only one side has, of the time asked for. */
export const sample = (schema: string, plan: ComparisonPlan, side: Side, range: Range, rowsMax: number): Statement => {
  const { parameters, text } = within(plan, side, range)
  return {
    text: `select jsonb_build_array(${textsOf(plan.key, side)}) as key, '[]'::jsonb as values
      from ${relation(schema, plan, side)} where ${text} order by ${timeOf(plan, side)} limit ${rowsMax}`,
    parameters
  }
}
