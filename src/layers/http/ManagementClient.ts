/**
 * Asks the HTTP side of a running program.
 *
 * One error for everything that can go wrong, because the operator's next step is the same: look at that address.
 */
import { Effect, Option, Redacted, Schema } from "effect"
import * as HttpClient from "effect/http/HttpClient"
import * as ManagementAccess from "./ManagementAccess.ts"

export class ManagementError extends Schema.TaggedError<ManagementError>()("ManagementError", {
  url: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.url}: ${this.detail}`
  }
}

const limit = "5 seconds"

/** Reads one JSON document. */
export const get = Effect.fn("ManagementClient.get")(function*<S extends Schema.Decoder<unknown>>(
  base: string,
  path: string,
  schema: S
): Effect.fn.Return<S["Type"], ManagementError, HttpClient.HttpClient> {
  const url = `${base.replace(/\/+$/, "")}${path}`
  const fail = (detail: string) => new ManagementError({ url, detail })
  const headers = Option.match(yield* ManagementAccess.token, {
    onNone: () => ({}),
    onSome: (token) => ({ authorization: `Bearer ${Redacted.value(token)}` })
  })
  const answer = yield* HttpClient.get(url, { headers }).pipe(
    Effect.flatMap((response) => Effect.map(response.json, (body) => ({ status: response.status, body }))),
    Effect.catchTag("HttpClientError", (error) =>
      fail(
        error.reason._tag === "TransportError"
          ? "nobody answers; is the program running?"
          : error.reason._tag === "InvalidUrlError"
          ? "this is no URL"
          : "the answer is not JSON"
      )),
    Effect.timeoutOrElse({ duration: limit, orElse: () => fail(`no answer within ${limit}`) })
  )
  if (answer.status === 401) {
    return yield* fail(`asks for a token: set ${ManagementAccess.tokenVariable} as the program has it`)
  }
  if (answer.status !== 200) return yield* fail(`answered with status ${answer.status}`)
  return yield* Schema.decodeUnknownEffect(schema)(answer.body).pipe(
    Effect.mapError((error) => fail(`unexpected answer: ${error.message}`))
  )
})
