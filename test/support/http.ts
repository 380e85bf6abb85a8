/**
 * Plain HTTP requests for tests of HTTP servers.
 */
import { Effect } from "effect"

/** The body is parsed when it is JSON, else text. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

export const send = (address: string, path: string, method: string): Effect.Effect<Answer> =>
  Effect.promise(async (signal) => {
    const response = await fetch(`http://${address}${path}`, { method, signal })
    const text = await response.text()
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true
    return { status: response.status, body: isJson ? JSON.parse(text) : text }
  })

export const get = (address: string, path: string): Effect.Effect<Answer> => send(address, path, "GET")
