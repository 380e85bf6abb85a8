/**
 * Who is who within one process: unique names, and properties that many owners can have.
 *
 * An entry lives as long as the Scope that made it, so a child's entries vanish when the child ends and are free again
 * before its successor starts. A child that was left behind past its shutdown limit keeps its names until it ends.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ChildPosition } from "./internal/child/ChildPosition.ts"

/** Changes that one subscriber can be behind. */
const bufferSizeDefault = 1024

export class AlreadyRegistered extends Schema.TaggedError<AlreadyRegistered>()("AlreadyRegistered", {
  registry: Schema.String,
  name: Schema.String,
  /** Path in the supervision tree of who has the name; absent when it runs outside of any. */
  owner: Schema.optionalKey(Schema.String)
}) {
  override get message(): string {
    return `${this.registry}: ${this.name} is taken${this.owner === undefined ? "" : ` by ${this.owner}`}`
  }
}

export class NotRegistered extends Schema.TaggedError<NotRegistered>()("NotRegistered", {
  registry: Schema.String,
  name: Schema.String
}) {
  override get message(): string {
    return `${this.registry}: nobody is registered as ${this.name}`
  }
}

/** A subscriber fell too far behind. Subscribing again starts with what is registered then. */
export class SubscriberLagged extends Schema.TaggedError<SubscriberLagged>()("SubscriberLagged", {
  registry: Schema.String,
  bufferSize: Schema.Finite
}) {
  override get message(): string {
    return `${this.registry}: a subscriber fell more than ${this.bufferSize} changes behind`
  }
}

export interface Entry<out A> {
  readonly kind: "name" | "property"
  readonly key: string
  readonly value: A
  /** Path in the supervision tree of the child that owns it. */
  readonly owner: string | undefined
}

export interface Change<out A> {
  readonly _tag: "Registered" | "Updated" | "Unregistered"
  readonly entry: Entry<A>
}

export interface Registry<A> {
  /** Takes a name that nobody has. */
  readonly register: (name: string, value: A) => Effect.Effect<void, AlreadyRegistered, Scope.Scope>
  readonly lookup: (name: string) => Effect.Effect<A, NotRegistered>
  /** Does something with the value under a name: sends a message to whoever has it, say. */
  readonly call: <B, E, R>(
    name: string,
    use: (value: A) => Effect.Effect<B, E, R>
  ) => Effect.Effect<B, E | NotRegistered, R>
  /** Gives a name another value, and answers with the one before. */
  readonly update: (name: string, change: (value: A) => A) => Effect.Effect<A, NotRegistered>
  /** Adds an owner to a property. The same owner may do so more than once. */
  readonly addProperty: (property: string, value: A) => Effect.Effect<void, never, Scope.Scope>
  /** The values of a property's owners, oldest first. */
  readonly lookupProperty: (property: string) => Effect.Effect<ReadonlyArray<A>>
  /** Does something with the values of a property's owners, oldest first, if there are any: a publication, say. */
  readonly dispatch: <E, R>(
    property: string,
    use: (values: readonly [A, ...ReadonlyArray<A>]) => Effect.Effect<unknown, E, R>
  ) => Effect.Effect<void, E, R>
  /** The names and properties that a child has, by its path in the tree; without one, those of the child that asks. */
  readonly keys: (owner?: string) => Effect.Effect<ReadonlyArray<string>>
  /** Every entry the predicate accepts, names first, each kind oldest first. */
  readonly select: (predicate: (entry: Entry<A>) => boolean) => Effect.Effect<ReadonlyArray<Entry<A>>>
  /** First what is registered now, then every change, none missed. */
  readonly subscribe: (
    options?: { readonly bufferSize?: number }
  ) => Stream.Stream<Change<A>, SubscriberLagged>
  readonly count: Effect.Effect<{ readonly names: number; readonly properties: number }>
}

