/**
 * From a query to one statement with its binds: a pure function of query, catalog, tenant and clock.
 *
 * `bucket:` wins over `rollup_stats:`, that over `stats:`, and that over rows, as in the original.
 */
import { Result } from "effect"
import { render } from "../../sql/Sql.ts"
import type { Catalog } from "../catalog/Catalog.ts"
import type { Entity } from "../catalog/Entity.ts"
import * as Cursor from "../language/Cursor.ts"
import type { Query } from "../language/Query.ts"
import { type Answer, refuse } from "../language/SrqlError.ts"
import * as Buckets from "./Buckets.ts"
import * as Documents from "./Documents.ts"
import type { Draft, Plan } from "./Plan.ts"
import * as Rollups from "./Rollups.ts"
import * as Rows from "./Rows.ts"
import { limitOf, type PlanContext } from "./Scope.ts"
import * as Several from "./Several.ts"
import * as Stats from "./Stats.ts"

export interface PlanOptions extends PlanContext {
  readonly cursor?: Cursor.Cursor
  /** Rows carry what a keyset cursor is made of. */
  readonly withKeyset?: boolean
}

/** What computes has no rows that could follow. */
const computes = ({ downsample, rollup, stats }: Query): boolean =>
  downsample !== null || rollup !== null || stats !== null

const draftOf = (entity: Entity, query: Query, options: PlanOptions, cursor: Cursor.Cursor): Answer<Draft> => {
  const offset = cursor._tag === "Offset" ? cursor.offset : 0
  if (entity.document !== null && query.downsample === null) {
    return Documents.plan(entity, query, entity.document, options)
  }
  if (query.downsample !== null) return Buckets.plan(entity, query, query.downsample, options, offset)
  if (query.rollup !== null && entity.rollups.size > 0) return Rollups.plan(entity, query, query.rollup, options)
  if (query.stats !== null) return Stats.plan(entity, query, query.stats, options, offset)
  return Rows.plan(entity, query, options, { cursor, withKeyset: options.withKeyset ?? false })
}

const ignored = (entity: Entity, query: Query): ReadonlyArray<string> => [
  ...query.overridden.map(({ at, key, value }) =>
    `${key}:${shown(value)} (at ${at.start + 1}) has no effect, as the last ${key}: holds${
      key === "in" ? "; several entities are one list, in:logs,traces" : ""
    }`
  ),
  ...(query.rollup !== null && entity.rollups.size === 0 ? [`${entity.name} has no rollup_stats`] : []),
  ...(query.having.length > 0 && query.stats === null ? ["having: needs stats:"] : [])
]

const shownMax = 60

const shown = (value: string): string => value.length > shownMax ? `${value.slice(0, shownMax)}…` : value

/** As it is to whoever asks. */
const entityOf = (name: string, { entityAt }: Query, catalog: Catalog, options: PlanOptions): Answer<Entity> => {
  const entity = catalog.entity(name)
  if (entity === undefined) {
    return refuse({
      at: entityAt,
      detail: `unsupported entity '${name}'`,
      found: name,
      expected: "an entity of the catalog",
      known: catalog.spellings
    })
  }
  if (entity.within !== null) return entity.within(options, entityAt, entity)
  return (options.actor?.["partitionId"] ?? null) === null ? Result.succeed(entity) : refuse({
    at: entityAt,
    detail: `${entity.name} cannot be asked for within a partition`,
    found: name,
    expected: "an entity whose rows say in which partition they are, or a question without X-Partition-Id"
  })
}

const entitiesOf = (
  query: Query,
  catalog: Catalog,
  options: PlanOptions
): Answer<readonly [Entity, ...ReadonlyArray<Entity>]> =>
  Result.gen(function*() {
    const [first, ...others] = query.entities
    const entities: [Entity, ...Array<Entity>] = [yield* entityOf(first, query, catalog, options)]
    for (const other of others) entities.push(yield* entityOf(other, query, catalog, options))
    return entities
  })

export const plan = (query: Query, catalog: Catalog, options: PlanOptions): Answer<Plan> =>
  Result.gen(function*() {
    const [entity, ...more] = yield* entitiesOf(query, catalog, options)
    if (options.since !== undefined && computes(query)) {
      return yield* refuse({
        at: query.stats?.at ?? query.rollup?.at ?? query.downsample?.at ?? query.entityAt,
        detail: "live queries answer rows",
        found: "stats, rollup_stats or bucket",
        expected: "filters only"
      })
    }
    const cursor = options.cursor ?? Cursor.start
    if (cursor._tag === "Keyset" && computes(query)) {
      return yield* refuse({
        at: { start: 0, end: 0 },
        detail: "invalid cursor payload",
        found: cursor.order,
        expected: "a cursor of an answer to this query"
      })
    }
    const draft = more.length > 0
      ? yield* Several.plan([entity, ...more], query, options, cursor)
      : yield* draftOf(entity, query, options, cursor)
    const { binds, text } = render(draft.statement)
    return {
      entity: query.entities.join(","),
      sql: text,
      binds,
      shape: draft.shape,
      isRanged: !entity.isInventory && (query.time !== null || options.since !== undefined),
      limit: limitOf(query, options),
      offset: cursor._tag === "Offset" ? cursor.offset : 0,
      order: draft.order ?? "",
      warnings: [...(draft.warnings ?? []), ...ignored(entity, query)]
    }
  })
