/**
 * Decodes a JSON object whose keys may be spelled in several ways, by one schema in snake case.
 *
 * Every key is also found in camel case; further spellings are named with the schema. The first spelling with a value
 * other than null or false counts. The path of a problem names the key as it stands in the payload.
 */
import { Result, Schema, SchemaIssue } from "effect"
import type { Problem } from "./DecodeError.ts"
import type { JsonObject } from "./Json.ts"
import { Reading } from "./Reading.ts"
import * as Scalar from "./Scalar.ts"

/** A single value, and any value; either may be left out. */
export const scalar = Schema.optionalKey(Scalar.Scalar)
export const json = Schema.optionalKey(Schema.Unknown)

/** `metric_name` as `metricName`. */
export const camel = (key: string): string => key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const isPresent = (value: unknown): boolean => value !== undefined && value !== null && value !== false

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const stepOf = (step: PropertyKey | { readonly key: PropertyKey }): string | number => {
  const key = typeof step === "object" ? step.key : step
  return typeof key === "symbol" ? String(key) : key
}

/** Turns the first issue of a schema into a problem. */
export const problemOf = (issue: SchemaIssue.Issue): Problem => {
  const first = formatIssue(issue).issues[0]
  return { path: (first?.path ?? []).map(stepOf), reason: first?.message ?? "expected another shape" }
}

/** The row that `toRow` makes of the object's fields, unless one of them cannot be read. */
type Mapping<A> = <Row>(
  object: JsonObject,
  toRow: (fields: A, reading: Reading) => Row
) => Result.Result<Row, Problem>

type Fields = { readonly [key: string]: unknown }

export const make = <S extends Schema.ConstraintDecoder<unknown> & { readonly fields: Fields }>(
  schema: S,
  spellings: { readonly [K in keyof S["fields"]]?: ReadonlyArray<string> } = {}
): Mapping<S["Type"]> => {
  const names = new Map<string, Name>()
  for (const [key, field] of Object.entries(schema.fields)) {
    const known: ReadonlyArray<string> = spellings[key] ?? []
    const isScalar = field === scalar
    for (const other of [key, ...known].flatMap((name) => [name, camel(name)])) {
      names.set(other, { target: key, isScalar, rank: names.size })
    }
  }
  const decode = Schema.decodeUnknownResult(schema)
  const isFlat = Object.values(schema.fields).every((field) => field === scalar || field === json)

  return (object, toRow) => {
    let found: Map<string, string> | undefined
    let isRead = isFlat
    for (const key in object) {
      const name = names.get(key)
      if (name === undefined) continue
      const value = object[key]
      if (name.isScalar && !Scalar.isScalar(value)) isRead = false
      const { target } = name
      if (target === key || !isPresent(value) || isPresent(object[target])) continue
      found ??= new Map()
      const before = names.get(found.get(target) ?? "")
      if (before === undefined || before.rank > name.rank) found.set(target, key)
    }
    const spelled = (problem: Problem): Problem => {
      const [head, ...rest] = problem.path
      const key = typeof head === "string" ? found?.get(head) : undefined
      return key === undefined ? problem : { path: [key, ...rest], reason: problem.reason }
    }
    const given = found === undefined ? object : withKeys(object, found)
    const reading = new Reading()
    let row: ReturnType<typeof toRow>
    if (isRead) {
      // boundary: all fields are single values or anything, as was just seen; a schema takes several times as long to see it
      row = toRow(given as S["Type"], reading)
    } else {
      const decoded = decode(given)
      if (Result.isFailure(decoded)) return Result.fail(spelled(problemOf(decoded.failure.issue)))
      row = toRow(decoded.success, reading)
    }
    return reading.problem === undefined ? Result.succeed(row) : Result.fail(spelled(reading.problem))
  }
}

/** A spelling of a key. */
interface Name {
  readonly target: string
  readonly isScalar: boolean
  /** The lowest counts. */
  readonly rank: number
}

const withKeys = (object: JsonObject, found: ReadonlyMap<string, string>): JsonObject => {
  const copy: Record<string, unknown> = { ...object }
  for (const [target, key] of found) copy[target] = object[key]
  return copy
}
