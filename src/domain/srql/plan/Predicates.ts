/**
 * What a filter says of a column, class by class.
 *
 * A negative leaves out nulls, but in the classes whose SQL here says otherwise. An empty list says nothing.
 */
import { Option, Result } from "effect"
import { type Bind, bind, compact, empty, join, type Sql, sql } from "../../sql/Sql.ts"
import type { ColumnType, Field, FilterClass } from "../catalog/Entity.ts"
import type { Filter, Operator } from "../language/Query.ts"
import { type Answer, refuse } from "../language/SrqlError.ts"
import * as Address from "./Address.ts"

export interface Asked {
  readonly field: Field
  readonly filter: Filter
  /** Whether negatives keep nulls, as they do in grouped counts of the inventory. */
  readonly keepsNulls: boolean
}

type Predicate = Answer<Sql>

const rust: Readonly<Record<Operator, string>> = {
  eq: "Eq",
  not_eq: "NotEq",
  like: "Like",
  not_like: "NotLike",
  in: "In",
  not_in: "NotIn",
  gt: "Gt",
  gte: "Gte",
  lt: "Lt",
  lte: "Lte"
}

const bad = ({ filter }: Asked, detail: string, expected: string) =>
  refuse({ at: filter.at, detail, found: [filter.value].flat().join(","), expected })

const unsupported = (asked: Asked, kind: string, expected: string) =>
  bad(asked, `unsupported operator for ${kind} filter: ${rust[asked.filter.op]}`, expected)

const equalityOnly = (asked: Asked) => bad(asked, `${asked.filter.field} filter only supports equality`, "one value")

const textOf = ({ filter }: Asked): string => typeof filter.value === "string" ? filter.value : filter.value.join(",")
const itemsOf = ({ filter }: Asked): ReadonlyArray<string> =>
  typeof filter.value === "string" ? [filter.value] : filter.value
const isNegative = ({ filter }: Asked): boolean => filter.op.startsWith("not_")
const isList = ({ filter }: Asked): boolean => filter.op === "in" || filter.op === "not_in"

const signs = { eq: sql`=`, not_eq: sql`!=`, gt: sql`>`, gte: sql`>=`, lt: sql`<`, lte: sql`<=` } as const

/** PostgreSQL refuses a pattern that escapes nothing, once a row gets that far. */
const escapesNothing = (pattern: string): boolean => (/\\*$/.exec(pattern)?.[0].length ?? 0) % 2 === 1

const badPattern = (asked: Asked) =>
  bad(asked, `invalid pattern '${textOf(asked)}'`, "a character after the last backslash")

const withNulls = (asked: Asked, predicate: Sql): Sql =>
  asked.keepsNulls && isNegative(asked) ? sql`(${asked.field.sql} IS NULL OR ${predicate})` : predicate

const text = (asked: Asked): Predicate => {
  const { field: { sql: column }, filter: { op } } = asked
  const value = bind("text", textOf(asked))
  if ((op === "like" || op === "not_like") && escapesNothing(textOf(asked))) return badPattern(asked)
  switch (op) {
    case "eq":
    case "not_eq":
      return Result.succeed(withNulls(asked, sql`${column} ${signs[op]} ${value}`))
    case "like":
      return Result.succeed(sql`${column} ILIKE ${value}`)
    case "not_like":
      return Result.succeed(withNulls(asked, sql`${column} NOT ILIKE ${value}`))
    case "in":
    case "not_in": {
      const items = itemsOf(asked)
      if (items.length === 0) return Result.succeed(empty)
      const array = bind("text_array", items)
      return Result.succeed(
        withNulls(asked, op === "in" ? sql`${column} = ANY(${array})` : sql`${column} != ALL(${array})`)
      )
    }
    default:
      return unsupported(asked, "text", "=, a pattern or a list")
  }
}

const textOnly = (asked: Asked): Predicate =>
  isList(asked) ? bad(asked, `${asked.filter.field} filter does not support lists`, "one value") : text(asked)

const equality = (asked: Asked): Predicate => {
  if (isList(asked)) return bad(asked, "expected scalar value", "one value")
  return asked.filter.op === "eq" || asked.filter.op === "not_eq" ? text(asked) : equalityOnly(asked)
}

const bounds = { int4: [-2147483648n, 2147483647n], int8: [-9223372036854775808n, 9223372036854775807n] } as const