/** `id` tells registries apart in errors. */
export const make = <A>(id: string): Effect.Effect<Registry<A>> =>
  Effect.sync((): Registry<A> => {
    const names = new Map<string, Entry<A>>()
    const properties = new Map<string, Set<Entry<A>>>()
    const sinks = new Set<(change: Change<A>) => void>()

    const tell = (_tag: Change<A>["_tag"], entry: Entry<A>): void => {
      for (const sink of sinks) sink({ _tag, entry })
    }

    const all = (): ReadonlyArray<
      Entry<A>
    > => [...names.values(), ...[...properties.values()].flatMap((set) => [...set])]

    const addName = (entry: Entry<A>): Effect.Effect<Entry<A>, AlreadyRegistered> =>
      Effect.suspend(() => {
        const present = names.get(entry.key)
        if (present !== undefined) {
          const owner = present.owner === undefined ? {} : { owner: present.owner }
          return new AlreadyRegistered({ registry: id, name: entry.key, ...owner })
        }
        names.set(entry.key, entry)
        tell("Registered", entry)
        return Effect.succeed(entry)
      })

    const removeName = ({ key }: Entry<A>) =>
      Effect.sync(() => {
        const entry = names.get(key)
        names.delete(key)
        if (entry !== undefined) tell("Unregistered", entry)
      })

    const named = (name: string): Effect.Effect<Entry<A>, NotRegistered> =>
      Effect.suspend(() => {
        const entry = names.get(name)
        return entry === undefined ? new NotRegistered({ registry: id, name }) : Effect.succeed(entry)
      })

    const change = (name: string, to: (value: A) => A): Effect.Effect<A, NotRegistered> =>
      Effect.suspend(() => {
        const before = names.get(name)
        if (before === undefined) return new NotRegistered({ registry: id, name })
        const after = { ...before, value: to(before.value) }
        names.set(name, after)
        tell("Updated", after)
        return Effect.succeed(before.value)
      })

    const owned = (owner: string | undefined): ReadonlyArray<string> =>
      owner === undefined ? [] : [...new Set(all().filter((entry) => entry.owner === owner).map(({ key }) => key))]

    const addOwner = (entry: Entry<A>): Effect.Effect<Entry<A>> =>
      Effect.sync(() => {
        const owners = properties.get(entry.key)
        if (owners === undefined) properties.set(entry.key, new Set([entry]))
        else owners.add(entry)
        tell("Registered", entry)
        return entry
      })

    const removeOwner = (entry: Entry<A>) =>
      Effect.sync(() => {
        const owners = properties.get(entry.key)
        owners?.delete(entry)
        if (owners?.size === 0) properties.delete(entry.key)
        tell("Unregistered", entry)
      })

    const entryOf = (kind: Entry<A>["kind"], key: string, value: A): Effect.Effect<Entry<A>> =>
      Effect.map(ChildPosition, (position) => ({ kind, key, value, owner: position?.path }))

    return {
      register: (name, value) =>
        Effect.asVoid(Effect.acquireRelease(Effect.flatMap(entryOf("name", name, value), addName), removeName)),
      lookup: (name) => Effect.map(named(name), ({ value }) => value),
      call: (name, use) => Effect.flatMap(named(name), ({ value }) => use(value)),
      update: change,
      dispatch: (property, use) =>
        Effect.suspend(() => {
          const [first, ...others] = properties.get(property) ?? []
          return first === undefined
            ? Effect.void
            : Effect.asVoid(use([first.value, ...others.map(({ value }) => value)]))
        }),
      keys: (owner) =>
        owner === undefined
          ? Effect.map(ChildPosition, (position) => owned(position?.path))
          : Effect.sync(() => owned(owner)),
      addProperty: (property, value) =>
        Effect.asVoid(
          Effect.acquireRelease(Effect.flatMap(entryOf("property", property, value), addOwner), removeOwner)
        ),
      lookupProperty: (property) => Effect.sync(() => [...(properties.get(property) ?? [])].map(({ value }) => value)),
      select: (predicate) => Effect.sync(() => all().filter(predicate)),
      subscribe: ({ bufferSize = bufferSizeDefault } = {}) =>
        Stream.unwrap(Effect.gen(function*() {
          const queue = yield* Queue.make<Change<A>, SubscriberLagged>({ capacity: bufferSize, strategy: "dropping" })
          const sink = (change: Change<A>): void => {
            if (Queue.offerUnsafe(queue, change)) return
            sinks.delete(sink)
            Queue.failCauseUnsafe(queue, Cause.fail(new SubscriberLagged({ registry: id, bufferSize })))
          }
          const present = yield* Effect.acquireRelease(
            Effect.sync(() => {
              sinks.add(sink)
              return all()
            }),
            () => Effect.sync(() => sinks.delete(sink))
          )
          const first = present.map((entry): Change<A> => ({ _tag: "Registered", entry }))
          return Stream.concat(Stream.fromIterable(first), Stream.fromQueue(queue))
        })),
      count: Effect.sync(() => ({
        names: names.size,
        properties: [...properties.values()].reduce((sum, owners) => sum + owners.size, 0)
      }))
    }
  })
