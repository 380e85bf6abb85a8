/**
 * A configuration text decoded by a Schema, with everything that is wrong with it found at once.
 *
 * Reads as the Go services read it: keys match without regard to case (an exact match wins), `null` means "not given",
 * unknown keys change nothing. Unlike Go it tells: an unknown key becomes a warning with the key that was probably
 * meant, and a key given twice is a problem, because one of the two would silently be lost.
 */
import { Option, Predicate, Result, Schema, SchemaAST } from "effect"
import * as ConfigProblem from "./ConfigProblem.ts"
import * as JsonText from "./JsonText.ts"
import * as Suggestion from "./Suggestion.ts"

/** A key nobody reads. */
export interface UnknownKey {
  readonly key: string
  readonly line: number
  readonly column: number
  readonly suggestion: Option.Option<string>
}

export interface Decoded<A> {
  readonly value: A
  readonly warnings: ReadonlyArray<UnknownKey>
}

export type DecodeFailure =
  | { readonly _tag: "NotJson"; readonly problem: JsonText.JsonSyntaxProblem }
  | { readonly _tag: "Invalid"; readonly problems: ReadonlyArray<ConfigProblem.ConfigProblem> }

/** Text to value. Warnings are complete only when the text is valid. */
export const decode = <S extends Schema.Decoder<unknown>>(
  schema: S,
  text: string
): Result.Result<Decoded<S["Type"]>, DecodeFailure> => {
  const parsed = JsonText.parse(text)
  if (Result.isFailure(parsed)) return Result.fail({ _tag: "NotJson", problem: parsed.failure })
  const reading: Reading = { problems: [], warnings: [], meant: new Map() }
  const value = read(SchemaAST.toEncoded(schema.ast), parsed.success, [], reading)
  const decoded = Schema.decodeUnknownResult(schema, { errors: "all" })(value)
  const problems = [
    ...reading.problems,
    ...(Result.isFailure(decoded) ? ConfigProblem.fromIssue(decoded.failure.issue, parsed.success) : [])
  ]
  if (Result.isSuccess(decoded) && problems.length === 0) {
    return Result.succeed({ value: decoded.success, warnings: reading.warnings })
  }
  return Result.fail({ _tag: "Invalid", problems: problems.map(withHint(reading)) })
}

interface Reading {
  readonly problems: Array<ConfigProblem.ConfigProblem>
  readonly warnings: Array<UnknownKey>
  /** Unknown keys by the key that was probably meant. */
  readonly meant: Map<string, UnknownKey>
}

/** A misspelled key is both unknown and missing: that is one mistake, told in one place. */
const withHint = ({ meant }: Reading) => (problem: ConfigProblem.ConfigProblem): ConfigProblem.ConfigProblem => {
  const unknown = problem.value === ConfigProblem.missing ? meant.get(problem.key) : undefined
  if (unknown === undefined) return problem
  return {
    ...problem,
    expectation: `${problem.expectation}; is ${unknown.key} in line ${unknown.line} meant to be it?`
  }
}

/** The plain value under the schema's own spelling of each key. */
const read = (
  ast: SchemaAST.AST | undefined,
  node: JsonText.JsonNode,
  path: ConfigProblem.Path,
  reading: Reading
): unknown => {
  if (node._tag === "Scalar") return node.value
  if (node._tag === "Array") {
    const arrays = ast === undefined ? undefined : membersOf(ast).find(SchemaAST.isArrays)
    return node.items.map((item, index) =>
      read(arrays?.elements[index] ?? arrays?.rest[0], item, [...path, index], reading)
    )
  }
  const objects = ast === undefined ? [] : membersOf(ast).filter(SchemaAST.isObjects)
  return readObject(objects, node, path, reading)
}

const readObject = (
  shapes: ReadonlyArray<SchemaAST.Objects>,
  node: Extract<JsonText.JsonNode, { _tag: "Object" }>,
  path: ConfigProblem.Path,
  reading: Reading
): unknown => {
  const fields = new Map(shapes.flatMap((shape) => shape.propertySignatures).map((field) => [field.name, field.type]))
  const entryType = shapes.flatMap((shape) => shape.indexSignatures)[0]?.type
  const isOpen = shapes.length === 0 || entryType !== undefined
  const seen = new Map<PropertyKey, JsonText.Position>()
  const value: Record<PropertyKey, unknown> = Object.create(null)
  for (const entry of node.entries) {
    const name = spelling(fields, entry.key)
    const keyPath = [...path, name]
    const before = seen.get(name)
    seen.set(name, entry.at)
    if (before !== undefined) {
      reading.problems.push({
        ...entry.at,
        key: ConfigProblem.formatPath(keyPath),
        value: ConfigProblem.quoted(entry.key),
        expectation: `a key that is given once; it is already given at line ${before.line}, column ${before.column}`
      })
    }
    const type = fields.get(name) ?? entryType
    if (!fields.has(name) && !isOpen) {
      const suggestion = Suggestion.nearest(entry.key, [...fields.keys()].filter(Predicate.isString))
      const unknown = { ...entry.at, key: ConfigProblem.formatPath(keyPath), suggestion }
      reading.warnings.push(unknown)
      if (Option.isSome(suggestion)) reading.meant.set(ConfigProblem.formatPath([...path, suggestion.value]), unknown)
    } else if (!isNull(entry.node) || type === undefined || acceptsNull(type)) {
      value[name] = read(type, entry.node, keyPath, reading)
    }
  }
  return value
}

/** Unions and recursive schemas looked through, so that a nullable or optional object is still an object. */
const membersOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(membersOf)
  return SchemaAST.isSuspend(ast) ? membersOf(ast.thunk()) : [ast]
}

const acceptsNull = (ast: SchemaAST.AST): boolean =>
  membersOf(ast).some((member) => SchemaAST.isNull(member) || SchemaAST.isUnknown(member))

const isNull = (node: JsonText.JsonNode): boolean => node._tag === "Scalar" && node.value === null

const spelling = (fields: ReadonlyMap<PropertyKey, unknown>, key: string): PropertyKey => {
  if (fields.has(key)) return key
  const folded = key.toLowerCase()
  return [...fields.keys()].find((name) => Predicate.isString(name) && name.toLowerCase() === folded) ?? key
}
