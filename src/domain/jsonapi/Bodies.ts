/** What the body of a write asks for: a resource object, whose attributes are the action's input. */
import { Predicate, Result, Schema, SchemaIssue } from "effect"
import type { Action } from "../resource/Action.ts"
import type { Definition } from "../resource/Resource.ts"
import { ofBody, plain, type Problem } from "./Problem.ts"
import { declared, fieldName } from "./Wire.ts"

const Data = Schema.Struct({
  type: Schema.String,
  id: Schema.optionalKey(Schema.String),
  attributes: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
  relationships: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
  meta: Schema.optionalKey(Schema.Unknown),
  links: Schema.optionalKey(Schema.Unknown)
})

const Body = Schema.Struct({
  data: Data,
  meta: Schema.optionalKey(Schema.Unknown),
  jsonapi: Schema.optionalKey(Schema.Unknown)
})
const parseBody = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))
const decode = Schema.decodeUnknownResult(Body)

const idPointer = "/data/id"

const pointerOf = (path: ReadonlyArray<PropertyKey>): string => path.map((part) => `/${String(part)}`).join("")

/** As much of a path as there is in the document. */
const pathIn = (document: unknown, path: ReadonlyArray<PropertyKey>): ReadonlyArray<PropertyKey> => {
  let value = document
  for (const [at, part] of path.entries()) {
    if (!Predicate.isObjectOrArray(value) || !Object.hasOwn(value, part)) return path.slice(0, at)
    value = Object.entries(value).find(([key]) => key === String(part))?.[1]
  }
  return path
}

/** To the first place that is not as it should be, and what was expected there. */
const misshapen = (document: unknown, { issue }: Schema.SchemaError): Problem => {
  const [first] = SchemaIssue.makeFormatterStandardSchemaV1()(issue).issues
  const path = (first?.path ?? []).map((part) => typeof part === "object" ? part.key : part)
  const found = pathIn(document, path)
  const missing = path.slice(found.length).map(String).join(".")
  const expected = missing === "" ? first?.message ?? "" : `${missing} is missing`
  return ofBody(pointerOf(found), `expected a resource object with a type: ${expected}`)
}

const Linkage = Schema.Struct({
  data: Schema.NullOr(Schema.Struct({ type: Schema.String, id: Schema.String }))
})
const decodeLinkage = Schema.decodeUnknownResult(Linkage)

export interface Sent {
  /** By the names of the declaration. */
  readonly values: Readonly<Record<string, unknown>>
  /** Where those stand that were sent as relationships. */
  readonly pointers: ReadonlyMap<string, string>
}

interface Reference {
  readonly attribute: string
  readonly key: string | null
  /** To the key, or to the null in its place. */
  readonly pointer: string
}

/** The attribute that a relationship is kept in, and the key that it is to hold. */
const reference = (
  { relationships }: Definition,
  accepts: ReadonlyArray<string>,
  [wire, value]: readonly [string, unknown]
): Result.Result<Reference, Problem> => {
  const pointer = pointerOf(["data", "relationships", wire])
  const name = declared(Object.keys(relationships), wire)
  const relationship = name === undefined ? undefined : relationships[name]
  if (relationship?.kind !== "belongs_to" || !accepts.includes(relationship.by)) {
    return Result.fail(ofBody(pointer, "is no relationship that can be set here"))
  }
  const linkage = decodeLinkage(value)
  if (Result.isFailure(linkage)) {
    return Result.fail(ofBody(pointer, `expected data with type and id, or null: ${linkage.failure.message}`))
  }
  const { data } = linkage.success
  const attribute = relationship.by
  if (data === null) return Result.succeed({ attribute, key: null, pointer: `${pointer}/data` })
  return data.type === relationship.resource
    ? Result.succeed({ attribute, key: data.id, pointer: `${pointer}/data/id` })
    : Result.fail(ofBody(`${pointer}/data/type`, `is ${JSON.stringify(data.type)}, expected ${relationship.resource}`))
}

const escaped = (part: string): string => part.replaceAll("~", "~0").replaceAll("/", "~1")

/** What has no such name in the API is not what is declared under it: as a pointer, which no declared name is. */
const undeclared = (field: string): string => `/${escaped(field)}`

/** To what the client has sent, RFC 6901. */
export const attributePointer = (field: string): string =>
  `/data/attributes${field.startsWith("/") ? field : `/${fieldName(field)}`}`

/** What nobody declares is refused as what was sent. */
export const parse = (
  definition: Definition,
  { accepts, given, kind }: Action,
  key: string | undefined,
  text: string
): Result.Result<Sent, Problem> => {
  const json = parseBody(text)
  if (Result.isFailure(json)) return Result.fail(ofBody("", "is no JSON"))
  const body = decode(json.success)
  if (Result.isFailure(body)) return Result.fail(misshapen(json.success, body.failure))
  const { attributes = {}, id, relationships = {}, type } = body.success.data
  // Some clients know a resource by its collection's name alone.
  if (type !== definition.name && type !== definition.collection) {
    return Result.fail({
      ...plain(409, "conflict", "Conflict", `the type is ${JSON.stringify(type)}, expected ${definition.name}`),
      source: { pointer: "/data/type" }
    })
  }
  if (key !== undefined && id !== undefined && id !== key) {
    return Result.fail({
      ...plain(
        409,
        "conflict",
        "Conflict",
        `the id is ${JSON.stringify(id)}, the address names ${JSON.stringify(key)}`
      ),
      source: { pointer: "/data/id" }
    })
  }
  const names = [...accepts, ...Object.keys(given)]
  const references = Result.all(Object.entries(relationships).map((entry) => reference(definition, accepts, entry)))
  if (Result.isFailure(references)) return Result.fail(references.failure)
  const values = Object.fromEntries([
    ...Object.entries(attributes).map(([field, value]) =>
      [declared(names, field) ?? undeclared(field), value] as const
    ),
    ...references.success.map(({ attribute, key }) => [attribute, key] as const)
  ])
  const pointers = new Map(references.success.map(({ attribute, pointer }) => [attribute, pointer]))
  if (kind !== "create" || id === undefined) return Result.succeed({ values, pointers })
  const own = values[definition.key]
  if (own !== undefined && own !== id) {
    const detail = `is ${JSON.stringify(own)}, the id is ${JSON.stringify(id)}: one of both is enough`
    return Result.fail(ofBody(attributePointer(definition.key), detail))
  }
  return names.includes(definition.key)
    ? Result.succeed({ values: { ...values, [definition.key]: id }, pointers: pointers.set(definition.key, idPointer) })
    : Result.fail({
      ...plain(403, "forbidden", "Forbidden", "the id is made by the server"),
      source: { pointer: idPointer }
    })
}
