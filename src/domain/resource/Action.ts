/** What can be done with a resource: what it is given, what it changes, and what must hold for it. */
import type { Attribute, Attributes, Held, InputOf, RecordOf } from "./Attribute.ts"
import { type Condition, nodeOf, type Operand } from "./expression/Expression.ts"
import type { Value } from "./expression/Kind.ts"
import type { Node } from "./expression/Node.ts"
import { type NamesOf, namesOf } from "./Names.ts"

export type ActionKind = "create" | "read" | "update" | "destroy"

/** What has to be true of the record as it would be; the message is about a field. */
export interface Rule {
  readonly field: string
  readonly condition: Node
  readonly message: string
}

/** The states that an action leads out of, and the one that it leads into. */
export interface Move {
  readonly from: ReadonlyArray<string>
  readonly to: string
}

/** An action as data. `Accepts` are attributes that a caller may set, `G` what an action is given besides. */
export interface Action<
  out K extends ActionKind = ActionKind,
  out Accepts extends string = string,
  out G extends Attributes = Attributes
> {
  readonly kind: K
  readonly accepts: ReadonlyArray<Accepts>
  readonly given: G
  /** A new value for each; none makes it null. */
  readonly changes: Readonly<Record<string, Node | null>>
  readonly rules: ReadonlyArray<Rule>
  readonly move: Move | undefined
  /** Which records a read answers, of those that its reader may see. */
  readonly filter: Node | undefined
}

export type Actions = Readonly<Record<string, Action>>

/** What a caller gives to an action of a resource with the attributes `T`. */
export type ActionInput<T extends Attributes, A> = A extends Action<infer K, infer Accepts, infer G>
  ? InputOf<G> & ([K] extends ["create"] ? InputOf<Pick<T, Accepts>> : Partial<RecordOf<Pick<T, Accepts>>>)
  : never

/** Null where an attribute can be. */
export type Changes<T extends Attributes> = {
  readonly [K in keyof T]?: T[K] extends Attribute<infer A> ? Operand<A> | (null extends Held<T[K]> ? null : never)
    : never
}

export interface ActionNames<T extends Attributes, A extends Attributes, G extends Attributes> {
  /** As it was, for a change; as it would be, for what is required. */
  readonly record: NamesOf<T>
  readonly actor: NamesOf<A>
  readonly given: NamesOf<G>
}

interface Writing<T extends Attributes, A extends Attributes, Accepts extends string, G extends Attributes> {
  readonly accepts?: ReadonlyArray<Accepts>
  readonly change?: (names: ActionNames<T, A, G>) => Changes<T>
  readonly require?: (
    names: ActionNames<T, A, G>
  ) => ReadonlyArray<readonly [field: keyof T & string, condition: Condition, message: string]>
}

interface Moving<State extends string> {
  /** With `to`: only a record in one of these states, which then is in that one. */
  readonly from?: ReadonlyArray<State>
  readonly to?: State
}

interface Giving<G extends Attributes> {
  readonly given: G
}

type Anything<T extends Attributes, A extends Attributes, State extends string> =
  & Writing<T, A, string, Attributes>
  & Moving<State>
  & Partial<Giving<Attributes>>

/** What an action without arguments is given. */
export interface None extends Readonly<Record<never, never>> {}

/** Makes the actions of a resource with the attributes `T` for actors `A`. */
export class ActionMaker<T extends Attributes, A extends Attributes, State extends string> {
  readonly #record: NamesOf<T>
  readonly #actor: NamesOf<A>

  /** @internal */
  constructor(record: NamesOf<T>, actor: NamesOf<A>) {
    this.#record = record
    this.#actor = actor
  }

  create<G extends Attributes, Accepts extends keyof T & string = never>(
    options: Giving<G> & Writing<T, A, Accepts, G>
  ): Action<"create", Accepts, G>
  create<Accepts extends keyof T & string = never>(
    options: Writing<T, A, Accepts, None>
  ): Action<"create", Accepts, None>
  // boundary: both forms are of the attributes that `Anything` says less of
  create(options: Anything<T, A, State>): Action<"create"> {
    return this.#action("create", options)
  }

  update<G extends Attributes, Accepts extends keyof T & string = never>(
    options: Giving<G> & Writing<T, A, Accepts, G> & Moving<State>
  ): Action<"update", Accepts, G>
  update<Accepts extends keyof T & string = never>(
    options: Writing<T, A, Accepts, None> & Moving<State>
  ): Action<"update", Accepts, None>
  // boundary: both forms are of the attributes that `Anything` says less of
  update(options: Anything<T, A, State>): Action<"update"> {
    return this.#action("update", options)
  }

  readonly destroy: Action<"destroy", never, None> = empty("destroy")

  /** Of all records that its reader may see, those for which the condition is true. */
  read(filter?: (names: Omit<ActionNames<T, A, None>, "given">) => Condition): Action<"read", never, None> {
    const names = { record: this.#record, actor: this.#actor }
    return { ...empty("read"), filter: filter?.(names).node }
  }

  #action<K extends "create" | "update">(kind: K, options: Anything<T, A, State>): Action<K> {
    const { accepts = [], change, from, given = {}, require, to } = options
    const names = { record: this.#record, actor: this.#actor, given: namesOf("arguments", given) }
    const changes = Object.entries<Operand<Value> | null | undefined>(change?.(names) ?? {})
    return {
      kind,
      accepts,
      given,
      changes: Object.fromEntries(
        changes.flatMap(([name, to]) => to === undefined ? [] : [[name, to === null ? null : nodeOf(to)]])
      ),
      rules: (require?.(names) ?? []).map(([field, { node }, message]) => ({ field, condition: node, message })),
      move: from === undefined || to === undefined ? undefined : { from, to },
      filter: undefined
    }
  }
}

const empty = <K extends ActionKind>(kind: K): Action<K, never, None> => ({
  kind,
  accepts: [],
  given: {},
  changes: {},
  rules: [],
  move: undefined,
  filter: undefined
})
