/**
 * Conditions and calculations over a record, whoever asks for it, and what an action was given: written once, read as a
 * predicate in memory and as SQL with binds, with SQL's three-valued logic in both.
 *
 * `Expression<V>` says what its value is when it is known; any expression can be null. A plain value stands wherever an
 * expression of its type can.
 */
import { type DateTime, Duration } from "effect"
import { type Answer, common, type Kind, kindOf, type Value } from "./Kind.ts"
import type { Comparison, Node, Source, TextTest } from "./Node.ts"

const TypeId = "~serviceradar-effect/resource/Expression"

export interface Expression<out V extends Value> {
  readonly [TypeId]: { readonly value?: (_: never) => V }
  /** @internal */
  readonly node: Node
}

/** An expression, or a value that stands for one. */
export type Operand<V extends Value> = Expression<V> | V

export type Condition = Expression<boolean>

/** Whose order is defined; a list's is not. */
export type Ordered = Exclude<Value, ReadonlyArray<string>>

const isExpression = <V extends Value>(operand: Operand<V>): operand is Expression<V> =>
  typeof operand === "object" && TypeId in operand

/** @internal */
export const make = <V extends Value>(node: Node): Expression<V> => ({ [TypeId]: {}, node })

/** @internal The value of a name. */
export const reference = <V extends Value>(source: Source, name: string, kind: Kind): Expression<V> =>
  make({ _tag: "Reference", source, name, kind })

const literal = (value: Value, kind: Kind): Node => ({ _tag: "Literal", kind, value })

/** @internal */
export const nodeOf = <V extends Value>(operand: Operand<V>): Node =>
  isExpression(operand) ? operand.node : literal(operand, kindOf(operand))

/** A value on its own, where nothing beside it is an expression. */
export const value = <V extends Value>(given: V): Expression<V> => make(nodeOf(given))

/** When the action began. */
export const now: Expression<DateTime.Utc> = make({ _tag: "Now", kind: "instant" })

const compared =
  (comparison: Comparison) => <V extends Ordered>(left: Expression<V>, right: Operand<NoInfer<V>>): Condition =>
    make({ _tag: "Compare", kind: "boolean", comparison, left: left.node, right: nodeOf<V>(right) })

/** Unknown when either side is null, as all comparisons but `same` and `isNull` are. */
export const equals = compared("=")
export const differs = compared("<>")
export const lessThan = compared("<")
export const atMost = compared("<=")
export const greaterThan = compared(">")
export const atLeast = compared(">=")

/** `IS NOT DISTINCT FROM`: null is the same as null, and as nothing else. */
export const same = <V extends Ordered>(left: Expression<V>, right: Operand<NoInfer<V>>): Condition =>
  make({ _tag: "Same", kind: "boolean", left: left.node, right: nodeOf<V>(right) })

export const isNull = (of: Expression<Value>): Condition => make({ _tag: "IsNull", kind: "boolean", of: of.node })

/** True for none. */
export const and = (...parts: ReadonlyArray<Condition>): Condition =>
  make({ _tag: "And", kind: "boolean", parts: parts.map(({ node }) => node) })

/** False for none. */
export const or = (...parts: ReadonlyArray<Condition>): Condition =>
  make({ _tag: "Or", kind: "boolean", parts: parts.map(({ node }) => node) })

/** Unknown stays unknown. */
export const not = (of: Condition): Condition => make({ _tag: "Not", kind: "boolean", of: of.node })

/** Whether it equals one of the candidates; false for no candidates, even of null. */
export const oneOf = <V extends Ordered>(
  of: Expression<V>,
  candidates: ReadonlyArray<Operand<NoInfer<V>>>
): Condition =>
  make({ _tag: "OneOf", kind: "boolean", of: of.node, candidates: candidates.map((one) => nodeOf<V>(one)) })

/** Whether a list holds a text; false for an empty list, even of null. */
export const has = (list: Expression<ReadonlyArray<string>>, item: Operand<string>): Condition =>
  make({ _tag: "Has", kind: "boolean", list: list.node, item: nodeOf(item) })

const tested = (test: TextTest) => (of: Expression<string>, what: Operand<string>): Condition =>
  make({ _tag: "TextTest", kind: "boolean", test, of: of.node, what: nodeOf(what) })

export const contains = tested("contains")
export const startsWith = tested("starts_with")
export const endsWith = tested("ends_with")

/** A to Z become a to z, and nothing else changes: what a database's locale would do besides is not known here. */
export const lower = (of: Expression<string>): Expression<string> => make({ _tag: "Lower", kind: "text", of: of.node })

/** Characters, as code points. */
export const length = (of: Expression<string>): Expression<number> =>
  make({ _tag: "Length", kind: "integer", of: of.node })

/** A whole number in decimal digits. */
export const digits = (of: Expression<number>): Expression<string> =>
  make({ _tag: "Concat", kind: "text", parts: [of.node] })

/** Null when a part is. */
export const concat = (...parts: ReadonlyArray<Operand<string>>): Expression<string> =>
  make({ _tag: "Concat", kind: "text", parts: parts.map((part) => nodeOf(part)) })

/** The first that is not null. */
export const coalesce = <V extends Value>(
  first: Expression<V>,
  ...others: ReadonlyArray<Operand<NoInfer<V>>>
): Expression<V> => {
  const parts = [first.node, ...others.map((other) => nodeOf<V>(other))]
  return make({ _tag: "Coalesce", kind: kindOfAll(parts), parts })
}

/** The value beside the first condition that is true; one that is unknown is not. */
export const choose = <const V extends Value>(
  cases: ReadonlyArray<readonly [when: Condition, then: Operand<V>]>,
  otherwise: Operand<V>
): Expression<V> => {
  const nodes = cases.map(([when, then]) => ({ when: when.node, value: nodeOf(then) }))
  const last = nodeOf(otherwise)
  const kind = kindOfAll([...nodes.map(({ value }) => value), last])
  return make({ _tag: "Choose", kind, cases: nodes, otherwise: last })
}

const kindOfAll = (nodes: ReadonlyArray<Node>): Kind =>
  nodes.map(({ kind }) => kind).reduce((kind, other) => common(kind, other))

/** Later by a time, or by so many milliseconds; at most a hundred years. */
export const later = (
  of: Expression<DateTime.Utc>,
  by: Duration.Input | Expression<number>
): Expression<DateTime.Utc> =>
  make({
    _tag: "Shift",
    kind: "instant",
    of: of.node,
    millis: isMillis(by) ? by.node : literal(wholeMillis(by), "integer")
  })

/** Before now by a time. */
export const ago = (by: Duration.Input): Expression<DateTime.Utc> =>
  make({ _tag: "Shift", kind: "instant", of: now.node, millis: literal(-wholeMillis(by), "integer") })

const isMillis = (by: Duration.Input | Expression<number>): by is Expression<number> =>
  typeof by === "object" && TypeId in by

const wholeMillis = (by: Duration.Input): number => Math.round(Duration.toMillis(Duration.fromInputUnsafe(by)))

export type { Answer }
