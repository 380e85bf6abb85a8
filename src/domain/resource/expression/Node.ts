/** An expression as data: what `Evaluate` reads and `Statement` writes. */
import type { DateTime } from "effect"
import type { Answer, Kind, Value } from "./Kind.ts"

/** Whose value a name is looked up in: the record, who asks, or what an action was given. */
export type Source = "record" | "actor" | "arguments"

export type Comparison = "=" | "<>" | "<" | "<=" | ">" | ">="

export type TextTest = "contains" | "starts_with" | "ends_with"

export type Node =
  | { readonly _tag: "Reference"; readonly kind: Kind; readonly source: Source; readonly name: string }
  | { readonly _tag: "Literal"; readonly kind: Kind; readonly value: Answer }
  /** When the action began: one moment for the whole of it. */
  | { readonly _tag: "Now"; readonly kind: "instant" }
  | {
    readonly _tag: "Compare"
    readonly kind: "boolean"
    readonly comparison: Comparison
    readonly left: Node
    readonly right: Node
  }
  /** Equality that takes nothing for a value: never unknown. */
  | { readonly _tag: "Same"; readonly kind: "boolean"; readonly left: Node; readonly right: Node }
  | { readonly _tag: "IsNull"; readonly kind: "boolean"; readonly of: Node }
  | { readonly _tag: "And"; readonly kind: "boolean"; readonly parts: ReadonlyArray<Node> }
  | { readonly _tag: "Or"; readonly kind: "boolean"; readonly parts: ReadonlyArray<Node> }
  | { readonly _tag: "Not"; readonly kind: "boolean"; readonly of: Node }
  | { readonly _tag: "OneOf"; readonly kind: "boolean"; readonly of: Node; readonly candidates: ReadonlyArray<Node> }
  /** Whether a list holds a text. */
  | { readonly _tag: "Has"; readonly kind: "boolean"; readonly list: Node; readonly item: Node }
  | {
    readonly _tag: "TextTest"
    readonly kind: "boolean"
    readonly test: TextTest
    readonly of: Node
    readonly what: Node
  }
  | { readonly _tag: "Lower"; readonly kind: "text"; readonly of: Node }
  | { readonly _tag: "Length"; readonly kind: "integer"; readonly of: Node }
  | { readonly _tag: "Concat"; readonly kind: "text"; readonly parts: ReadonlyArray<Node> }
  | { readonly _tag: "Coalesce"; readonly kind: Kind; readonly parts: ReadonlyArray<Node> }
  | {
    readonly _tag: "Choose"
    readonly kind: Kind
    readonly cases: ReadonlyArray<{ readonly when: Node; readonly value: Node }>
    readonly otherwise: Node
  }
  /** An instant moved by so many milliseconds, at most `shiftMillisMax` in either direction. */
  | { readonly _tag: "Shift"; readonly kind: "instant"; readonly of: Node; readonly millis: Node }

/** About a hundred years. More would leave what PostgreSQL or JavaScript can say of times. */
export const shiftMillisMax = 3_155_760_000_000

/** The values of a source that an expression may refer to, by name. */
export type Values = Readonly<Record<string, Value | null | undefined>>

/** What an expression is read against. */
export interface Surroundings {
  readonly actor: Values
  readonly arguments: Values
  readonly now: DateTime.Utc
}
