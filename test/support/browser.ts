/** A browser as far as a server sees one: it keeps cookies, fills in forms, says where they come from, and follows redirects by hand. */
import { Effect } from "effect"
import * as https from "node:https"

export interface Seen {
  readonly status: number
  readonly text: string
  readonly headers: Headers
  /** Where it sends to, if anywhere. */
  readonly location: string | null
}

export interface Browser {
  readonly cookies: Map<string, string>
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Effect.Effect<Seen>
  /** With what the page's hidden fields hold. */
  readonly submit: (
    page: Seen,
    action: string,
    fields?: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>
  ) => Effect.Effect<Seen>
  readonly send: (path: string, init: RequestInit) => Effect.Effect<Seen>
}

/** Of the form with this action. */
const hiddenFields = (text: string, action: string): Readonly<Record<string, string>> => {
  const form = text.split("<form ").find((part) => part.includes(`action="${action}"`)) ?? ""
  return Object.fromEntries(
    [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)].map(([, name = "", value = ""]) => [
      name,
      value
    ])
  )
}

/** How a request is sent; over TLS that only a test trusts, otherwise than by `fetch`. */
export type Transport = (url: string, init: RequestInit) => Promise<Response>

/** Over TLS of this CA alone. */
export const trusting = (ca: string): Transport => (url, init) =>
  new Promise((resolve, reject) => {
    const headers = Object.fromEntries(new Headers(init.headers))
    const request = https.request(url, { ca, method: init.method ?? "GET", headers, agent: false }, (response) => {
      const parts: Array<Buffer> = []
      response.on("data", (part: Buffer) => parts.push(part))
      response.on("end", () => {
        const names = Object.entries(response.headersDistinct)
        const answered = new Headers(
          names.flatMap(([name, values = []]) => values.map((one): [string, string] => [name, one]))
        )
        resolve(
          new Response(parts.length === 0 ? null : Buffer.concat(parts), {
            status: response.statusCode ?? 500,
            headers: answered
          })
        )
      })
    })
    request.on("error", reject)
    request.end(typeof init.body === "string" ? init.body : undefined)
  })

export const open = (base: string, transport: Transport = fetch): Browser => {
  const cookies = new Map<string, string>()
  const send = (path: string, init: RequestInit): Effect.Effect<Seen> =>
    Effect.promise(async (signal) => {
      const headers = new Headers(init.headers)
      if (cookies.size > 0) headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "))
      const response = await transport(`${base}${path}`, { ...init, headers, redirect: "manual", signal })
      for (const line of response.headers.getSetCookie()) {
        const [pair = ""] = line.split(";")
        const [name = "", value = ""] = pair.split("=")
        if (/max-age=0/i.test(line)) cookies.delete(name)
        else cookies.set(name, value)
      }
      return {
        status: response.status,
        text: await response.text(),
        headers: response.headers,
        location: response.headers.get("location")
      }
    })
  return {
    cookies,
    send,
    get: (path, headers = {}) => send(path, { headers: { accept: "text/html", ...headers } }),
    submit: (page, action, fields = {}, headers = {}) =>
      send(action, {
        method: "POST",
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          origin: base,
          "sec-fetch-site": "same-origin",
          ...headers
        },
        body: new URLSearchParams({ ...hiddenFields(page.text, action), ...fields }).toString()
      })
  }
}

/** Through the pages of the provider, up to the address with which the browser comes back: `callback` is a part of it. */
export const cameBack = Effect.fnUntraced(function*(start: string, name: string, callback: string) {
  const house = open(new URL(start).origin)
  const pathOf = (address: string) => address.replace(new URL(start).origin, "")
  let at = start
  // Redirects of the provider, a page to sign in, and one to consent.
  for (let step = 0; step < 12 && !at.includes(callback); step++) {
    const seen = yield* house.get(pathOf(at))
    const [, action = ""] = /<form[^>]* action="([^"]+)"/.exec(seen.text) ?? []
    const next = seen.location ?? (yield* house.submit(seen, pathOf(action), {
      prompt: seen.text.includes("name=\"login\"") ? "login" : "consent",
      login: name,
      password: "any"
    })).location
    at = next ?? "/nowhere"
  }
  return at
})
