/** Reads of records, see `Records`. */
import { DateTime, Effect, Option } from "effect"
import * as Order from "../../domain/records/Order.ts"
import type { Stored } from "../../domain/records/Record.ts"
import * as Statements from "../../domain/records/Statements.ts"
import { Forbidden, NotFound } from "../../domain/resource/ActionError.ts"
import type { Node, Surroundings } from "../../domain/resource/expression/Node.ts"
import { simplify } from "../../domain/resource/expression/Simplify.ts"
import * as Policies from "../../domain/resource/Policies.ts"
import type { Definition } from "../../domain/resource/Resource.ts"
import type { Asker, Finding, Listing, Page, ReadError } from "../../services/records/Records.ts"
import {
  type Database,
  everywhere,
  failure,
  keyOf,
  type Place,
  placeOf,
  records as recordsOf,
  run,
  Total
} from "./RecordTransactions.ts"

const isNever = (node: Node): boolean => node._tag === "Literal" && node.value === false

const surroundingsOf = ({ actor }: Asker, now: DateTime.Utc): Surroundings => ({ actor, arguments: {}, now })

/** What an actor may read; fails where that is nothing whatever a record holds. */
const readable = Effect.fnUntraced(function*(
  { action, definition }: Listing | { readonly action: string; readonly definition: Definition },
  surroundings: Surroundings
) {
  const may = simplify(Policies.condition(definition, action), surroundings)
  if (isNever(may)) return yield* new Forbidden({ resource: definition.name, action })
  const filter = definition.actions[action]?.filter
  return filter === undefined ? [may] : [may, filter]
})

const own = ({ attributes, tenant }: Definition, place: Place): ReadonlyArray<Node> => {
  if (place.setting === everywhere) return []
  const kind = tenant === undefined ? undefined : attributes[tenant]?.kind
  return tenant === undefined || kind === undefined ? [] : [{
    _tag: "Compare",
    kind: "boolean",
    comparison: "=",
    left: { _tag: "Reference", source: "record", name: tenant, kind },
    right: { _tag: "Literal", kind, value: place.tenant }
  }]
}

export const find = (database: Database) => (finding: Finding): Effect.Effect<Stored, ReadError> =>
  Effect.gen(function*() {
    const { action, asker, definition, key: text } = finding
    const now = yield* DateTime.now
    const surroundings = surroundingsOf(asker, now)
    const place = placeOf(definition, asker, now)
    const parts = yield* readable(finding, surroundings)
    const key = keyOf(definition, text)
    const missing = new NotFound({ resource: definition.name, action, key: text })
    if (Option.isNone(key)) return yield* missing
    const [{ of: identifier } = { of: undefined }] = Order.complete(definition, [])
    if (identifier === undefined) return yield* missing
    const isIt: Node = {
      _tag: "Compare",
      kind: "boolean",
      comparison: "=",
      left: identifier,
      right: { _tag: "Literal", kind: identifier.kind, value: key.value }
    }
    const where: Node = { _tag: "And", kind: "boolean", parts: [...own(definition, place), isIt, ...parts] }
    const selecting = { where, order: Order.complete(definition, []), limit: 1, offset: 0 }
    const [found] = yield* database.use((sql) =>
      recordsOf(sql, definition, Statements.page(definition, selecting, surroundings, place.setting))
    ).pipe(Effect.catchTag("SqlError", (error) => Effect.fail(failure(finding)(error))))
    return found ?? (yield* missing)
  })

export const list = (database: Database) => (listing: Listing): Effect.Effect<Page, Exclude<ReadError, NotFound>> =>
  Effect.gen(function*() {
    const { asker, definition, isCounted = false, limit, offset = 0, place: from, where } = listing
    const now = yield* DateTime.now
    const surroundings = surroundingsOf(asker, now)
    const place = placeOf(definition, asker, now, listing.isEverywhere)
    const parts = [
      ...own(definition, place),
      ...(yield* readable(listing, surroundings)),
      ...(where === undefined ? [] : [where])
    ]
    const isBackwards = from?.side === "before"
    const complete = Order.complete(definition, listing.order)
    const order = isBackwards ? Order.reversed(complete) : complete
    const all: Node = { _tag: "And", kind: "boolean", parts }
    const some: Node = from?.values === undefined
      ? all
      : { _tag: "And", kind: "boolean", parts: [...parts, Order.beyond(definition, order, from.values)] }
    const { found, total } = yield* database.use((sql) =>
      Effect.gen(function*() {
        const selecting = { where: some, order, limit: limit + 1, offset }
        const found = yield* recordsOf(
          sql,
          definition,
          Statements.page(definition, selecting, surroundings, place.setting)
        )
        const [counted] = isCounted
          ? yield* run(sql, Total, Statements.count(definition, all, surroundings, place.setting))
          : []
        return { found, total: counted?.total }
      })
    ).pipe(Effect.catchTag("SqlError", (error) => Effect.fail(failure(listing)(error))))
    const records = found.slice(0, limit)
    return {
      records: isBackwards ? records.toReversed() : records,
      hasMore: found.length > limit,
      ...(total === undefined ? {} : { total })
    }
  })
