/**
 * A resource, declared once: what it is made of, what can be computed of it, what can be done with it, and who may do it.
 *
 *   const Ticket = declare({ name: "ticket", table: "tickets", key: "id", attributes: { … }, actor: Actor })
 *     .computes(({ record }) => ({ isOpen: E.differs(record.state, "closed") }))
 *     .does((on) => ({ read: on.read(), close: on.update({ from: ["open"], to: "closed" }) }))
 *     .permits(({ actor, allow }) => [allow(["read", "close"], E.equals(actor.role, "operator"))])
 *
 * What no policy allows is forbidden. With a partition it is also not written beyond that of whoever asks, where they have one. A resource with a tenant is never read or written beyond the tenant of whoever asks.
 */
import { ActionMaker, type Actions } from "./Action.ts"
import type { Attributes, Held } from "./Attribute.ts"
import type { Condition, Expression } from "./expression/Expression.ts"
import type { Value } from "./expression/Kind.ts"
import type { Node } from "./expression/Node.ts"
import { type NamesOf, namesOf } from "./Names.ts"
import type { BelongsTo, HasMany, Relationships } from "./Relationship.ts"

export type Calculations = Readonly<Record<string, Expression<Value>>>

/** Of the actions named, on records for which the condition is true. */
export interface Policy {
  readonly actions: ReadonlyArray<string>
  readonly condition: Node
}

interface Declaration<T extends Attributes, A extends Attributes, K extends keyof T, S extends keyof T> {
  /** As its type in an API: lower case, words joined by `-`. */
  readonly name: string
  readonly table: string
  /** Many of them, in an address; `name` with an `s`, unless told otherwise. */
  readonly collection?: string
  /** What tells one record from another, beside the tenant. */
  readonly key: K & string
  /** Attributes whose values together are no other record's of the tenant. */
  readonly identities?: Readonly<Record<string, ReadonlyArray<keyof T & string>>>
  readonly attributes: T
  /** The records of others that belong to it, or that it belongs to, each under a name of its own. */
  readonly relationships?: Readonly<Record<string, BelongsTo<keyof T & string> | HasMany>>
  readonly actor: A
  /** The attribute that holds its tenant, under the name that it has with the actor. */
  readonly tenant?: keyof T & keyof A & string
  /**
   * The attribute that holds the part of the tenant that it is in; an actor may have one as `partitionId`. Null where it is in
   * one without saying in which: then it is there for those alone who ask for the whole.
   */
  readonly partition?: "partitionId" extends keyof A ? (keyof T & string) | null : never
  /** The attribute that holds its state, whose changes actions declare with `from` and `to`. */
  readonly state?: S & string
  /** Who may do everything, in every tenant. */
  readonly bypass?: (actor: NamesOf<A>) => Condition
  /** Who of them may do so for what changes something; all of them unless told. */
  readonly bypassForWrites?: (actor: NamesOf<A>) => Condition
}

/** A resource as data, for whoever carries out its actions. */
export interface Definition {
  readonly name: string
  readonly table: string
  readonly collection: string
  readonly key: string
  readonly identities: Readonly<Record<string, ReadonlyArray<string>>>
  readonly attributes: Attributes
  readonly relationships: Relationships
  readonly actor: Attributes
  readonly tenant: string | undefined
  readonly partition: string | null | undefined
  readonly state: string | undefined
  readonly bypass: Node | undefined
  readonly bypassForWrites: Node | undefined
  readonly calculations: Readonly<Record<string, Node>>
  readonly actions: Actions
  readonly policies: ReadonlyArray<Policy>
  /** For which records an attribute is shown; of one that is not here, to everybody who sees the record. */
  readonly reveals: Readonly<Record<string, Node>>
}

/** An attribute that is shown only where the condition is true. */
export interface FieldPolicy {
  readonly field: string
  readonly condition: Node
}

type StateOf<T extends Attributes, S extends keyof T> = Extract<Held<T[S]>, string>

export class Resource<
  T extends Attributes,
  A extends Attributes,
  S extends keyof T,
  C extends Calculations,
  Does extends Actions
