/**
 * What an action makes of a record, decided on plain values: the same whoever keeps the records.
 *
 * In this order: what was given is read, the policies see the record as it was, its state is left for the next, values
 * change, the rules see the record as it would be, and so do the policies.
 */
import { type DateTime, Result } from "effect"
import type { Action } from "./Action.ts"
import { Forbidden, Invalid, InvalidTransition, type Problem } from "./ActionError.ts"
import * as ActionInput from "./ActionInput.ts"
import { evaluate } from "./expression/Evaluate.ts"
import type { Value } from "./expression/Kind.ts"
import type { Values } from "./expression/Node.ts"
import * as Policies from "./Policies.ts"
import type { Definition } from "./Resource.ts"

/** Who acts, when, and what is new. */
export interface Occasion {
  readonly actor: Values
  readonly now: DateTime.Utc
  /** A random one at each call. */
  readonly uuid: () => string
}

export type Refusal = Forbidden | Invalid | InvalidTransition

/** The values of a record, all of them. */
type Known = { readonly [name: string]: Value | null }

/** A write on `before`, which a create has none of. Answers the record as it would be; null for one that is no more. */
export const perform = (
  definition: Definition,
  name: string,
  action: Action,
  input: { readonly values: Readonly<Record<string, unknown>>; readonly form: ActionInput.Form },
  before: Known | null,
  occasion: Occasion
): Result.Result<Known | null, Refusal> => {
  const about = { resource: definition.name, action: name }
  const surroundings = { actor: occasion.actor, arguments: {}, now: occasion.now }
  const isAllowed = (record: Known) => Policies.isAllowed(definition, name, record, surroundings)
  if (before !== null && !isAllowed(before)) return Result.fail(new Forbidden(about))
  if (action.kind === "destroy") return Result.succeed(null)

  const read = ActionInput.read(definition.attributes, action, input.values, input.form)
  if (Result.isFailure(read)) return Result.fail(new Invalid({ ...about, problems: read.failure }))
  const { accepted, given } = read.success
  const from = String((definition.state === undefined ? undefined : before?.[definition.state]) ?? "")
  if (action.move !== undefined && before !== null && !action.move.from.includes(from)) {
    return Result.fail(new InvalidTransition({ ...about, from, to: action.move.to }))
  }

  const draft = placed(definition, before, { ...before ?? fresh(definition, occasion), ...known(accepted) }, occasion)
  const reading = { ...surroundings, arguments: given, record: before ?? draft }
  const after = {
    ...draft,
    ...Object.fromEntries(
      Object.entries(action.changes).map(([field, to]) => [field, to === null ? null : evaluate(to, reading)])
    ),
    ...(definition.state === undefined || action.move === undefined ? {} : { [definition.state]: action.move.to })
  }
  const problems = [
    ...kept(definition, before, after),
    ...missing(definition, after),
    ...action.rules.flatMap(({ condition, field, message }): ReadonlyArray<Problem> =>
      evaluate(condition, { ...reading, record: after }) === true ? [] : [{ field, code: "invalid", detail: message }]
    )
  ]
  if (problems.length > 0) return Result.fail(new Invalid({ ...about, problems }))
  return isAllowed(after) ? Result.succeed(after) : Result.fail(new Forbidden(about))
}

/** Defaults, nulls, and the tenant of whoever makes it. */
const fresh = ({ attributes, partition, tenant }: Definition, { actor, now, uuid }: Occasion): Known =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { traits }]) => {
      if (name === tenant) return [name, actor[name] ?? null]
      const asked = name === partition ? actor[Policies.partitionName] ?? null : null
      if (asked !== null) return [name, asked]
      switch (traits.default._tag) {
        case "None":
          return [name, null]
        case "Value":
          return [name, traits.default.value]
        case "Generated":
          return [name, traits.default.as === "uuid" ? uuid() : now]
      }
    })
  )

/** What is made without a partition is in that of whoever makes it. */
const placed = ({ partition }: Definition, before: Known | null, draft: Known, { actor }: Occasion): Known =>
  typeof partition !== "string" || before !== null || (draft[partition] ?? null) !== null
    ? draft
    : { ...draft, [partition]: actor[Policies.partitionName] ?? null }

const known = (values: Values): Known =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? null]))

interface Demands {
  readonly kept: ReadonlyArray<string>
  readonly required: ReadonlyArray<string>
}

const demands = new WeakMap<Definition, Demands>()

/** Attributes that keep their value, and those that must have one; found out once. */
const demandsOf = (definition: Definition): Demands => {
  const known = demands.get(definition)
  if (known !== undefined) return known
  const { attributes, key, tenant } = definition
  const entries = Object.entries(attributes)
  const made = {
    kept: entries.flatMap(([field, { traits }]) =>
      traits.isImmutable || field === key || field === tenant ? [field] : []
    ),
    required: entries.flatMap(([field, { presence }]) => presence === "optional" ? [] : [field])
  }
  demands.set(definition, made)
  return made
}

/** What must not change, and did. */
const kept = (definition: Definition, before: Known | null, after: Known): ReadonlyArray<Problem> =>
  before === null ? [] : demandsOf(definition).kept
    .filter((field) => !isSame(before[field] ?? null, after[field] ?? null))
    .map((field): Problem => ({ field, code: "immutable", detail: "cannot be changed" }))

const missing = (definition: Definition, after: Known): ReadonlyArray<Problem> =>
  demandsOf(definition).required
    .filter((field) => (after[field] ?? null) === null)
    .map((field): Problem => ({ field, code: "required", detail: "is required" }))

const isSame = (a: Value | null, b: Value | null): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)
