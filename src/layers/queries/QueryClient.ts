/** Asks a running core in SRQL: `GET /api/query`. */
import { Effect, Option, Schema } from "effect"
import * as HttpClient from "effect/http/HttpClient"
import * as TenantHeader from "../../domain/records/TenantHeader.ts"
import * as ManagementAccess from "../http/ManagementAccess.ts"
import { bearer, ManagementError } from "../http/ManagementClient.ts"

/** The query is at fault, or what it asks for is not there; in core's words. */
export class QueryRefused extends Schema.TaggedError<QueryRefused>()("QueryRefused", { detail: Schema.String }) {
  override get message(): string {
    return this.detail
  }
}

export interface Asked {
  readonly query: string
  readonly limit: Option.Option<number>
  readonly cursor: Option.Option<string>
  /** Also what is estimated to cost more than core's limit. */
  readonly costly: boolean
  /** Whose rows, by the tenant's short name. */
  readonly tenant: Option.Option<string>
}

/** Longer than core lets a query take. */
const limit = "40 seconds"

const Refusal = Schema.fromJsonString(Schema.Struct({ error: Schema.String }))
const decodeRefusal = Schema.decodeUnknownOption(Refusal)

/** Core's answer as it came, a JSON document. */
export const ask = Effect.fn("QueryClient.ask")(function*(
  base: string,
  asked: Asked
): Effect.fn.Return<string, ManagementError | QueryRefused, HttpClient.HttpClient> {
  const query = new URLSearchParams({
    query: asked.query,
    ...Option.match(asked.limit, { onNone: () => ({}), onSome: (rows) => ({ limit: String(rows) }) }),
    ...Option.match(asked.cursor, { onNone: () => ({}), onSome: (cursor) => ({ cursor }) }),
    ...(asked.costly ? { costly: "true" } : {})
  })
  const url = `${base.replace(/\/+$/, "")}/api/query`
  const fail = (detail: string) => new ManagementError({ url, detail })
  const { body, status } = yield* HttpClient.get(`${url}?${query}`, {
    headers: {
      ...(yield* bearer),
      ...Option.match(asked.tenant, { onNone: () => ({}), onSome: (tenant) => ({ [TenantHeader.header]: tenant }) })
    }
  }).pipe(
    Effect.flatMap((response) => Effect.map(response.text, (body) => ({ body, status: response.status }))),
    Effect.mapError(() => fail("nobody answers; is core running?")),
    Effect.timeoutOrElse({ duration: limit, orElse: () => fail(`no answer within ${limit}`) })
  )
  if (status === 200) return body
  if (status === 401) {
    return yield* fail(`asks for a token: set ${ManagementAccess.tokenVariable} as the program has it`)
  }
  const refusal = decodeRefusal(body)
  if (Option.isNone(refusal) || status === 404) return yield* fail(`answered with status ${status}`)
  return yield* new QueryRefused({ detail: refusal.value.error })
})
