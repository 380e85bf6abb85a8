/** Rows of a resource's table as its records, each value of the kind that its attribute is. */
import { Schema, SchemaGetter } from "effect"
import type { Stored } from "../../domain/records/Record.ts"
import type { Kind } from "../../domain/resource/expression/Kind.ts"
import type { Definition } from "../../domain/resource/Resource.ts"

/** Of the server's 64 bits, what JavaScript holds exactly. */
const Whole = Schema.Union([Schema.Int, Schema.BigInt]).pipe(
  Schema.decodeTo(Schema.Int, {
    decode: SchemaGetter.transform(Number),
    encode: SchemaGetter.transform((value: number) => value)
  })
)

const kinds = {
  text: Schema.String,
  uuid: Schema.String,
  integer: Whole,
  float: Schema.Finite,
  boolean: Schema.Boolean,
  instant: Schema.DateTimeUtcFromDate,
  text_list: Schema.Array(Schema.String)
} as const satisfies Readonly<Record<Kind, Schema.Top>>

const versioned = Schema.Struct({ "~version": Schema.String })

/** Decodes what `Statements` selects. */
export const schemaOf = ({ attributes }: Definition): Schema.Decoder<Stored> => {
  const values = Schema.Struct(
    Object.fromEntries(Object.entries(attributes).map(([name, { kind }]) => [name, Schema.NullOr(kinds[kind])]))
  )
  return Schema.Struct({ ...values.fields, ...versioned.fields }).pipe(
    Schema.decodeTo(Schema.Struct({ values: Schema.toType(values), version: Schema.String }), {
      decode: SchemaGetter.transform(({ "~version": version, ...row }) => ({ values: row, version })),
      encode: SchemaGetter.transform(({ values, version }) => ({ ...values, "~version": version }))
    })
  )
}
