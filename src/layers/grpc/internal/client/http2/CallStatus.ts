/**
 * What the end of an HTTP/2 stream means as a status of gRPC: the trailers say it, or else the HTTP status or the code of
 * RST_STREAM does (gRPC's `PROTOCOL-HTTP2` and `http-grpc-status-mapping`). The words are those of grpc-js, by which
 * people search.
 */
import { status } from "@grpc/grpc-js"
import { constants } from "node:http2"

export interface CallStatus {
  readonly code: number
  readonly detail: string
}

export const ok: CallStatus = { code: status.OK, detail: "" }

const ofHttpStatus = new Map<number, number>([
  [400, status.INTERNAL],
  [401, status.UNAUTHENTICATED],
  [403, status.PERMISSION_DENIED],
  [404, status.UNIMPLEMENTED],
  [429, status.UNAVAILABLE],
  [502, status.UNAVAILABLE],
  [503, status.UNAVAILABLE],
  [504, status.UNAVAILABLE]
])

export const fromHttpStatus = (httpStatus: number): CallStatus => ({
  code: ofHttpStatus.get(httpStatus) ?? status.UNKNOWN,
  detail: `Received HTTP status code ${httpStatus}`
})

/** A text that is not well encoded is given as it came. */
const decoded = (text: string): string => {
  if (!text.includes("%")) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Of names and values in turn. */
export const headerOf = (raw: ReadonlyArray<string>, name: string): string | undefined => {
  for (let at = 0; at < raw.length; at += 2) if (raw[at] === name) return raw[at + 1]
  return undefined
}

/** Of the last headers of an answer; `httpStatus` counts where they do not hold one of gRPC. */
export const fromTrailers = (raw: ReadonlyArray<string>, httpStatus: number): CallStatus => {
  const given = headerOf(raw, "grpc-status")
  if (given === "0") return ok
  if (given === undefined) return fromHttpStatus(httpStatus)
  return {
    code: /^\d{1,9}$/.test(given) ? Number(given) : status.UNKNOWN,
    detail: decoded(headerOf(raw, "grpc-message") ?? "")
  }
}

export const dropped: CallStatus = { code: status.UNAVAILABLE, detail: "Connection dropped" }

export const isRefused = (rstCode: number): boolean => rstCode === constants.NGHTTP2_REFUSED_STREAM

/** Of a stream that ended before there were trailers. */
export const fromReset = (rstCode: number, httpStatus: number | undefined): CallStatus => {
  const received = `Received RST_STREAM with code ${rstCode}`
  switch (rstCode) {
    case constants.NGHTTP2_NO_ERROR:
      return httpStatus === undefined || httpStatus === 200
        ? { code: status.INTERNAL, detail: `${received} (Call ended without gRPC status)` }
        : fromHttpStatus(httpStatus)
    case constants.NGHTTP2_REFUSED_STREAM:
      return { code: status.UNAVAILABLE, detail: "Stream refused by server" }
    case constants.NGHTTP2_CANCEL:
      return { code: status.CANCELLED, detail: "Call cancelled" }
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return { code: status.RESOURCE_EXHAUSTED, detail: "Bandwidth exhausted or memory limit exceeded" }
    case constants.NGHTTP2_INADEQUATE_SECURITY:
      return { code: status.PERMISSION_DENIED, detail: "Protocol not secure enough" }
    case constants.NGHTTP2_INTERNAL_ERROR:
      return { code: status.INTERNAL, detail: `${received} (Internal server error)` }
    default:
      return { code: status.INTERNAL, detail: received }
  }
}
