/**
 * A query that is asked again later: its statement stays, and of its binds the ends of its time range alone are others. What else
 * depends on the time, as calculations of resources do, is planned anew.
 */
import { Result } from "effect"
import type { Bind } from "../../sql/Sql.ts"
import type { Query } from "../language/Query.ts"
import type { Answer } from "../language/SrqlError.ts"
import type { Plan } from "./Plan.ts"
import * as Scope from "./Scope.ts"

/** Whether a plan can be asked again. */
export const isPossible = ({ binds }: Plan): boolean =>
  binds.every((bind) => bind.t !== "timestamptz" || Scope.edgeOf(bind) !== undefined)

/** The values of the plan's binds at another time, or why the query is refused then. */
export const valuesAt = (query: Query, plan: Plan, context: Scope.PlanContext): Answer<ReadonlyArray<Bind["v"]>> =>
  Result.map(Scope.timeOf(query, context), (range) =>
    plan.binds.map((bind) => {
      const edge = range === null ? undefined : Scope.edgeOf(bind)
      return range === null || edge === undefined ? bind.v : range[edge]
    }))
