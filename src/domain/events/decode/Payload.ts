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
  const canonical = new Map<string, string>()
  for (const key of Object.keys(schema.fields)) {
    const known: ReadonlyArray<string> = spellings[key] ?? []
    for (const other of [key, ...known].flatMap((name) => [name, camel(name)])) {
      if (other !== key) canonical.set(other, key)
    }
  }
  const ranks = new Map([...canonical.keys()].map((name, rank) => [name, rank]))
  const decode = Schema.decodeUnknownResult(schema)

  /** The names under which canonical keys were found, where they differ. */
  const respell = (object: JsonObject): Map<string, string> | undefined => {
    let found: Map<string, string> | undefined
    for (const key in object) {
      const target = canonical.get(key)
      if (target === undefined || !isPresent(object[key]) || isPresent(object[target])) continue
      found ??= new Map()
      const before = found.get(target)
      if (before === undefined || (ranks.get(before) ?? 0) > (ranks.get(key) ?? 0)) found.set(target, key)
    }
    return found
  }

  return (object, toRow) => {
    const found = respell(object)
    const spelled = (problem: Problem): Problem => {
      const [head, ...rest] = problem.path
      const key = typeof head === "string" ? found?.get(head) : undefined
      return key === undefined ? problem : { path: [key, ...rest], reason: problem.reason }
    }
    const decoded = decode(found === undefined ? object : withKeys(object, found))
    if (Result.isFailure(decoded)) return Result.fail(spelled(problemOf(decoded.failure.issue)))
    const reading = new Reading()
    const row = toRow(decoded.success, reading)
    return reading.problem === undefined ? Result.succeed(row) : Result.fail(spelled(reading.problem))
  }
}

const withKeys = (object: JsonObject, found: ReadonlyMap<string, string>): JsonObject => {
  const copy: Record<string, unknown> = { ...object }
  for (const [target, key] of found) copy[target] = object[key]
  return copy
}
