/**
 * A configuration text decoded by a Schema, with everything that is wrong with it found at once.
 *
 * Reads as the Go services read it: keys match without regard to case (an exact match wins), `null` means "not given" (but
 * for what a map names, such as an agent), unknown keys change nothing. Unlike Go it tells: an unknown key becomes a warning with the key that was probably
 * meant, and a key given twice is a problem, because one of the two would silently be lost. Where a program must start
 * with whatever the Go service starts with, the last of two equal keys counts, and a part that cannot be used is left out.
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

/** A key that is given again, and counts where it stands last. */
export interface RepeatedKey {
  readonly key: string
  readonly line: number
  readonly column: number
  readonly before: JsonText.Position
}

export interface Decoded<A> {
  readonly value: A
  readonly warnings: ReadonlyArray<UnknownKey>
  /** Empty unless the last may count. */
  readonly repeated: ReadonlyArray<RepeatedKey>
  /** What is wrong with the parts that were left out. */
  readonly leftOut: ReadonlyArray<ConfigProblem.ConfigProblem>
}

export interface DecodeOptions {
  /** Default `refuse`. `last`: objects are joined, of anything else the last counts, as in Go. */
  readonly repeatedKeys?: "refuse" | "last"
  /** How much of the path to a problem leads to the element of an array that may be left out for it; 0 for none. */
  readonly elementOf?: (path: ConfigProblem.Path) => number
}

export type DecodeFailure =
  | { readonly _tag: "NotJson"; readonly problem: JsonText.JsonSyntaxProblem }
  | { readonly _tag: "Invalid"; readonly problems: ReadonlyArray<ConfigProblem.ConfigProblem> }

/** Text to value. Warnings are complete only when the text is valid. */
export const decode = <S extends Schema.Decoder<unknown>>(
  schema: S,
  text: string,
  options: DecodeOptions = {}
): Result.Result<Decoded<S["Type"]>, DecodeFailure> => {
  const parsed = JsonText.parse(text)
  return Result.isFailure(parsed)
    ? Result.fail({ _tag: "NotJson", problem: parsed.failure })
    : decodeNode(schema, parsed.success, options)
}

/** As `decode`, of a document that was read already. */
export const decodeNode = <S extends Schema.Decoder<unknown>>(
  schema: S,
  node: JsonText.JsonNode,
  { elementOf = () => 0, repeatedKeys = "refuse" }: DecodeOptions = {}
): Result.Result<Decoded<S["Type"]>, Extract<DecodeFailure, { readonly _tag: "Invalid" }>> => {
  const reading: Reading = { problems: [], warnings: [], repeated: [], meant: new Map(), repeatedKeys }
  const attempt = (without: ReadonlySet<JsonText.JsonNode>) => {
    const value = read(SchemaAST.toEncoded(schema.ast), node, [], { ...reading, without })
    return Schema.decodeUnknownResult(schema, { errors: "all" })(value)
  }
  const whole = attempt(new Set())
  const found = Result.isFailure(whole) ? ConfigProblem.located(whole.failure.issue, node) : []
  const problems = [...reading.problems, ...found.map(({ problem }) => problem)].map(withHint(reading))
  if (Result.isSuccess(whole) && problems.length === 0) {
    return Result.succeed({ value: whole.success, warnings: reading.warnings, repeated: reading.repeated, leftOut: [] })
  }
  const elements = found.map(({ path }) => ConfigProblem.nodeAt(node, path.slice(0, elementOf(path))))
  const lost = new Set(elements.flatMap((element) => element === undefined || element === node ? [] : [element]))
  const isEnough = reading.problems.length === 0 &&
    elements.every((element) => element !== undefined && lost.has(element))
  // Told by the second reading too.
  reading.warnings.length = 0
  reading.repeated.length = 0
  const rest = isEnough ? attempt(lost) : whole
  return Result.isSuccess(rest) && isEnough
    ? Result.succeed({
      value: rest.success,
      warnings: reading.warnings,
      repeated: reading.repeated,
      leftOut: problems
    })
    : Result.fail({ _tag: "Invalid", problems })
}

interface Reading {
  readonly repeated: Array<RepeatedKey>
  readonly repeatedKeys: NonNullable<DecodeOptions["repeatedKeys"]>
  readonly without?: ReadonlySet<JsonText.JsonNode>
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
    return node.items.flatMap((item, index) =>
      reading.without?.has(item) === true
        ? []
        : [read(arrays?.elements[index] ?? arrays?.rest[0], item, [...path, index], reading)]
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
  const seen = new Map<PropertyKey, JsonText.JsonEntry>()
  const value: Record<PropertyKey, unknown> = Object.create(null)
  for (const entry of node.entries) {
    const name = spelling(fields, entry.key)
    const keyPath = [...path, name]
    const before = seen.get(name)
    const given = before !== undefined && reading.repeatedKeys === "last" && fields.has(name)
      ? joined(before, entry)
      : entry
    seen.set(name, given)
    if (before !== undefined && reading.repeatedKeys === "last") {
      reading.repeated.push({ ...entry.at, key: ConfigProblem.formatPath(keyPath), before: before.at })
    } else if (before !== undefined) {
      reading.problems.push({
        ...entry.at,
        key: ConfigProblem.formatPath(keyPath),
        value: ConfigProblem.quoted(entry.key),
        expectation:
          `a key that is given once; it is already given at line ${before.at.line}, column ${before.at.column}`
      })
    }
    const type = fields.get(name) ?? entryType
    if (!fields.has(name) && !isOpen) {
      const suggestion = Suggestion.nearest(entry.key, [...fields.keys()].filter(Predicate.isString))
      const unknown = { ...entry.at, key: ConfigProblem.formatPath(keyPath), suggestion }
      reading.warnings.push(unknown)
      if (Option.isSome(suggestion)) reading.meant.set(ConfigProblem.formatPath([...path, suggestion.value]), unknown)
    } else if (!isNull(given.node) || type === undefined || acceptsNull(type) || isLostAsNull(fields.has(name), type)) {
      value[name] = read(type, given.node, keyPath, reading)
    }
  }
  return value
}

/** Go decodes an object into the fields that the one before it has filled; entries of a map it begins anew. */
const joined = (before: JsonText.JsonEntry, last: JsonText.JsonEntry): JsonText.JsonEntry =>
  before.node._tag === "Object" && last.node._tag === "Object"
    ? { ...last, node: { ...last.node, entries: [...before.node.entries, ...last.node.entries] } }
    : last

/** Unions and recursive schemas looked through, so that a nullable or optional object is still an object. */
const membersOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isUnion(ast)) return ast.types.flatMap(membersOf)
  return SchemaAST.isSuspend(ast) ? membersOf(ast.thunk()) : [ast]
}

const acceptsNull = (ast: SchemaAST.AST): boolean =>
  membersOf(ast).some((member) => SchemaAST.isNull(member) || SchemaAST.isUnknown(member))

/** An entry of a map is there by its name: without its object it is not simply absent, and Go would make an empty one of it. */
const isLostAsNull = (isField: boolean, type: SchemaAST.AST): boolean =>
  !isField && membersOf(type).some(SchemaAST.isObjects)

const isNull = (node: JsonText.JsonNode): boolean => node._tag === "Scalar" && node.value === null

const spelling = (fields: ReadonlyMap<PropertyKey, unknown>, key: string): PropertyKey => {
  if (fields.has(key)) return key
  const folded = key.toLowerCase()
  return [...fields.keys()].find((name) => Predicate.isString(name) && name.toLowerCase() === folded) ?? key
}
