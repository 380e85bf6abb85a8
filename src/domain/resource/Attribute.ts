/**
 * What a resource, or what an action is given, is made of: a value's kind, what is allowed of it, and who may see it.
 *
 *   text(200)                      must be given
 *   instant.optional()             null, unless given
 *   oneOf(["low", "high"]).or("low")   a default, unless given
 */
import { type DateTime, Schema, SchemaTransformation } from "effect"
import type { Kind, Value } from "./expression/Kind.ts"

/** Whether a value must be given where a record is made, and whether it can be null. */
export type Presence = "required" | "optional" | "defaulted"

/** Where a value comes from that nobody gave. */
type Default = { readonly _tag: "None" } | { readonly _tag: "Value"; readonly value: Value } | {
  readonly _tag: "Generated"
  readonly as: "uuid" | "now"
}

interface Traits {
  readonly default: Default
  /** Never serialised. */
  readonly isPrivate: boolean
  /** Never serialised, logged or kept in an audit entry. */
  readonly isSensitive: boolean
  /** Keeps the value that the record was made with. */
  readonly isImmutable: boolean
  /** The column, where it is not the name in snake case. */
  readonly column: string | undefined
  /** What whoever fills in a form has to know. */
  readonly bounds: Bounds
}

/** What a value may be, as far as it is not the kind of it. */
interface Bounds {
  readonly choices?: ReadonlyArray<string>
  /** Characters of a text. */
  readonly lengthMax?: number
  readonly itemsMax?: number
  /** Of a number. */
  readonly least?: number
  readonly most?: number
}

const plain: Traits = {
  default: { _tag: "None" },
  isPrivate: false,
  isSensitive: false,
  isImmutable: false,
  column: undefined,
  bounds: {}
}

export class Attribute<out A extends Value, out P extends Presence = Presence> {
  readonly kind: Kind
  /** What is allowed of a value that is there. */
  readonly schema: Schema.Codec<A, unknown>
  readonly presence: P
  readonly traits: Traits

  /** @internal */
  constructor(kind: Kind, schema: Schema.Codec<A, unknown>, presence: P, traits: Traits) {
    this.kind = kind
    this.schema = schema
    this.presence = presence
    this.traits = traits
  }

  #with(traits: Partial<Traits>): Attribute<A, P> {
    return new Attribute(this.kind, this.schema, this.presence, { ...this.traits, ...traits })
  }

  /** Can be null. */
  optional(): Attribute<A, "optional"> {
    return new Attribute(this.kind, this.schema, "optional", this.traits)
  }

  /** This, unless another is given. */
  or(value: A): Attribute<A, "defaulted"> {
    return new Attribute(this.kind, this.schema, "defaulted", { ...this.traits, default: { _tag: "Value", value } })
  }

  /** Made where the record is: a random UUID, or the time. */
  generated(as: "uuid" | "now"): Attribute<A, "defaulted"> {
    return new Attribute(this.kind, this.schema, "defaulted", { ...this.traits, default: { _tag: "Generated", as } })
  }

  private(): Attribute<A, P> {
    return this.#with({ isPrivate: true })
  }

  sensitive(): Attribute<A, P> {
    return this.#with({ isPrivate: true, isSensitive: true })
  }

  immutable(): Attribute<A, P> {
    return this.#with({ isImmutable: true })
  }

  column(name: string): Attribute<A, P> {
    return this.#with({ column: name })
  }
}

export type Attributes = Readonly<Record<string, Attribute<Value>>>

/** What an attribute holds. */
export type Held<T> = T extends Attribute<infer A, infer P> ? A | ("optional" extends P ? null : never) : never

export type RecordOf<T extends Attributes> = { readonly [K in keyof T]: Held<T[K]> }

type Required<T extends Attributes> = {
  [K in keyof T]: T[K] extends Attribute<Value, "required"> ? K : never
}[keyof T]

/** What has to be given, and what can be. */
export type InputOf<T extends Attributes> =
  & { readonly [K in Required<T>]: Held<T[K]> }
  & { readonly [K in Exclude<keyof T, Required<T>>]?: Held<T[K]> }

const attribute = <A extends Value>(
  kind: Kind,
  schema: Schema.Codec<A, unknown>,
  bounds: Bounds = {}
): Attribute<A, "required"> => new Attribute(kind, schema, "required", { ...plain, bounds })

/** Characters of a text that says nothing else. */
const textMax = 65_536

