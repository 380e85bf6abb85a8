/**
 * `POST /translate` and `GET /healthz`, as the standalone SRQL service of the existing system has them: what a query asks of
 * the database when whoever asks asks it, without asking it: of a user the rows of the user's tenant, under the policies.
 *
 *   {"query", "limit"?, "cursor"?}   →   {"sql", "params"?: [{"t", "v"}], "pagination": {"next_cursor", "prev_cursor", "limit"}, "viz"}
 *
 * `next_cursor` is always there, as nobody knows how many rows there are. Of a count alone `alias` says what the query calls it: no text
 * of a query becomes a name in a statement.
 */
import { Clock, Effect, Option, Result, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Visualization from "../../domain/queries/Visualization.ts"
import type { Catalog } from "../../domain/srql/catalog/Catalog.ts"
import * as Cursor from "../../domain/srql/language/Cursor.ts"
import type { Plan } from "../../domain/srql/plan/Plan.ts"
import type { QueryAsker, QueryAskers } from "../../services/queries/QueryAskers.ts"
import * as Askers from "../../services/records/Askers.ts"
import { check } from "../../services/srql/index.ts"
import type { Route } from "../http/Management.ts"
import * as QueryAsking from "./QueryAsking.ts"
import * as QueryBody from "./QueryBody.ts"

const translated = ({ binds, limit, offset, sql, ...plan }: Plan, catalog: Catalog) => {
  const { next, previous } = Cursor.around({ offset, limit, rows: limit })
  return {
    sql,
    ...(binds.length === 0 ? {} : { params: binds }),
    pagination: { next_cursor: next, prev_cursor: previous, limit },
    viz: Visualization.of(plan, catalog),
    ...(plan.shape.kind === "count" ? { alias: plan.shape.alias } : {})
  }
}

const translate = (
  catalog: Catalog,
  { cursor, limit, text }: QueryBody.Asked,
  { actor, tenant }: Pick<QueryAsker, "actor" | "tenant">
) =>
  Effect.map(Clock.currentTimeMillis, (nowMillis) =>
    Result.match(
      Result.flatMap(
        cursor === undefined || cursor === "" ? Result.succeed(Cursor.start) : Cursor.decode(cursor),
        (cursor) =>
          check(text, catalog, {
            tenant,
            actor,
            nowMillis,
            cursor,
            ...(limit === undefined ? {} : { limit })
          })
      ),
      {
        onFailure: (error) => QueryBody.refused(error),
        onSuccess: (plan) => HttpServerResponse.jsonUnsafe(translated(plan, catalog))
      }
    ))

const Answered = Schema.Struct({
  sql: Schema.String,
  params: Schema.optionalKey(Schema.Array(Schema.Struct({ t: Schema.String, v: Schema.Unknown }))),
  pagination: QueryBody.Pagination,
  alias: Schema.optionalKey(Schema.String)
})

export const translateRoute = (catalog: Catalog): Route<QueryAskers> => ({
  path: "/translate",
  summary: "What a question in SRQL asks of the database",
  parameters: new Map([["query", "SRQL; with POST in the body, {\"query\", \"limit\", \"cursor\"}"]]),
  judges: Askers.isShown,
  isPersonal: true,
  answers: Answered,
  handle: (query) =>
    Option.match(QueryBody.ofAddress(query), {
      onNone: () => Effect.succeed(QueryBody.missing),
      onSome: (asked) => QueryAsking.answered((asker) => translate(catalog, asked, asker))
    }),
  post: (_, body) =>
    Option.match(QueryBody.ofText(body), {
      onNone: () => Effect.succeed(QueryBody.missing),
      onSome: (asked) => QueryAsking.answered((asker) => translate(catalog, asked, asker))
    })
})

export const healthzRoute: Route<never> = {
  path: "/healthz",
  summary: "Whether the program runs, as the SRQL service of the existing system says it",
  answers: Schema.Struct({ status: Schema.Literal("ok") }),
  handle: () => Effect.succeed(HttpServerResponse.jsonUnsafe({ status: "ok" }))
}
