/**
 * Asks the HTTP side of a running program.
 *
 * One error for everything that can go wrong, because the operator's next step is the same: look at that address.
 */
import { Effect, Option, Redacted, Schema, Stream } from "effect"
import * as HttpClient from "effect/http/HttpClient"
import * as SecretText from "../../domain/config/SecretText.ts"
import * as ManagementAccess from "./ManagementAccess.ts"

export class ManagementError extends Schema.TaggedError<ManagementError>()("ManagementError", {
  url: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${SecretText.inAddress(this.url)}: ${this.detail}`
  }
}

const limit = "5 seconds"

/** With the token of the environment, if there is one. */
export const bearer = Effect.map(ManagementAccess.token, (found): Record<string, string> =>
  Option.match(found, {
    onNone: () => ({}),
    onSome: (token) => ({ authorization: `Bearer ${Redacted.value(token)}` })
  }))

/** Reads JSON documents, one per line, for as long as they come. */
export const lines = <S extends Schema.Decoder<unknown>>(
  base: string,
  path: string,
  schema: S
): Stream.Stream<S["Type"], ManagementError, HttpClient.HttpClient> => {
  const url = `${base.replace(/\/+$/, "")}${path}`
  const fail = (detail: string) => new ManagementError({ url, detail })
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(schema))
  return Stream.unwrap(
    Effect.flatMap(bearer, (headers) => HttpClient.get(url, { headers })).pipe(
      Effect.mapError(() => fail("nobody answers; is the program running?")),
      Effect.timeoutOrElse({ duration: limit, orElse: () => fail(`no answer within ${limit}`) }),
      Effect.flatMap((response) =>
        response.status === 200
          ? Effect.succeed(Stream.mapError(response.stream, () => fail("the program has ended")))
          : fail(response.status === 404 ? "there is no child at this path" : `answered with status ${response.status}`)
      )
    )
  ).pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.filter((line) => line !== ""),
    Stream.mapEffect((line) => Effect.mapError(decode(line), (error) => fail(`unexpected answer: ${error.message}`)))
  )
}

/** Reads one JSON document. */
export const get = Effect.fn("ManagementClient.get")(function*<S extends Schema.Decoder<unknown>>(
  base: string,
  path: string,
  schema: S
): Effect.fn.Return<S["Type"], ManagementError, HttpClient.HttpClient> {
  const url = `${base.replace(/\/+$/, "")}${path}`
  const fail = (detail: string) => new ManagementError({ url, detail })
  const answer = yield* HttpClient.get(url, { headers: yield* bearer }).pipe(
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