/** JSON has no exact number for a bigint beyond 2^53: its text is bound. */
const integerOf = (asked: Asked, item: string): Answer<number | string> => {
  const [min, max] = bounds[asked.field.type === "int8" ? "int8" : "int4"]
  const digits = item.trim()
  const value = /^[+-]?\d{1,20}$/.test(digits) ? BigInt(digits.replace(/^\+/, "")) : undefined
  if (value === undefined || value < min || value > max) {
    return bad(asked, `invalid integer value '${item}'`, `a whole number from ${min} to ${max}`)
  }
  return Result.succeed(Number.isSafeInteger(Number(value)) ? Number(value) : String(value))
}

const integer = (asked: Asked): Predicate => {
  const { op } = asked.filter
  if (isList(asked)) return bad(asked, "expected scalar value", "one value")
  if (op !== "eq" && op !== "not_eq") return equalityOnly(asked)
  return Result.map(
    integerOf(asked, textOf(asked)),
    (value) => sql`${asked.field.sql} ${signs[op]} ${bind("int", value)}`
  )
}

const integers = (asked: Asked): Predicate => {
  if (!isList(asked)) return integer(asked)
  const items = Result.all(itemsOf(asked).map((item) => integerOf(asked, item)))
  return Result.map(items, (values) => {
    const array = bind("int_array", values)
    if (values.length === 0) return empty
    return isNegative(asked) ? sql`${asked.field.sql} != ALL(${array})` : sql`${asked.field.sql} = ANY(${array})`
  })
}

const isDecimal = (value: string): boolean => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)

/** What is too small for a `real` is 0 there, as PostgreSQL would refuse it. */
const floatOf = (type: ColumnType, text: string): number => {
  const value = isDecimal(text) ? Number(text) : Number.NaN
  if (type !== "float4") return value
  const real = Math.fround(value)
  return real === 0 || !Number.isFinite(real) ? real : value
}

const numberOf = (asked: Asked): Answer<Bind> => {
  if (asked.field.type === "int8" || asked.field.type === "int4") {
    return Result.map(integerOf(asked, textOf(asked)), (value) => bind("int", value))
  }
  const value = floatOf(asked.field.type, textOf(asked).trim())
  return Number.isFinite(value)
    ? Result.succeed(bind("float", value))
    : bad(asked, `invalid number value '${textOf(asked)}'`, "a number")
}

const number = (asked: Asked): Predicate => {
  const { op } = asked.filter
  if (isList(asked)) return bad(asked, "expected scalar value", "one value")
  if (op === "like" || op === "not_like" || op === "in" || op === "not_in") {
    return unsupported(asked, "numeric", "= or a comparison")
  }
  return Result.map(numberOf(asked), (value) => sql`${asked.field.sql} ${signs[op]} ${value}`)
}

const fixed = (asked: Asked): Predicate =>
  isList(asked) || asked.filter.op === "eq" || asked.filter.op === "not_eq" ? number(asked) : equalityOnly(asked)

const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  1: true,
  yes: true,
  false: false,
  0: false,
  no: false
}

const bool = (asked: Asked): Predicate => {
  const { op } = asked.filter
  if (isList(asked)) return bad(asked, "expected scalar value", "one value")
  if (op !== "eq" && op !== "not_eq") return equalityOnly(asked)
  const word = textOf(asked).trim().toLowerCase()
  const value = Object.hasOwn(booleans, word) ? booleans[word] : undefined
  return value === undefined
    ? bad(asked, `invalid boolean value '${textOf(asked)}'`, "true or false")
    : Result.succeed(sql`${asked.field.sql} ${signs[op]} ${bind("bool", value)}`)
}

const uuid = (asked: Asked): Predicate => {
  const { op } = asked.filter
  if (isList(asked)) return bad(asked, "expected scalar value", "one value")
  if (op !== "eq" && op !== "not_eq") return equalityOnly(asked)
  const value = textOf(asked).trim().toLowerCase()
  return /^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/.test(value)
    ? Result.succeed(sql`${asked.field.sql} ${signs[op]} ${bind("uuid", value)}`)
    : bad(asked, `invalid uuid value '${textOf(asked)}'`, "a UUID")
}

const json = (asked: Asked): Predicate =>
  isList(asked)
    ? bad(asked, `${asked.filter.field} filter does not support lists`, "one value")
    : text({ ...asked, keepsNulls: true })

const negated = (asked: Asked, predicate: Sql): Sql => isNegative(asked) ? sql`NOT (${predicate})` : predicate

