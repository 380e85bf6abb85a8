/** Reads what a caller gives to an action: only what the action takes, and each of it as its attribute allows. */
import { Result, Schema } from "effect"
import type { Action } from "./Action.ts"
import type { Problem } from "./ActionError.ts"
import type { Attribute, Attributes } from "./Attribute.ts"
import type { Value } from "./expression/Kind.ts"
import type { Values } from "./expression/Node.ts"

export interface ReadInput {
  /** Values of the record, by attribute. */
  readonly accepted: Values
  /** Of the action itself. */
  readonly given: Values
}

/** Values as this process has them, or as JSON has them: an instant as an ISO 8601 text. */
export type Form = "values" | "json"

/** Everything that is wrong is told at once. */
export const read = (
  attributes: Attributes,
  action: Action,
  input: Readonly<Record<string, unknown>>,
  form: Form
): Result.Result<ReadInput, ReadonlyArray<Problem>> => {
  const taken = takenBy(attributes, action)
  const isPartial = action.kind !== "create"
  const accepted = valuesOf(taken.accepts, input, isPartial, form)
  const given = valuesOf(taken.given, input, false, form)
  const unknown = Object.keys(input).filter((field) => !taken.names.has(field))
  const problems = [
    ...unknown.map((field): Problem => ({ field, code: "unknown", detail: "is not taken" })),
    ...accepted.problems,
    ...given.problems
  ]
  return problems.length === 0
    ? Result.succeed({ accepted: accepted.values, given: given.values })
    : Result.fail(problems)
}

type Entries = ReadonlyArray<readonly [field: string, attribute: Attribute<Value>]>

interface Taken {
  readonly of: Attributes
  readonly accepts: Entries
  readonly given: Entries
  readonly names: ReadonlySet<string>
}

const taken = new WeakMap<Action, Taken>()

/** What an action of these attributes takes; found out once. */
const takenBy = (attributes: Attributes, action: Action): Taken => {
  const known = taken.get(action)
  if (known?.of === attributes) return known
  const accepts = action.accepts.flatMap((name): Entries => {
    const attribute = Object.hasOwn(attributes, name) ? attributes[name] : undefined
    return attribute === undefined ? [] : [[name, attribute]]
  })
  const given = Object.entries(action.given)
  const names = new Set([...accepts, ...given].map(([name]) => name))
  const made = { of: attributes, accepts, given, names }
  taken.set(action, made)
  return made
}

/** Without what was left out of a part: it stays as it is. Of the whole, null stands for what is optional. */
const valuesOf = (
  entries: Entries,
  input: Readonly<Record<string, unknown>>,
  isPartial: boolean,
  form: Form
) => {
  const values: Record<string, Value | null> = {}
  const problems: Array<Problem> = []
  for (const [field, attribute] of entries) {
    const value = Object.hasOwn(input, field) ? input[field] : undefined
    if (value === undefined) {
      if (isPartial || attribute.presence === "defaulted") continue
      if (attribute.presence === "optional") values[field] = null
      else problems.push({ field, code: "required", detail: "is required" })
      continue
    }
    const read = valueOf(attribute, value, form)
    if (Result.isSuccess(read)) values[field] = read.success
    else problems.push({ field, code: "invalid", detail: read.failure })
  }
  return { values, problems }
}

const decoderOf = ({ schema }: Attribute<Value>, form: Form) =>
  form === "json" ? Schema.decodeUnknownResult(schema) : Schema.decodeUnknownResult(Schema.toType(schema))

const decoders: Readonly<Record<Form, WeakMap<Attribute<Value>, ReturnType<typeof decoderOf>>>> = {
  json: new WeakMap(),
  values: new WeakMap()
}

/** Made once: to make one takes longer than to use it. */
const decoder = (attribute: Attribute<Value>, form: Form): ReturnType<typeof decoderOf> => {
  const known = decoders[form].get(attribute)
  if (known !== undefined) return known
  const made = decoderOf(attribute, form)
  decoders[form].set(attribute, made)
  return made
}

const valueOf = (attribute: Attribute<Value>, value: unknown, form: Form): Result.Result<Value | null, string> => {
  if (value === null) return attribute.presence === "optional" ? Result.succeed(null) : Result.fail("must not be null")
  return Result.mapError(decoder(attribute, form)(value), ({ message }) => message)
}
