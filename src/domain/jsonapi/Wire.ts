/**
 * The names that a resource has in an API: attributes, calculations and actions in lower case, `last_seen_time` and
 * `recently-seen` for `lastSeenTime` and `recentlySeen`.
 */
import type { Action, ActionKind } from "../resource/Action.ts"
import { snakeCase } from "../resource/Columns.ts"
import type { Definition } from "../resource/Resource.ts"

export const mediaType = "application/vnd.api+json"

export const fieldName = snakeCase

const actionName = (name: string): string => fieldName(name).replaceAll("_", "-")

/** Of names as they are declared, the one that has this name in the API. */
export const declared = (names: Iterable<string>, field: string): string | undefined =>
  [...names].find((name) => fieldName(name) === field)

export interface Named {
  readonly name: string
  readonly action: Action
}

const actionsOf = ({ actions }: Definition, kind: ActionKind, hidden: ReadonlySet<string>): ReadonlyArray<Named> =>
  Object.entries(actions).flatMap(([name, action]) =>
    action.kind === kind && !hidden.has(name) ? [{ name, action }] : []
  )

/** What of a resource others can do: `hidden` are actions that only a program does. */
export interface Exposed {
  readonly definition: Definition
  readonly hidden?: ReadonlyArray<string>
}

/** The actions of a resource by what they are asked with. */
export interface Routes {
  /** `GET /things` and `GET /things/KEY`. */
  readonly read: Named | undefined
  /** `GET /things/NAME`. */
  readonly reads: ReadonlyMap<string, Named>
  /** `POST /things`. */
  readonly create: Named | undefined
  /** `PATCH /things/KEY`. */
  readonly update: Named | undefined
  /** `PATCH /things/KEY/NAME`. */
  readonly updates: ReadonlyMap<string, Named>
  /** `DELETE /things/KEY`. */
  readonly destroy: Named | undefined
}

const byName = (all: ReadonlyArray<Named>, main: Named | undefined): ReadonlyMap<string, Named> =>
  new Map(all.flatMap((one) => one === main ? [] : [[actionName(one.name), one]]))

export const routesOf = ({ definition, hidden = [] }: Exposed): Routes => {
  const of = (kind: ActionKind) => actionsOf(definition, kind, new Set(hidden))
  const named = (all: ReadonlyArray<Named>, name: string) => all.find((one) => one.name === name)
  const [reads, creates, updates, destroys] = [of("read"), of("create"), of("update"), of("destroy")]
  const read = named(reads, "read") ?? reads[0]
  const update = named(updates, "update")
  return {
    read,
    reads: byName(reads, read),
    create: named(creates, "create") ?? creates[0],
    update,
    updates: byName(updates, update),
    destroy: named(destroys, "destroy") ?? destroys[0]
  }
}