/** Of arrays and keys: one value, or several. */
const members = (asked: Asked, of: (items: ReadonlyArray<string>) => Sql): Predicate => {
  const { op } = asked.filter
  if (op !== "eq" && op !== "not_eq" && !isList(asked)) return unsupported(asked, asked.filter.field, "= or a list")
  const items = itemsOf(asked)
  return Result.succeed(items.length === 0 ? empty : negated(asked, of(items)))
}

const keys = (asked: Asked): Predicate =>
  members(asked, (items) => sql`coalesce(${asked.field.sql}, '{}'::jsonb) ?| ${bind("text_array", items)}::text[]`)

const containsAll = (asked: Asked): Predicate =>
  members(
    asked,
    (items) => sql`coalesce(${asked.field.sql}, ARRAY[]::text[]) @> ${bind("text_array", items)}::text[]`
  )

const overlap = (asked: Asked): Predicate =>
  members(asked, (items) => sql`${asked.field.sql} && ${bind("text_array", items)}::text[]`)

const flag = (asked: Asked): Predicate => {
  const { op } = asked.filter
  if (op !== "eq" && op !== "not_eq") return equalityOnly(asked)
  return Result.succeed(
    sql`${asked.field.sql} ${signs[op]} ${bind("bool", ["true", "1"].includes(textOf(asked).trim().toLowerCase()))}`
  )
}

const mac = (asked: Asked): Predicate => {
  const { op } = asked.filter
  if (isList(asked)) return bad(asked, `${asked.filter.field} filter does not support lists`, "one value")
  const isPattern = op === "like" || op === "not_like"
  if (!isPattern && op !== "eq" && op !== "not_eq") return unsupported(asked, "mac", "= or a pattern")
  const digits = textOf(asked).toLowerCase().replaceAll(isPattern ? /[^0-9a-f%_]/g : /[^0-9a-f]/g, "")
  if (!/[0-9a-f]/.test(digits)) return bad(asked, "mac filter expects hex digits", "hex digits")
  const column = sql`lower(regexp_replace(${asked.field.sql}, '[^0-9a-fA-F]', '', 'g'))`
  const sign = isPattern ? (op === "like" ? sql`LIKE` : sql`NOT LIKE`) : signs[op]
  return Result.succeed(sql`${column} ${sign} ${bind("text", digits)}`)
}

const byte = sql`(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])`
const four = sql`${byte}(\\.${byte}){3}`
const group = sql`[0-9a-f]{1,4}`
const groups = sql`(${group}(:${group})*)?`

/**
 * Eight groups, or at most seven with one `::`, and not what only looks like it, as a MAC address does. The last two may be written as
 * an address of the other family is.
 */
const six = compact(sql`^(${
  join([
    sql`(${group}:){7}${group}`,
    sql`(${group}:){6}${four}`,
    sql`(?!:{0,2}([0-9a-f]+:{1,2}){7}[0-9a-f])${groups}::${groups}`,
    sql`(?!:{0,2}([0-9a-f]+:{1,2}){6}[0-9a-f])${groups}::(${group}:)*${four}`
  ], sql`|`)
})$`)

/** Stored texts that are no address are no part of any network. */
const inet = (column: Sql): Sql =>
  sql`(CASE WHEN ${column} ~ '^${four}$' OR ${column} ~* '${six}' THEN ${column}::inet END)`

const address = (asked: Asked): Predicate => {
  const { field: { sql: column }, filter: { op } } = asked
  const value = textOf(asked)
  if (op !== "eq" && op !== "not_eq") return textOnly(asked)
  if (value.includes("/")) {
    return Option.match(Address.network(value), {
      onNone: () => bad(asked, "invalid CIDR for ip filter", "an address, / and a prefix"),
      onSome: (network) =>
        Result.succeed(
          negated(asked, sql`${inet(column)} <<= network(${bind("text", network)}::text::inet)`)
        )
    })
  }
  if (!value.includes("-")) return text(asked)
  return Option.match(Address.range(value), {
    onNone: () => bad(asked, "invalid ip range for ip filter", "two addresses of one family"),
    onSome: ([first, last]) =>
      Result.succeed(
        negated(
          asked,
          sql`${inet(column)} BETWEEN ${bind("text", first)}::text::inet AND ${bind("text", last)}::text::inet`
        )
      )
  })
}

const byClass: Readonly<Record<FilterClass, (asked: Asked) => Predicate>> = {
  text,
  textOnly,
  equality,
  integer,
  integers,
  number,
  fixed,
  bool,
  uuid,
  json,
  keys,
  containsAll,
  overlap,
  flag,
  mac,
  address
}

/** `empty` where the filter says nothing. */
export const of = (asked: Asked): Predicate => byClass[asked.field.class](asked)
