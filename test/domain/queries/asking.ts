/** Plans of queries of what is reported, whoever asks. */
import { Result } from "effect"
import { entities, missing } from "../../../src/domain/queries/QueryEntities.ts"
import * as Catalog from "../../../src/domain/srql/catalog/Catalog.ts"
import * as Parser from "../../../src/domain/srql/language/Parser.ts"
import * as Planner from "../../../src/domain/srql/plan/Planner.ts"

const catalog = Catalog.make(entities, missing)

export const nowMillis = Date.parse("2026-03-05T12:30:00Z")

export const planOf = (text: string, options: Partial<Planner.PlanOptions> = {}) =>
  Result.flatMap(
    Parser.parse(text, catalog),
    (query) => Planner.plan(query, catalog, { tenant: null, nowMillis, ...options })
  )

export const planned = (text: string, options: Partial<Planner.PlanOptions> = {}) =>
  Result.getOrThrow(planOf(text, options))

/** Those that have rows, and not one document each. */
export const rowEntities = entities.filter(({ document }) => document === null)
