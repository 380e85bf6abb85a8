/** Pages as answers: kept by nobody, shown in nobody's frame, and with no script at all. */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as crypto from "node:crypto"
import * as Page from "../../domain/identity/pages/Page.ts"
import type { CookieOptions } from "./Cookies.ts"

const styleHash = crypto.createHash("sha256").update(Page.style).digest("base64")

const headers = {
  "cache-control": "no-store",
  "content-security-policy":
    `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  // With no referrer at all a browser would not say either that a form comes from here.
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY"
}

/** Two years, as browsers ask for it that know a host beforehand. */
const strictTransport = { "strict-transport-security": "max-age=63072000" }

const of = ({ isSecure }: CookieOptions) => ({ ...headers, ...(isSecure ? strictTransport : {}) })

export const page = (shown: Page.Page, status: number, options: CookieOptions) =>
  HttpServerResponse.text(Page.document(shown), {
    status,
    contentType: "text/html; charset=utf-8",
    headers: of(options)
  })

/** To be asked for with GET. */
export const elsewhere = (to: string, options: CookieOptions) =>
  HttpServerResponse.empty({ status: 303, headers: { ...of(options), location: to } })

export const json = (body: unknown, status: number, options: CookieOptions) =>
  HttpServerResponse.setHeaders(HttpServerResponse.jsonUnsafe(body, { status }), of(options))

/** As the existing core says what is wrong here. */
export const text = (words: string, status: number, options: CookieOptions) =>
  HttpServerResponse.text(`${words}\n`, { status, contentType: "text/plain; charset=utf-8", headers: of(options) })
