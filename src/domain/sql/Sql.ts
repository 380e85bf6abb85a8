/**
 * SQL that only this module's functions can make.
 *
 * The text of a statement comes from template literals and from a catalog's literal names; no `string` converts into it. A
 * value is a bind, and placeholders are numbered when the statement is written, so there are as many as there are binds.
 */

export type BindType = "text" | "text_array" | "int" | "int_array" | "float" | "bool" | "timestamptz" | "uuid"

/** As `POST /translate` of the original writes it. */
export interface Bind {
  readonly t: BindType
  readonly v: string | number | boolean | ReadonlyArray<string | number>
}

type Piece = string | Bind | Sql

/** A piece of a statement. Its constructor is no business of anybody else. */
export class Sql {
  readonly #pieces: ReadonlyArray<Piece>

  /** @internal */
  constructor(pieces: ReadonlyArray<Piece>) {
    this.#pieces = pieces
  }

  /** Adds its text to `text` and its binds to `binds`. */
  writeTo(text: Array<string>, binds: Array<Bind>): void {
    for (const piece of this.#pieces) {
      if (typeof piece === "string") text.push(piece)
      else if (piece instanceof Sql) piece.writeTo(text, binds)
      else text.push(`$${binds.push(piece)}`)
    }
  }
}

/** Made for every question that is asked, many times each. */
export const sql = (strings: TemplateStringsArray, ...values: ReadonlyArray<Sql | Bind>): Sql => {
  const pieces: Array<Piece> = []
  for (const [at, text] of strings.entries()) {
    if (text !== "") pieces.push(text)
    const value = values[at]
    if (value !== undefined) pieces.push(value)
  }
  return new Sql(pieces)
}

export const empty = sql``

export const join = (parts: ReadonlyArray<Sql>, separator: Sql): Sql =>
  new Sql(parts.flatMap((part, at) => at === 0 ? [part] : [separator, part]))

export const list = (parts: ReadonlyArray<Sql>): Sql => join(parts, sql`, `)
export const and = (parts: ReadonlyArray<Sql>): Sql => join(parts, sql` AND `)

/** A text whose letters the compiler knows: a `string` is none. */
export type Literal<S extends string> = string extends S ? never : S

const reserved = new Set(
  ("all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create current_date " +
    "current_role current_time current_timestamp current_user default deferrable desc distinct do else end except false " +
    "fetch for foreign from grant group having in initially intersect into lateral leading limit localtime " +
    "localtimestamp not null offset on only or order placing primary references returning select session_user some " +
    "symmetric table then to trailing true union unique user using variadic when where window with").split(" ")
)

/** @internal For names of which a type has shown that they are literals. */
export const name = (text: string): Sql =>
  new Sql([/^[a-z_][a-z0-9_]*$/.test(text) && !reserved.has(text) ? text : `"${text.replaceAll("\"", "\"\"")}"`])

/** A table's or column's name. */
export const identifier = <const S extends string>(text: Literal<S>): Sql => name(text)

export const bind = (t: BindType, v: Bind["v"]): Bind => ({ t, v })

export const render = (statement: Sql): { readonly text: string; readonly binds: ReadonlyArray<Bind> } => {
  const text: Array<string> = []
  const binds: Array<Bind> = []
  statement.writeTo(text, binds)
  return { text: text.join(""), binds }
}

/** The same in one piece, where it has no binds: for what is written again and again. */
export const compact = (statement: Sql): Sql => {
  const { binds, text } = render(statement)
  return binds.length === 0 ? new Sql([text]) : statement
}
