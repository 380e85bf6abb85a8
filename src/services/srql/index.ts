/**
 * `serviceradar-effect/srql`: the query language over a catalog of your own.
 *
 *   parse   text to a tree, or where and why it is refused        print   a tree to text that parses to the same tree
 *   plan    a tree to one SQL statement with binds                check   whether a text can be planned
 *   define  an entity                                            catalog what can be asked for
 *   complete  what may come next in a text that somebody types
 *   ofResource  an entity from a resource's declaration, whose policies say who sees what
 */
import { Result } from "effect"
import type { Catalog } from "../../domain/srql/catalog/Catalog.ts"
import { parse } from "../../domain/srql/language/Parser.ts"
import type { Answer } from "../../domain/srql/language/SrqlError.ts"
import type { Plan } from "../../domain/srql/plan/Plan.ts"
import { plan, type PlanOptions } from "../../domain/srql/plan/Planner.ts"

export { identifier, sql } from "../../domain/sql/Sql.ts"
export type { Bind, Sql } from "../../domain/sql/Sql.ts"
export { make as catalog } from "../../domain/srql/catalog/Catalog.ts"
export type { Catalog } from "../../domain/srql/catalog/Catalog.ts"
export { define } from "../../domain/srql/catalog/Entity.ts"
export type { Column, Definition, Entity, Field, FilterClass } from "../../domain/srql/catalog/Entity.ts"
export { ofResource } from "../../domain/srql/catalog/ResourceEntity.ts"
export type { ResourceEntityOptions } from "../../domain/srql/catalog/ResourceEntity.ts"
export { complete } from "../../domain/srql/language/Completion.ts"
export type { Completion } from "../../domain/srql/language/Completion.ts"
export * as Cursor from "../../domain/srql/language/Cursor.ts"
export { parse } from "../../domain/srql/language/Parser.ts"
export { print } from "../../domain/srql/language/Printer.ts"
export { toJson } from "../../domain/srql/language/Query.ts"
export type { Query } from "../../domain/srql/language/Query.ts"
export { SrqlError } from "../../domain/srql/language/SrqlError.ts"
export type { Answer } from "../../domain/srql/language/SrqlError.ts"
export type { Plan, Shape } from "../../domain/srql/plan/Plan.ts"
export { plan } from "../../domain/srql/plan/Planner.ts"
export type { PlanOptions } from "../../domain/srql/plan/Planner.ts"

/** A text's plan, or where and why there is none. */
export const check = (text: string, catalog: Catalog, options: PlanOptions): Answer<Plan> =>
  Result.flatMap(parse(text, catalog), (query) => plan(query, catalog, options))
