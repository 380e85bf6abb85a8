/**
 * Rows of a resource's table as its records, each value of the kind that its attribute is.
 *
 * Read by hand: a page is hundreds of values, and a schema would take longer to read them than the database to find them.
 */
import { DateTime, Effect } from "effect"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import type { Stored } from "../../domain/records/Record.ts"
import type { Kind, Value } from "../../domain/resource/expression/Kind.ts"
import type { Definition } from "../../domain/resource/Resource.ts"

type Read = (value: unknown) => Value | undefined

const text: Read = (value) => typeof value === "string" ? value : undefined

/** Of the server's 64 bits, what JavaScript holds exactly. */
const whole: Read = (value) => {
  const number = typeof value === "bigint" ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined
}

const isText = (value: unknown): value is string => typeof value === "string"

const kinds: Readonly<Record<Kind, { readonly read: Read; readonly expected: string }>> = {
  text: { read: text, expected: "a text" },
  uuid: { read: text, expected: "a UUID" },
  integer: { read: whole, expected: "a whole number" },
  float: {
    read: (value) => typeof value === "number" && Number.isFinite(value) ? value : undefined,
    expected: "a finite number"
  },
  boolean: { read: (value) => typeof value === "boolean" ? value : undefined, expected: "true or false" },
  instant: {
    read: (value) =>
      value instanceof Date && !Number.isNaN(value.getTime()) ? DateTime.fromDateUnsafe(value) : undefined,
    expected: "a time"
  },
  text_list: {
    read: (value) => Array.isArray(value) && value.every(isText) ? value : undefined,
    expected: "a list of texts"
  }
}

const unexpected = (definition: Definition, field: string, expected: string, value: unknown) => {
  const message = `unexpected rows: ${field} of ${definition.name} is ${typeof value}, expected ${expected}`
  return new SqlError({ reason: new UnknownError({ cause: new Error(message), message, operation: "decode" }) })
}

const version = "~version"

interface Row extends Readonly<Record<string, unknown>> {}

/** Reads what `Statements` selects. */
export const reader = (definition: Definition) => {
  const fields = Object.entries(definition.attributes).map(([name, { kind }]) => ({ name, ...kinds[kind] }))

  const readRow = (given: object): Stored | SqlError => {
    // boundary: a row of the driver is an object with a value for each column
    const row = given as Row
    const values: Record<string, Value | null> = {}
    for (const field of fields) {
      const held = row[field.name]
      const value = held === null ? null : field.read(held)
      if (value === undefined) return unexpected(definition, field.name, field.expected, held)
      values[field.name] = value
    }
    const found = row[version]
    return typeof found === "string"
      ? { values, version: found }
      : unexpected(definition, version, "a text", found)
  }

  return (rows: ReadonlyArray<object>): Effect.Effect<ReadonlyArray<Stored>, SqlError> => {
    const records: Array<Stored> = []
    for (const row of rows) {
      const read = readRow(row)
      if (read instanceof SqlError) return Effect.fail(read)
      records.push(read)
    }
    return Effect.succeed(records)
  }
}
