/** Of an entity that is one document about one thing: that document, and switches for its parts. */
import { Result } from "effect"
import { type Sql, sql } from "../../sql/Sql.ts"
import { byEveryName, type DocumentOf, type Entity } from "../catalog/Entity.ts"
import type { Filter, Query } from "../language/Query.ts"
import { type Answer, refuse } from "../language/SrqlError.ts"
import type { Draft } from "./Plan.ts"
import * as Predicates from "./Predicates.ts"
import * as Scope from "./Scope.ts"

/** Nothing said is what holds without the filter. */
const switched = (filter: Filter, otherwise: boolean): Answer<boolean> => {
  const value = typeof filter.value === "string" && filter.op === "eq" ? filter.value.toLowerCase() : undefined
  if (value === "") return Result.succeed(otherwise)
  return value === "true" || value === "false" ? Result.succeed(value === "true") : refuse({
    at: filter.at,
    detail: `invalid boolean value '${[filter.value].flat().join(",")}'`,
    found: [filter.value].flat().join(","),
    expected: "true or false"
  })
}

export const plan = (
  entity: Entity,
  query: Query,
  { missing, of, switches, written }: DocumentOf,
  context: Scope.PlanContext
): Answer<Draft> =>
  Result.gen(function*() {
    const on = new Map([...switches].map(([name, { isOn }]) => [name, isOn]))
    const switchNames = byEveryName([...switches].map(([name, { aliases }]) => [[name, ...aliases], name] as const))
    const predicates: Array<Sql> = []
    for (const filter of query.filters) {
      const switchName = switchNames.get(filter.field)
      const field = entity.fields.get(filter.field)
      if (switchName !== undefined) {
        on.set(switchName, yield* switched(filter, switches.get(switchName)?.isOn === true))
      } else if (field?.name === of) {
        if (filter.op !== "eq") {
          return yield* refuse({
            at: filter.at,
            detail: `${of} filter only supports equality`,
            found: filter.op,
            expected: `${of}:<id>`
          })
        }
        if (filter.value !== "") predicates.push(yield* Predicates.of({ field, filter, keepsNulls: false }))
      } else {
        return yield* refuse({
          at: filter.key,
          detail: `unsupported filter field '${filter.field}' for ${entity.name}`,
          found: filter.field,
          expected: `a field of ${entity.name}`,
          known: [...entity.fields.keys(), ...switchNames.keys()]
        })
      }
    }
    if (predicates.length === 0) {
      return yield* refuse({
        at: query.entityAt,
        detail: `${entity.name} queries require ${of}`,
        found: entity.name,
        expected: `${of}:<id>`
      })
    }
    // Limits and times mean nothing to it, but a live question is refused as it is everywhere.
    const scope = yield* Scope.scope(entity, { ...query, filters: [], time: null }, context, { also: predicates })
    return {
      statement: sql`SELECT ${written((name) => on.get(name) === true)} AS result${scope}`,
      shape: { kind: "payload" },
      warnings: [missing]
    }
  })
