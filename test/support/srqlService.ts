/**
 * The SRQL service of an installation: `POST /api/query` over a real database with core's table of devices, planned by
 * this project's own SRQL. It takes the key that it was given, and can be told to fail.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Result, Schema } from "effect"
import * as http from "node:http"
import { coreCatalog } from "../../src/domain/core/CoreCatalog.ts"
import { check, Cursor } from "../../src/services/srql/index.ts"

const Request = Schema.fromJsonString(Schema.Struct({
  query: Schema.String,
  limit: Schema.Int,
  cursor: Schema.optionalKey(Schema.String)
}))
const decodeRequest = Schema.decodeUnknownSync(Request)

export interface SrqlService {
  readonly url: string
  /** Bodies of requests that were let in. */
  readonly asked: ReadonlyArray<typeof Request.Type>
  /** Answers of this status come before any other, as often as there are. */
  readonly failures: Array<number>
}

const textOf = async (request: http.IncomingMessage): Promise<string> => {
  let text = ""
  for await (const part of request) text += String(part)
  return text
}

/** Columns that the plan of devices names, of which these tests need few. */
const devicesTable = () => {
  const columns = coreCatalog.entity("devices")?.columns.map(({ name, type }) =>
    `${name} ${type === "text_array" ? "text[]" : type}`
  )
  return `create table ocsf_devices (${columns?.join(", ") ?? ""}, tags jsonb)`
}

export const make = Effect.fnUntraced(function*(apiKey: string) {
  const sql = yield* PgClient.PgClient
  yield* sql.unsafe(devicesTable())
  const run = Effect.runPromiseWith(yield* Effect.context<never>())
  const asked: Array<typeof Request.Type> = []
  const failures: Array<number> = []

  const answer = async (body: typeof Request.Type): Promise<unknown> => {
    const cursor = body.cursor === undefined ? Cursor.start : Result.getOrThrow(Cursor.decode(body.cursor))
    const query = `${body.query} limit:${body.limit}`
    const plan = Result.getOrThrow(check(query, coreCatalog, { tenant: null, nowMillis: Date.now(), cursor }))
    const rows = await run(sql.unsafe(plan.sql, plan.binds.map(({ v }) => v)))
    const next = Cursor.encode({ _tag: "Offset", offset: plan.offset + rows.length })
    return { results: rows, pagination: { next_cursor: rows.length < plan.limit ? null : next, limit: plan.limit } }
  }

  const handle = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const reply = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" })
      response.end(JSON.stringify(body))
    }
    if (request.method !== "POST" || request.url !== "/api/query") return reply(404, { error: "not found" })
    if (request.headers["x-api-key"] !== apiKey) return reply(401, { error: "authentication failed" })
    const body = decodeRequest(await textOf(request))
    asked.push(body)
    const failure = failures.shift()
    if (failure !== undefined) return reply(failure, { error: "internal error" })
    reply(200, await answer(body))
  }

  const server = yield* Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<http.Server>((resolve) => {
        const one = http.createServer((request, response) => {
          handle(request, response).catch((error: unknown) => {
            response.writeHead(500)
            response.end(JSON.stringify({ error: String(error) }))
          })
        })
        one.listen(0, "127.0.0.1", () => resolve(one))
      })
    ),
    (one) =>
      Effect.promise(() =>
        new Promise<void>((resolve) => {
          one.close(() => resolve())
          one.closeAllConnections()
        })
      )
  )
  const bound = server.address()
  const port = typeof bound === "object" && bound !== null ? bound.port : 0
  const service: SrqlService = { url: `http://127.0.0.1:${port}`, asked, failures }
  return service
})
