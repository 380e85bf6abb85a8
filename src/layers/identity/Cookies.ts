/**
 * The cookies of a browser that signs in: its session, and before that something by which a form knows that it is the form that
 * core gave to this browser. Scripts see neither. Beyond the loopback they travel by HTTPS alone.
 */
import { Duration } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Secrets from "./Secrets.ts"

export interface CookieOptions {
  readonly isSecure: boolean
}

type Name = "session" | "form"

/** A name that starts so is taken from this very host and by HTTPS alone. */
const nameOf = (name: Name, { isSecure }: CookieOptions): string => `${isSecure ? "__Host-" : ""}serviceradar_${name}`

/** What a request shows. */
export const read = (
  headers: Readonly<Record<string, string | undefined>>,
  name: Name,
  options: CookieOptions
): string | undefined => {
  const wanted = nameOf(name, options)
  for (const part of (headers["cookie"] ?? "").split(";")) {
    const [key, ...value] = part.split("=")
    if (key?.trim() === wanted) {
      const text = value.join("=").trim()
      return Secrets.form.test(text) ? text : undefined
    }
  }
  return undefined
}

/** For the life of the browser without `maxAgeSeconds`. */
export const set = (
  response: HttpServerResponse.HttpServerResponse,
  name: Name,
  value: string,
  options: CookieOptions & { readonly maxAgeSeconds?: number }
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.setCookieUnsafe(response, nameOf(name, options), value, {
    path: "/",
    httpOnly: true,
    sameSite: "lax",
    secure: options.isSecure,
    ...(options.maxAgeSeconds === undefined ? {} : { maxAge: Duration.seconds(options.maxAgeSeconds) })
  })

export const forget = (
  response: HttpServerResponse.HttpServerResponse,
  name: Name,
  options: CookieOptions
): HttpServerResponse.HttpServerResponse => set(response, name, "", { ...options, maxAgeSeconds: 0 })

/** What a form of this browser holds. */
export const formToken = (cookie: string): string => Secrets.hashOf(`form ${cookie}`)

/**
 * Whether a browser says that a page of ours asks. Those that say nothing at all are older than 2020, or no browser: they are
 * held to what the form or the header holds.
 */
export const isFromOurPage = (headers: Readonly<Record<string, string | undefined>>): boolean => {
  const { host, origin } = headers
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site === "same-origin" || site === "none"
  return origin === undefined || URL.parse(origin)?.host === host
}
