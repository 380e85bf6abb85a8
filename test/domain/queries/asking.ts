/** Plans of the catalog's queries. */
import { Result } from "effect"
import { queryCatalog } from "../../../src/domain/queries/QueryCatalog.ts"
import * as Parser from "../../../src/domain/srql/language/Parser.ts"
import * as Planner from "../../../src/domain/srql/plan/Planner.ts"

export const nowMillis = Date.parse("2026-03-05T12:30:00Z")

export const planOf = (text: string, options: Partial<Planner.PlanOptions> = {}) =>
  Result.flatMap(
    Parser.parse(text, queryCatalog),
    (query) => Planner.plan(query, queryCatalog, { tenant: null, nowMillis, ...options })
  )

export const planned = (text: string, options: Partial<Planner.PlanOptions> = {}) =>
  Result.getOrThrow(planOf(text, options))

/** Those that have rows, and not one document each. */
export const rowEntities = queryCatalog.entities.filter(({ document }) => document === null)
