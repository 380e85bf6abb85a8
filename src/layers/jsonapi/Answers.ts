/** Answers of the API: documents with their media type, and refusals as error objects. */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Bodies from "../../domain/jsonapi/Bodies.ts"
import * as Problem from "../../domain/jsonapi/Problem.ts"
import { mediaType } from "../../domain/jsonapi/Wire.ts"
import type { NotSignedIn, OtherTenant } from "../../services/records/Askers.ts"
import type { ReadError, WriteError } from "../../services/records/Records.ts"

/** Nobody keeps what only one may see. */
const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff", vary: "accept, authorization" }

interface Answered {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

const ofText = (text: string, { status = 200, ...more }: Answered = {}) =>
  HttpServerResponse.text(text, { status, contentType: mediaType, headers: { ...headers, ...more.headers } })

/** Of records that are texts of JSON already: one, or a list. */
export const records = (
  { data, included }: { readonly data: string; readonly included: ReadonlyArray<string> | undefined },
  rest: { readonly links: object; readonly meta?: object },
  answered?: Answered
) => {
  const others = included === undefined ? "" : `,"included":[${included.join(",")}]`
  const more = JSON.stringify({ ...rest, jsonapi: { version: "1.1" } }).slice(1)
  return ofText(`{"data":${data}${others},${more}`, answered)
}

/** Beside JSON:API: no records, but what can be done with them. */
export const forms = (body: object) => HttpServerResponse.jsonUnsafe(body, { headers })

export const nothing = HttpServerResponse.empty({ status: 204, headers })

export const refusal = (
  problems: readonly [Problem.Problem, ...ReadonlyArray<Problem.Problem>],
  more: Readonly<Record<string, string>> = {}
) =>
  ofText(
    JSON.stringify({ ...Problem.document(problems), jsonapi: { version: "1.1" } }),
    { status: problems[0].status, headers: more }
  )

/** As error objects, with `pointers` to what was sent as no attribute; nothing of the database's words. */
export const ofError = (
  error: ReadError | WriteError | NotSignedIn | OtherTenant,
  pointers: ReadonlyMap<string, string> = new Map()
) => {
  const pointer = (field: string) => field === "" ? "/data" : pointers.get(field) ?? Bodies.attributePointer(field)
  switch (error._tag) {
    case "NotSignedIn":
      return refusal([Problem.plain(401, "unauthorized", "Unauthorized", error.message)], {
        "www-authenticate": "Bearer"
      })
    case "OtherTenant":
      return refusal([Problem.ofHeader(400, "X-Tenant-Id", "Invalid Tenant", error.message)])
    case "Forbidden":
      return refusal([Problem.plain(403, "forbidden", "Forbidden", error.message)])
    case "NotFound":
      return refusal([Problem.plain(404, "not_found", "Not Found", error.message)])
    case "Conflict": {
      const [field = ""] = error.fields
      return refusal([{
        ...Problem.plain(409, "conflict", "Conflict", error.message),
        source: { pointer: pointer(field) }
      }])
    }
    case "Referenced":
      return refusal([Problem.plain(409, "conflict", "Conflict", error.message)])
    case "InvalidTransition":
      return refusal([Problem.plain(409, "invalid_transition", "Invalid Transition", error.message)])
    case "Changed":
      return refusal([Problem.plain(412, "precondition_failed", "Precondition Failed", error.message)], {
        etag: `"${error.version}"`
      })
    case "RecordsUnavailable":
      return refusal([Problem.plain(503, "unavailable", "Unavailable", error.message)], { "retry-after": "2" })
    case "RecordsRefused":
      return refusal([Problem.plain(500, "internal_server_error", "Internal Server Error", "see the log of core")])
    case "Invalid": {
      const [first, ...others] = error.problems.map(({ code, detail, field }) => ({
        status: 422,
        code: code === "required" ? "required" : "invalid_attribute",
        title: code === "required" ? "Required Attribute" : "Invalid Attribute",
        detail,
        source: { pointer: pointer(field) }
      }))
      return first === undefined
        ? refusal([Problem.plain(422, "validation_error", "Invalid", error.message)])
        : refusal([first, ...others])
    }
  }
}