> {
  readonly definition: Definition
  readonly attributes: T
  readonly actor: A
  readonly calculations: C
  readonly actions: Does

  /** @internal */
  constructor(definition: Definition, attributes: T, actor: A, calculations: C, actions: Does) {
    this.definition = definition
    this.attributes = attributes
    this.actor = actor
    this.calculations = calculations
    this.actions = actions
  }

  /**
   * Attributes that are shown to some only, and are a marker to everybody else; without a condition to nobody, whoever it is. A
   * private one that is named here is such a marker, where it would not be there at all.
   */
  reveals(
    make: (names: {
      readonly record: NamesOf<T>
      readonly actor: NamesOf<A>
      readonly only: (fields: ReadonlyArray<keyof T & string>, condition?: Condition) => ReadonlyArray<FieldPolicy>
    }) => ReadonlyArray<ReadonlyArray<FieldPolicy>>
  ): Resource<T, A, S, C, Does> {
    const { bypass } = this.definition
    const nobody: Node = { _tag: "Literal", kind: "boolean", value: false }
    const made = make({
      ...this.#names,
      only: (fields, condition) => {
        const own = condition?.node ?? nobody
        const whole: Node = condition === undefined || bypass === undefined
          ? own
          : { _tag: "Or", kind: "boolean", parts: [bypass, own] }
        return fields.map((field) => ({ field, condition: whole }))
      }
    })
    const reveals: Record<string, Node> = { ...this.definition.reveals }
    for (const { condition, field } of made.flat()) {
      const before = Object.hasOwn(reveals, field) ? reveals[field] : undefined
      reveals[field] = before === undefined ? condition : { _tag: "And", kind: "boolean", parts: [before, condition] }
    }
    return new Resource({ ...this.definition, reveals }, this.attributes, this.actor, this.calculations, this.actions)
  }

  /** Values that follow from a record: shown, filtered and sorted by like its attributes, and never stored. */
  computes<C extends Calculations>(
    make: (names: { readonly record: NamesOf<T>; readonly actor: NamesOf<A> }) => C
  ): Resource<T, A, S, C, Does> {
    const calculations = make(this.#names)
    const nodes = Object.fromEntries(Object.entries(calculations).map(([name, { node }]) => [name, node]))
    return new Resource(
      { ...this.definition, calculations: nodes },
      this.attributes,
      this.actor,
      calculations,
      this.actions
    )
  }

  does<Does extends Actions>(make: (on: ActionMaker<T, A, StateOf<T, S>>) => Does): Resource<T, A, S, C, Does> {
    const { actor, record } = this.#names
    const actions = make(new ActionMaker(record, actor))
    return new Resource({ ...this.definition, actions }, this.attributes, this.actor, this.calculations, actions)
  }

  /** A read answers the records of its policies; a write needs one for the record as it was and as it would be. */
  permits(
    make: (names: {
      readonly record: NamesOf<T>
      readonly actor: NamesOf<A>
      readonly allow: (actions: ReadonlyArray<keyof Does & string>, condition: Condition) => Policy
    }) => ReadonlyArray<Policy>
  ): Resource<T, A, S, C, Does> {
    const policies = make({
      ...this.#names,
      allow: (actions, { node }) => ({ actions, condition: node })
    })
    return new Resource(
      { ...this.definition, policies },
      this.attributes,
      this.actor,
      this.calculations,
      this.actions
    )
  }

  /** A condition on its records for whoever wants one. */
  where(make: (names: { readonly record: NamesOf<T>; readonly actor: NamesOf<A> }) => Condition): Condition {
    return make(this.#names)
  }

  get #names() {
    return { record: namesOf("record", this.attributes), actor: namesOf("actor", this.actor) }
  }
}

export const declare = <
  const T extends Attributes,
  const A extends Attributes,
  K extends keyof T,
  S extends keyof T = never
>(declaration: Declaration<T, A, K, S>): Resource<T, A, S, {}, {}> => {
  const { actor, attributes, bypass, identities = {}, key, name, partition, relationships = {}, state, table, tenant } =
    declaration
  const { bypassForWrites = bypass } = declaration
  const definition = {
    name,
    table,
    collection: declaration.collection ?? `${name}s`,
    key,
    identities,
    attributes,
    relationships,
    actor,
    tenant,
    partition,
    state,
    bypass: bypass?.(namesOf("actor", actor)).node,
    bypassForWrites: bypassForWrites?.(namesOf("actor", actor)).node,
    calculations: {},
    actions: {},
    policies: [],
    reveals: {}
  }
  return new Resource(definition, attributes, actor, {}, {})
}
