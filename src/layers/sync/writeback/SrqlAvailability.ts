/**
 * Which devices of a source can be reached, as core has it: the SRQL service's `POST /api/query`, page by page.
 *
 * Asked for are devices that both the source and a sweep have seen; others were never tried.
 */
import { Effect, Option, Redacted, Result, Schema, Stream } from "effect"
import type { SourceConfig } from "../../../domain/sync/SyncConfig.ts"
import * as SourceErrors from "../../../services/sync/SourceError.ts"
import type { DeviceState, StatePage } from "../../../services/sync/writeback/WriteBack.ts"
import type { Refused } from "../sources/SourceAnswer.ts"
import * as SourceHttp from "../sources/SourceHttp.ts"

const rowsPerPage = 1_000
const pagesMax = 20_000

/** Ordered by what does not change while pages are asked for. */
const queryOf = (source: string): string => `in:devices discovery_sources:(${source},sweep) sort:uid:asc`

const Metadata = Schema.Record(Schema.String, Schema.Unknown)

/** As the SRQL service gives it; older ones give metadata as text. */
const Row = Schema.Struct({
  is_available: Schema.Boolean,
  metadata: Schema.Union([Metadata, Schema.fromJsonString(Metadata)])
})
const decodeRow = Schema.decodeUnknownResult(Row)

const Answer = Schema.Struct({
  error: Schema.optionalKey(Schema.NullOr(Schema.String)),
  pagination: Schema.optionalKey(Schema.NullOr(Schema.Struct({
    next_cursor: Schema.optionalKey(Schema.NullOr(Schema.String))
  })))
})
const decodeAnswer = Schema.decodeUnknownResult(Answer)

/** The cursor of the next page, empty at the end. */
const cursorOf = (answer: unknown): Result.Result<string, Refused> => {
  const decoded = decodeAnswer(answer)
  if (Result.isFailure(decoded)) return Result.fail({ reason: "undecodable", detail: "the answer is no result" })
  const { error, pagination } = decoded.success
  if (error !== undefined && error !== null && error !== "") {
    return Result.fail({ reason: "http_status", detail: error })
  }
  return Result.succeed(pagination?.next_cursor ?? "")
}

const stateOf = (row: unknown, idKey: string): ReadonlyArray<DeviceState> => {
  const decoded = decodeRow(row)
  if (Result.isFailure(decoded)) return []
  const id = decoded.success.metadata[idKey]
  return typeof id === "string" && /^\d{1,15}$/.test(id) ? [{ id, isAvailable: decoded.success.is_available }] : []
}

interface Place {
  readonly cursor: string
  readonly index: number
}

/** Ids are decimal, in metadata under `idKey`. */
export const make = Effect.fnUntraced(function*(config: SourceConfig, source: string, idKey: string) {
  const { api, name } = config.writeBack
  // Its troubles are not those of the source itself.
  const http = yield* SourceHttp.make({ ...config, endpoint: api, name, skipVerify: false, requestsPerSecond: 0 })
  const apiKey = Redacted.value(config.credential("api_key"))

  const page = Effect.fnUntraced(function*({ cursor, index }: Place) {
    let states: Array<DeviceState> = []
    let rejected = 0
    const next = yield* http.request({
      method: "POST",
      url: `${api}/api/query`,
      headers: {
        accept: "application/json",
        "content-type": "application/json",
        ...(apiKey === "" ? {} : { "x-api-key": apiKey })
      },
      body: Redacted.make(JSON.stringify({
        query: queryOf(source),
        limit: rowsPerPage,
        ...(cursor === "" ? {} : { cursor })
      })),
      elements: {
        path: ["results"],
        take: (row) => {
          const found = stateOf(row, idKey)
          states.push(...found)
          if (found.length === 0) rejected += 1
        },
        skip: () => {
          rejected += 1
        },
        reset: () => {
          states = []
          rejected = 0
        }
      }
    }, cursorOf)
    if (next !== "" && (next === cursor || index + 1 >= pagesMax)) {
      const reason = next === cursor ? "next_not_growing" : "page_cap"
      return yield* SourceErrors.make(name, reason, `page ${index} of ${api}/api/query`)
    }
    const result: StatePage = { states, rejected }
    return [[result], next === "" ? Option.none() : Option.some({ cursor: next, index: index + 1 })] as const
  })

  return Stream.paginate<Place, StatePage, SourceErrors.SourceError, never>({ cursor: "", index: 0 }, page)
})
