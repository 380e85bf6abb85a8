/** `rollup_stats:`: one object from what was counted in buckets of five minutes beforehand. */
import { Result } from "effect"
import { bind, list, type Sql, sql } from "../../sql/Sql.ts"
import type { Entity } from "../catalog/Entity.ts"
import type { Query } from "../language/Query.ts"
import { type Answer, refuse } from "../language/SrqlError.ts"
import type { Draft } from "./Plan.ts"
import * as Predicates from "./Predicates.ts"
import * as Scope from "./Scope.ts"

export const plan = (
  entity: Entity,
  query: Query,
  asked: NonNullable<Query["rollup"]>,
  context: Scope.PlanContext
): Answer<Draft> =>
  Result.gen(function*() {
    const rollup = entity.rollups.get(asked.type)
    if (rollup === undefined) {
      const supported = [...entity.rollups.keys()]
      return yield* refuse({
        at: asked.at,
        detail: `unsupported rollup_stats type for ${entity.name}: '${asked.type}' (supported: ${
          supported.join(", ")
        })`,
        found: asked.type,
        expected: supported.join(", "),
        known: supported
      })
    }
    const range = yield* Scope.timeOf(query, context)
    const predicates: Array<Sql> = entity.tenant === null || context.tenant === null
      ? []
      : [sql`tenant_id = ${bind("text", context.tenant)}`]
    if (range !== null) predicates.push(Scope.within(sql`bucket`, range, rollup.isClosed))
    for (const filter of query.filters) {
      const field = rollup.fields.get(filter.field)
      if (field === undefined) return yield* Scope.unknownField(entity, filter, rollup.fields, `${entity.name} rollup`)
      predicates.push(yield* Predicates.of({ field, filter, keepsNulls: false }))
    }
    const entries = list(rollup.payload.map(([key, value]) => sql`${bind("text", key)}::text, ${value}`))
    return {
      statement: sql`SELECT jsonb_build_object(${entries}) AS payload FROM ${rollup.relation}${
        Scope.where(predicates)
      }`,
      shape: { kind: "payload" }
    }
  })
