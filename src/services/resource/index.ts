/**
 * `serviceradar-effect/resource`: a resource declared once, whose conditions are read in memory and by PostgreSQL alike.
 *
 *   declare    what it is made of, what can be done with it, and who may do it
 *   belongsTo, hasMany   the records of another resource that it goes with
 *   Attribute  what a value may be            Expression  conditions and calculations
 *   decide     what an action makes of a record, or why nothing
 *   allowed    the records on which an action is allowed to somebody
 *   revealed   what of a record somebody is shown, with a marker for what is hidden
 *   valueOf    an expression's value for a record         toSql  the same as SQL with binds
 */
import type { DateTime, Result } from "effect"
import type { Action, ActionInput, Actions } from "../../domain/resource/Action.ts"
import type { Attributes, RecordOf } from "../../domain/resource/Attribute.ts"
import { columnOf } from "../../domain/resource/Columns.ts"
import { evaluate } from "../../domain/resource/expression/Evaluate.ts"
import { type Condition, type Expression, make } from "../../domain/resource/expression/Expression.ts"
import type { Answer, Value } from "../../domain/resource/expression/Kind.ts"
import type { Surroundings, Values } from "../../domain/resource/expression/Node.ts"
import { simplify } from "../../domain/resource/expression/Simplify.ts"
import { write } from "../../domain/resource/expression/Statement.ts"
import * as FieldPolicies from "../../domain/resource/FieldPolicies.ts"
import { perform, type Refusal } from "../../domain/resource/Perform.ts"
import * as Policies from "../../domain/resource/Policies.ts"
import { publicField, publicFields } from "../../domain/resource/PublicFields.ts"
import type { Calculations, Resource } from "../../domain/resource/Resource.ts"
import { type Bind, render } from "../../domain/sql/Sql.ts"

export type { Action, ActionInput, Actions } from "../../domain/resource/Action.ts"
export {
  Changed,
  Conflict,
  Forbidden,
  Invalid,
  InvalidTransition,
  NotFound
} from "../../domain/resource/ActionError.ts"
export type { Problem } from "../../domain/resource/ActionError.ts"
export * as Attribute from "../../domain/resource/Attribute.ts"
export * as Expression from "../../domain/resource/expression/Expression.ts"
export type { Surroundings } from "../../domain/resource/expression/Node.ts"
export { type Hidden, hidden } from "../../domain/resource/FieldPolicies.ts"
export type { Refusal } from "../../domain/resource/Perform.ts"
export { belongsTo, hasMany } from "../../domain/resource/Relationship.ts"
export { declare, Resource } from "../../domain/resource/Resource.ts"
export type { Bind } from "../../domain/sql/Sql.ts"

/** Who asks for an action, with what, and when. */
export interface Request<A extends Attributes, Input> {
  readonly actor: RecordOf<A>
  readonly input: Input
  readonly now: DateTime.Utc
  /** A random UUID at each call, for what is generated. */
  readonly uuid: () => string
}

/** The actions that change something. */
export type Writes<Does extends Actions> =
  & {
    [Name in keyof Does]: Does[Name] extends Action<"read"> ? never : Name
  }[keyof Does]
  & string

/** A record that is made has none before it. */
export type Before<T extends Attributes, Does> = Does extends Action<"create"> ? null : RecordOf<T>

/**
 * What a write makes of a record: the record as it is then, null when it is destroyed.
 *
 * The record is not kept: whoever keeps records writes it, in the transaction that read `before`.
 */
export const decide = <
  T extends Attributes,
  A extends Attributes,
  S extends keyof T,
  C extends Calculations,
  Does extends Actions,
  Name extends Writes<Does>
>(
  resource: Resource<T, A, S, C, Does>,
  name: Name,
  before: Before<T, Does[Name]>,
  { actor, input, now, uuid }: Request<A, ActionInput<T, Does[Name]>>
): Result.Result<RecordOf<T> | null, Refusal> => {
  const action: Does[Name] = resource.actions[name]
  const given = { values: { ...input }, form: "values" } as const
  // boundary: every value of the record has been one of its attribute's, or was checked to be one
  return perform(resource.definition, name, action, given, before, { actor, now, uuid }) as Result.Result<
    RecordOf<T> | null,
    Refusal
  >
}

/** The condition that a record must hold for an action to be allowed. A read answers the records that do. */
export const allowed = <
  T extends Attributes,
  A extends Attributes,
  S extends keyof T,
  C extends Calculations,
  Does extends Actions
>(
  resource: Resource<T, A, S, C, Does>,
  action: keyof Does & string
): Condition => make(Policies.condition(resource.definition, action))

/** What of a record somebody is shown: all that is not private, and `hidden` for each value that is not for them. */
export const revealed = <
  T extends Attributes,
  A extends Attributes,
  S extends keyof T,
  C extends Calculations,
  Does extends Actions
>(
  { definition }: Resource<T, A, S, C, Does>,
  record: RecordOf<T>,
  surroundings: Surroundings
): Readonly<Record<string, Answer | FieldPolicies.Hidden>> =>
  Object.fromEntries(
    publicFields(definition).concat(definition.key === "id" ? ["id"] : []).flatMap((field) => {
      const node = publicField(definition, field)
      if (node === undefined) return []
      return [[
        field,
        FieldPolicies.isShown(definition, field, record, surroundings)
          ? evaluate(node, { ...surroundings, record })
          : FieldPolicies.hidden
      ]]
    })
  )

/** In memory; null when it is not known. */
export const valueOf = (expression: Expression<Value>, record: Values, surroundings: Surroundings): Answer =>
  evaluate(expression.node, { ...surroundings, record })

/** For PostgreSQL, over the columns of the resource. */
export const toSql = (
  { attributes }: { readonly attributes: Attributes },
  expression: Expression<Value>,
  surroundings: Surroundings
): { readonly text: string; readonly binds: ReadonlyArray<Bind> } =>
  render(
    write(simplify(expression.node, surroundings), {
      ...surroundings,
      column: (attribute) => columnOf(attributes, attribute)
    })
  )
