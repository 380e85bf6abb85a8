/** A request for one of the pages of the sign-in: who sends it, and what its form holds. */
import { Effect, Option, Schema } from "effect"
import * as ByteSize from "effect/ByteSize"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { Origin } from "../../services/identity/SignIns.ts"
import * as RequestId from "../http/RequestId.ts"
import * as Cookies from "./Cookies.ts"
import * as Secrets from "./Secrets.ts"

export interface Visit {
  readonly request: HttpServerRequest.HttpServerRequest
  readonly url: URL
  readonly origin: Origin
  readonly cookies: Cookies.CookieOptions
  /** Of this browser, for its forms. */
  readonly formCookie: string
  readonly hasFormCookie: boolean
}

/** It is none of ours, or too old: the browser has forgotten its cookie. */
export class NotOurForm extends Schema.TaggedError<NotOurForm>()("NotOurForm", {}) {
  override get message(): string {
    return "the form was open for too long, or your browser takes no cookies: try again"
  }
}

const formMax = ByteSize.kibibytes(16)

export const of = (request: HttpServerRequest.HttpServerRequest, cookies: Cookies.CookieOptions): Visit => {
  const known = Cookies.read(request.headers, "form", cookies)
  return {
    request,
    url: URL.parse(request.url, "http://localhost") ?? new URL("http://localhost"),
    origin: {
      address: Option.getOrElse(request.remoteAddress, () => ""),
      requestId: RequestId.of(request.headers)
    },
    cookies,
    formCookie: known ?? Secrets.random(),
    hasFormCookie: known !== undefined
  }
}

/** On this host, whatever somebody has written into the address; the account where it is nothing. */
export const destination = (to: string | null): string => {
  const home = "http://localhost"
  if (to === null || !/^\/[^/\\]/.test(to)) return "/auth/account"
  const url = URL.parse(to, home)
  return url === null || url.origin !== home ? "/auth/account" : `${url.pathname}${url.search}`
}

/** What was sent, by a form that this browser was given. */
export const form = ({ formCookie, hasFormCookie, request }: Visit): Effect.Effect<URLSearchParams, NotOurForm> =>
  request.text.pipe(
    Effect.provideService(HttpServerRequest.MaxBodySize, formMax),
    Effect.mapError(() => new NotOurForm()),
    Effect.map((text) => new URLSearchParams(text)),
    Effect.filterOrFail(
      (fields) =>
        hasFormCookie && request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true &&
        Cookies.isFromOurPage(request.headers) && fields.get("form") === Cookies.formToken(formCookie),
      () => new NotOurForm()
    )
  )
