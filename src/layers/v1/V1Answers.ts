/**
 * Answers of the v1 API: JSON, and refusals in the two styles of the existing core. Each names what comes after it (RFC 9745 and RFC 8594).
 */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ExactJson from "../../domain/monitoring/ExactJson.ts"
import type { Failure, Style } from "./Route.ts"

/** 2026-12-01, when `/api/v2` had all of it. */
const deprecation = "@1796083200"
const sunset = "Fri, 31 Dec 2027 23:59:59 GMT"

/** Nobody keeps what only one may see. */
const headers = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  deprecation,
  sunset,
  link: "</api/v2/open_api>; rel=\"successor-version\""
}

export const json = (body: unknown, status = 200, more: Readonly<Record<string, string>> = {}) =>
  HttpServerResponse.text(ExactJson.stringify(body), {
    status,
    contentType: "application/json",
    headers: { ...headers, ...more }
  })

export const text = (words: string, status: number) =>
  HttpServerResponse.text(`${words}\n`, { status, contentType: "text/plain; charset=utf-8", headers })

export const archive = (bytes: Uint8Array, name: string) =>
  HttpServerResponse.uint8Array(bytes, {
    contentType: "application/gzip",
    headers: { ...headers, "content-disposition": `attachment; filename="${name}"` }
  })

export const nothing = HttpServerResponse.empty({ status: 204, headers })

export const refusal = (style: Style, words: string, status: number) =>
  style === "text" ? text(words, status) : json({ message: words, status }, status)

export const forbidden = text("insufficient permissions", 403)

const later = (style: Style, words: string) =>
  HttpServerResponse.setHeader(refusal(style, words, 503), "retry-after", "5")

const internal = "Internal server error"

/** Nothing of the database's words: the log has them. */
export const ofFailure = (style: Style, error: Failure) => {
  switch (error._tag) {
    case "Refused": {
      const answer = refusal(style, error.words, error.status)
      return error.retryAfterSeconds === undefined
        ? answer
        : HttpServerResponse.setHeader(answer, "retry-after", `${error.retryAfterSeconds}`)
    }
    case "NotSignedIn":
      return refusal("json", "Authentication required", 401)
    case "OtherTenant":
      return refusal(style, error.message, 400)
    case "Forbidden":
      return forbidden
    case "NotFound":
      return refusal(style, "Not found", 404)
    case "Invalid":
      return refusal(style, error.message, 400)
    case "Conflict":
    case "Referenced":
    case "InvalidTransition":
    case "Changed":
      return refusal(style, error.message, 409)
    case "SrqlError":
      return refusal(style, error.peerText, 400)
    case "RecordsUnavailable":
      return later(style, "Database unavailable")
    case "RecordsRefused":
      return refusal(style, internal, 500)
    case "StatusStoreError":
      return error.reason._tag === "StoreUnavailable"
        ? later(style, "Database unavailable")
        : refusal(style, internal, 500)
    case "QueryError":
      switch (error.reason._tag) {
        case "DatabaseAway":
        case "TooManyQuestions":
          return later(style, error.message)
        case "TookTooLong":
          return refusal(style, error.message, 504)
        default:
          return refusal(style, error.message, 400)
      }
  }
}
