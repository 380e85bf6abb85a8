/** What `stats:` computes: a list of aggregates, each with an alias, and what it is grouped by. */
import { Result } from "effect"
import { bind, type Sql, sql } from "../../sql/Sql.ts"
import { refusal } from "../catalog/Concealment.ts"
import type { Column, Entity } from "../catalog/Entity.ts"
import { type Answer, refuse, type Span } from "../language/SrqlError.ts"

export interface Measure {
  readonly alias: string
  readonly sql: Sql
  readonly isCount: boolean
  readonly isNumber: boolean
}

const measuresMax = 25

const numeric = new Set(["int4", "int8", "float4", "float8", "numeric"])

const columnOf = (entity: Entity, name: string): Pick<Column, "sql" | "type" | "name"> | undefined =>
  entity.fields.get(name) ?? entity.columns.find((column) => column.name === name)

const aggregate: Readonly<Record<string, (column: Sql) => Sql>> = {
  sum: (column) => sql`SUM(${column})`,
  avg: (column) => sql`AVG(${column})`,
  min: (column) => sql`MIN(${column})`,
  max: (column) => sql`MAX(${column})`
}

/** `p50` to `p99`, and finer: `p99_9`. */
const percentile = /^p(\d{1,2})(?:_(\d))?$/

const signs = {
  "=": sql`=`,
  "!=": sql`<>`,
  ">": sql`>`,
  ">=": sql`>=`,
  "<": sql`<`,
  "<=": sql`<=`
} as const

const isSign = (text: string): text is keyof typeof signs => Object.hasOwn(signs, text)

const condition = /^if\(\s*([a-z0-9_]+)\s*(>=|<=|!=|=|>|<)\s*(-?\d{1,15}(?:\.\d{1,9})?)\s*,\s*1\s*,\s*0\s*\)$/i

const functions = ["count", "count_distinct", "sum", "avg", "min", "max", "p50", "p95", "p99", "group_uniq_array"]

interface Call {
  readonly name: string
  readonly argument: string
}

const unknown = (entity: Entity, at: Span, { argument, name }: Call) =>
  refuse({
    at,
    detail: `unsupported stats expression '${name}(${argument})'`,
    found: name,
    expected: `${functions.join(", ")} of a field of ${entity.name}`,
    known: functions
  })

const ofCall = (entity: Entity, at: Span, call: Call): Answer<Sql> => {
  const { argument, name } = call
  if (name === "count" && (argument === "" || argument === "*")) return Result.succeed(sql`COUNT(*)`)
  const [, conditioned, sign = "", number] = name === "sum" ? condition.exec(argument) ?? [] : []
  const field = (conditioned ?? argument).toLowerCase()
  const refused = refusal(entity, field, at)
  if (refused !== undefined) return refused
  const column = columnOf(entity, field)
  if (column === undefined) return unknown(entity, at, call)
  if (conditioned !== undefined && isSign(sign) && numeric.has(column.type)) {
    const than = bind("float", Number(number))
    return Result.succeed(
      sql`coalesce(SUM(CASE WHEN coalesce(${column.sql}, 0) ${
        signs[sign]
      } ${than}::double precision THEN 1 ELSE 0 END), 0)`
    )
  }
  if (name === "count") return Result.succeed(sql`COUNT(${column.sql})`)
  if (name === "count_distinct") return Result.succeed(sql`COUNT(DISTINCT ${column.sql})`)
  if (name === "group_uniq_array" && column.type === "text") {
    return Result.succeed(
      sql`coalesce(jsonb_agg(DISTINCT ${column.sql}) FILTER (WHERE ${column.sql} IS NOT NULL), '[]'::jsonb)`
    )
  }
  const [, whole, tenths = "0"] = percentile.exec(name) ?? []
  if (!numeric.has(column.type)) return unknown(entity, at, call)
  if (whole !== undefined) {
    const fraction = bind("float", (Number(whole) * 10 + Number(tenths)) / 1000)
    return Result.succeed(sql`PERCENTILE_CONT(${fraction}::double precision) WITHIN GROUP (ORDER BY ${column.sql})`)
  }
  const of = Object.hasOwn(aggregate, name) ? aggregate[name] : undefined
  return of === undefined ? unknown(entity, at, call) : Result.succeed(of(column.sql))
}

const piece = /^([a-z_0-9]+)\s*\((.*)\)(?:\s+as\s+(\S+))?$/is

const ofPiece = (entity: Entity, at: Span, text: string): Answer<Measure> => {
  const [, name = "", argument = "", given] = piece.exec(text) ?? []
  if (name === "") {
    return refuse({ at, detail: `unsupported stats expression '${text}'`, found: text, expected: "count() as total" })
  }
  const call = { name: name.toLowerCase(), argument: argument.trim() }
  const alias = (given ?? [call.name, call.argument].filter((part) => /^\w+$/.test(part)).reverse().join("_"))
    .toLowerCase()
  if (!/^[a-z0-9_]{1,63}$/.test(alias)) {
    return refuse({ at, detail: "stats alias must be alphanumeric", found: alias, expected: "letters, digits and _" })
  }
  return Result.map(ofCall(entity, at, call), (sql) => ({
    alias,
    sql,
    isCount: call.name === "count",
    isNumber: call.name !== "group_uniq_array"
  }))
}

/** At commas outside of brackets. */
const pieces = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let depth = 0
  let from = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth++
    else if (text[at] === ")") depth--
    else if (text[at] === "," && depth === 0) {
      found.push(text.slice(from, at).trim())
      from = at + 1
    }
  }
  return [...found, text.slice(from).trim()]
}

export interface Measures {
  readonly measures: ReadonlyArray<Measure>
  /** As they are written. */
  readonly by: ReadonlyArray<string>
}

export const read = (entity: Entity, raw: string, at: Span): Answer<Measures> =>
  Result.gen(function*() {
    const [, list = raw, by = ""] = /^(.*)\s+by\s+([^()]+)$/is.exec(raw) ?? []
    const texts = pieces(list)
    if (texts.length > measuresMax) {
      return yield* refuse({
        at,
        detail: `stats support at most ${measuresMax} expressions`,
        found: `${texts.length} expressions`,
        expected: `at most ${measuresMax}`
      })
    }
    const measures: Array<Measure> = []
    for (const text of texts) {
      const measure = yield* ofPiece(entity, at, text)
      if (measures.some(({ alias }) => alias === measure.alias)) {
        return yield* refuse({
          at,
          detail: `stats alias '${measure.alias}' is used twice`,
          found: text,
          expected: "another"
        })
      }
      measures.push(measure)
    }
    return { measures, by: by.split(",").map((name) => name.trim().toLowerCase()).filter((name) => name !== "") }
  })
