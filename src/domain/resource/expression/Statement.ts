/** Writes an expression as SQL. Every value is a bind with its type; columns are the caller's, who knows the table. */
import { DateTime } from "effect"
import { bind, type BindType, join, type Sql, sql } from "../../sql/Sql.ts"
import { common, type Kind, type Value } from "./Kind.ts"
import { type Comparison, type Node, shiftMillisMax, type Surroundings } from "./Node.ts"

export interface Writing extends Surroundings {
  /** The column that holds an attribute. */
  readonly column: (attribute: string) => Sql
}

export const write = (node: Node, writing: Writing): Sql => {
  const of = (part: Node): Sql => write(part, writing)
  /** Both sides in the kind in which they are compared. */
  const pair = (left: Node, right: Node): readonly [Sql, Sql] => {
    const kind = common(left.kind, right.kind)
    return [as(of(left), left.kind, kind), as(of(right), right.kind, kind)]
  }
  switch (node._tag) {
    case "Reference":
      return node.source === "record"
        ? writing.column(node.name)
        : valueSql(Object.hasOwn(writing[node.source], node.name) ? writing[node.source][node.name] : null, node.kind)
    case "Literal":
      return valueSql(node.value, node.kind)
    case "Now":
      return valueSql(writing.now, "instant")
    case "Compare": {
      const [left, right] = pair(node.left, node.right)
      const isOrdered = node.comparison !== "=" && node.comparison !== "<>"
      const isText = common(node.left.kind, node.right.kind) === "text"
      return sql`(${isOrdered && isText ? byCodePoint(left) : left} ${operators[node.comparison]} ${right})`
    }
    case "Same": {
      const [left, right] = pair(node.left, node.right)
      return sql`(${left} IS NOT DISTINCT FROM ${right})`
    }
    case "IsNull":
      return sql`(${of(node.of)} IS NULL)`
    case "And":
      return node.parts.length === 0 ? sql`TRUE` : sql`(${join(node.parts.map(of), sql` AND `)})`
    case "Or":
      return anyOf(node.parts.map(of))
    case "Not":
      return sql`(NOT ${of(node.of)})`
    case "OneOf":
      return anyOf(node.candidates.map((candidate) => {
        const [left, right] = pair(node.of, candidate)
        return sql`${left} = ${right}`
      }))
    case "Has":
      return sql`(${as(of(node.item), node.item.kind, "text")} = ANY(${of(node.list)}))`
    case "TextTest":
      return textTest(node, of)
    case "Lower":
      return sql`lower(${byCodePoint(as(of(node.of), node.of.kind, "text"))})`
    case "Length":
      return sql`char_length(${as(of(node.of), node.of.kind, "text")})::int8`
    case "Concat":
      return node.parts.length === 0
        ? valueSql("", "text")
        : sql`(${join(node.parts.map((part) => as(of(part), part.kind, "text")), sql` || `)})`
    case "Coalesce":
      return sql`COALESCE(${join(node.parts.map((part) => as(of(part), part.kind, node.kind)), sql`, `)})`
    case "Choose":
      return choice(node, of)
    case "Shift":
      return shift(node, of)
  }
}

const anyOf = (conditions: ReadonlyArray<Sql>): Sql =>
  conditions.length === 0 ? sql`FALSE` : sql`(${join(conditions, sql` OR `)})`

const choice = (node: Extract<Node, { readonly _tag: "Choose" }>, of: (part: Node) => Sql): Sql => {
  const branch = (part: Node): Sql => as(of(part), part.kind, node.kind)
  if (node.cases.length === 0) return branch(node.otherwise)
  const whens = node.cases.map(({ value, when }) => sql`WHEN ${of(when)} THEN ${branch(value)}`)
  return sql`CASE ${join(whens, sql` `)} ELSE ${branch(node.otherwise)} END`
}

const textTest = (node: Extract<Node, { readonly _tag: "TextTest" }>, of: (part: Node) => Sql): Sql => {
  const text = as(of(node.of), node.of.kind, "text")
  const what = as(of(node.what), node.what.kind, "text")
  switch (node.test) {
    case "contains":
      return sql`(strpos(${text}, ${what}) > 0)`
    case "starts_with":
      return sql`starts_with(${text}, ${what})`
    case "ends_with":
      return sql`(right(${text}, char_length(${what})) = ${what})`
  }
}

/** Of an interval of times alone, which adds microseconds and knows no calendar. */
const shift = (node: Extract<Node, { readonly _tag: "Shift" }>, of: (part: Node) => Sql): Sql => {
  const most = valueSql(shiftMillisMax, "float")
  const least = valueSql(-shiftMillisMax, "float")
  // Of a null each of these would answer the limit.
  const millis = as(of(node.millis), node.millis.kind, "float")
  return sql`(${
    of(node.of)
  } + CASE WHEN ${millis} > ${most} THEN ${most} WHEN ${millis} < ${least} THEN ${least} ELSE ${millis} END * INTERVAL '1 millisecond')`
}

const operators: Readonly<Record<Comparison, Sql>> = {
  "=": sql`=`,
  "<>": sql`<>`,
  "<": sql`<`,
  "<=": sql`<=`,
  ">": sql`>`,
  ">=": sql`>=`
}

const byCodePoint = (text: Sql): Sql => sql`(${text} COLLATE "C")`

/** In another kind, when it is not of that already. */
const as = (written: Sql, from: Kind, to: Kind): Sql => from === to ? written : sql`${written}::${typeNames[to]}`

const typeNames: Readonly<Record<Kind, Sql>> = {
  text: sql`text`,
  integer: sql`int8`,
  float: sql`float8`,
  boolean: sql`bool`,
  instant: sql`timestamptz`,
  uuid: sql`uuid`,
  text_list: sql`text[]`
}

const bindTypes: Readonly<Record<Kind, BindType>> = {
  text: "text",
  integer: "int",
  float: "float",
  boolean: "bool",
  instant: "timestamptz",
  uuid: "uuid",
  text_list: "text_array"
}

/** A bind with its type, for a statement of binds alone says nothing of types. */
export const valueSql = (value: Value | null | undefined, kind: Kind): Sql => {
  const type = typeNames[kind]
  if (value === true) return sql`TRUE`
  if (value === false) return sql`FALSE`
  if (value === null || value === undefined) return sql`NULL::${type}`
  return sql`${bind(bindTypes[kind], DateTime.isDateTime(value) ? DateTime.formatIso(value) : value)}::${type}`
}
