/** Reads an expression in memory, as PostgreSQL would. */
import { DateTime } from "effect"
import { type Answer, compare, type Value } from "./Kind.ts"
import { type Comparison, type Node, shiftMillisMax, type Surroundings, type TextTest, type Values } from "./Node.ts"

/** A record beside what surrounds it. */
export interface Reading extends Surroundings {
  readonly record: Values
}

/** The value; null when it is not known. */
export const evaluate = (node: Node, reading: Reading): Answer => {
  const of = (part: Node): Answer => evaluate(part, reading)
  switch (node._tag) {
    case "Reference": {
      const values = reading[node.source]
      return canonical(Object.hasOwn(values, node.name) ? values[node.name] ?? null : null, node)
    }
    case "Literal":
      return canonical(node.value, node)
    case "Now":
      return reading.now
    case "Compare":
      return ofBoth(of(node.left), of(node.right), (a, b) => holds(node.comparison, compare(a, b)))
    case "Same": {
      const [a, b] = [of(node.left), of(node.right)]
      return a === null || b === null ? a === b : compare(a, b) === 0
    }
    case "IsNull":
      return of(node.of) === null
    case "And":
      return settled(node.parts.map(of), false)
    case "Or":
      return settled(node.parts.map(of), true)
    case "Not":
      return ofOne(of(node.of), (value) => value !== true)
    case "OneOf": {
      const value = of(node.of)
      return settled(node.candidates.map((candidate) => ofBoth(value, of(candidate), isEqual)), true)
    }
    case "Has":
      return holdsItem(of(node.list), of(node.item))
    case "TextTest":
      return ofBoth(of(node.of), of(node.what), (a, b) => passes(node.test, String(a), String(b)))
    case "Lower":
      return ofOne(of(node.of), (text) => String(text).replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()))
    case "Length":
      return ofOne(of(node.of), (text) => Array.from(String(text)).length)
    case "Concat": {
      const parts = node.parts.map(of)
      return parts.includes(null) ? null : parts.map(String).join("")
    }
    case "Coalesce":
      return node.parts.map(of).find((value) => value !== null) ?? null
    case "Choose":
      return of(node.cases.find(({ when }) => of(when) === true)?.value ?? node.otherwise)
    case "Shift":
      return ofBoth(of(node.of), of(node.millis), (instant, millis) => shifted(instant, Number(millis)))
  }
}

/** PostgreSQL shows UUIDs in lower case. */
const canonical = (value: Answer, { kind }: Node): Answer =>
  kind === "uuid" && typeof value === "string" ? value.toLowerCase() : value

const ofOne = (value: Answer, read: (value: Value) => Value): Answer => value === null ? null : read(value)

const ofBoth = (a: Answer, b: Answer, read: (a: Value, b: Value) => Answer): Answer =>
  a === null || b === null ? null : read(a, b)

/** Of many truths: one that is `decisive` decides, else one that is unknown, else none was decisive. */
const settled = (truths: ReadonlyArray<Answer>, decisive: boolean): Answer =>
  truths.includes(decisive) ? decisive : truths.includes(null) ? null : !decisive

const isEqual = (a: Value, b: Value): boolean => compare(a, b) === 0

const holds = (comparison: Comparison, order: number): boolean => {
  switch (comparison) {
    case "=":
      return order === 0
    case "<>":
      return order !== 0
    case "<":
      return order < 0
    case "<=":
      return order <= 0
    case ">":
      return order > 0
    case ">=":
      return order >= 0
  }
}

const holdsItem = (list: Answer, item: Answer): Answer => {
  if (list === null || typeof list !== "object" || "epochMilliseconds" in list) return null
  // PostgreSQL looks at the length of the list before it looks for what is sought.
  if (list.length === 0) return false
  return item === null ? null : list.includes(String(item))
}

const passes = (test: TextTest, text: string, what: string): boolean => {
  switch (test) {
    case "contains":
      return text.includes(what)
    case "starts_with":
      return text.startsWith(what)
    case "ends_with":
      return text.endsWith(what)
  }
}

const shifted = (instant: Value, millis: number): Answer =>
  typeof instant === "object" && "epochMilliseconds" in instant
    ? DateTime.add(instant, { milliseconds: Math.max(-shiftMillisMax, Math.min(shiftMillisMax, millis)) })
    : null