/** PostgreSQL takes no NUL, and nobody half a character. */
const storable = (lengthMax: number) =>
  Schema.String.check(
    Schema.isPattern(/^[^\0]*$/, { expected: "a text without NUL characters" }),
    Schema.makeFilter((text: string) => text.isWellFormed(), { expected: "a text of whole characters" }),
    Schema.isMaxLength(lengthMax)
  )

export const text = (lengthMax: number = textMax): Attribute<string, "required"> =>
  attribute("text", storable(lengthMax), { lengthMax })

/**
 * A mail address, as sign-ins and mails take one (a part of RFC 5321): a name, one @ and a host, without quotes, comments and lists.
 * It holds no slash, behind which a tenant's short name would stand.
 */
export const mailAddress: Attribute<string, "required"> = attribute(
  "text",
  storable(320).check(
    Schema.isPattern(/^[^\s@/\\"'(),:;<>[\]\p{C}]+@[^\s@/\\"'(),:;<>[\]\p{C}]+$/u, {
      expected: "a mail address such as ada@example.org"
    })
  ),
  { lengthMax: 320 }
)

/** The name of something in addresses and on command lines, which no id can be taken for. */
export const shortName = (lengthMax: number): Attribute<string, "required"> =>
  attribute(
    "text",
    storable(lengthMax).check(
      Schema.isPattern(/^(?![0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$)[a-z0-9]+(?:-[a-z0-9]+)*$/, {
        expected: "letters in lower case and digits, in words joined by -, and no id"
      })
    ),
    { lengthMax }
  )

/** A text that is one of a few. */
export const oneOf = <const Members extends ReadonlyArray<string>>(
  members: Members
): Attribute<Members[number], "required"> => attribute("text", Schema.Literals(members), { choices: members })

/** From -(2^53 - 1) to 2^53 - 1. */
export const integer: Attribute<number, "required"> = attribute("integer", Schema.Int)

const int32 = { least: -(2 ** 31), most: 2 ** 31 - 1 }

/** As PostgreSQL's `integer` holds: for what others read from a column of that type. */
export const smallInteger: Attribute<number, "required"> = attribute(
  "integer",
  Schema.Int.check(Schema.isBetween({ minimum: int32.least, maximum: int32.most })),
  int32
)

/** A finite one. */
export const float: Attribute<number, "required"> = attribute("float", Schema.Finite)

export const boolean: Attribute<boolean, "required"> = attribute("boolean", Schema.Boolean)

const firstMillis = Date.parse("0001-01-01T00:00:00Z")
const lastMillis = Date.parse("9999-12-31T23:59:59.999Z")

const iso8601 =
  /^(\d{4})-(\d{2})-(\d{2})(?:T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-]([01]\d|2[0-3]):[0-5]\d)?)?$/

const daysOf = (year: number, month: number): number =>
  month === 2
    ? (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28)
    : [4, 6, 9, 11].includes(month)
    ? 30
    : 31

/** JavaScript takes `1` for a year, and the 30th of February for the 2nd of March. */
const isIso8601 = (text: string): boolean => {
  const [, year, month, day] = (iso8601.exec(text) ?? []).map(Number)
  return year !== undefined && month !== undefined && day !== undefined &&
    month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month)
}

/** Of the years 1 to 9999, to the millisecond; ISO 8601 on the wire, a day by itself or a time, of UTC where no zone is said. */
export const instant: Attribute<DateTime.Utc, "required"> = attribute(
  "instant",
  Schema.String.check(Schema.makeFilter(isIso8601, { expected: "a time such as 2026-01-31T08:00:00Z" })).pipe(
    Schema.decodeTo(Schema.DateTimeUtcFromString)
  ).check(
    Schema.makeFilter(
      (time: DateTime.Utc) => time.epochMilliseconds >= firstMillis && time.epochMilliseconds <= lastMillis,
      { expected: "a time of the years 1 to 9999" }
    )
  )
)

/** In lower case. */
export const uuid: Attribute<string, "required"> = attribute(
  "uuid",
  Schema.String.check(Schema.isPattern(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, { expected: "a UUID" })).pipe(
    Schema.decode(SchemaTransformation.toLowerCase())
  )
)

export const textList = (itemsMax: number): Attribute<ReadonlyArray<string>, "required"> =>
  attribute("text_list", Schema.Array(storable(textMax)).check(Schema.isMaxLength(itemsMax)), { itemsMax })
