/** Requests to the API of JetStream, and what it answers when it does not do them. */
import { Effect, Result, Schema } from "effect"
import * as JsonText from "../../../domain/events/decode/JsonText.ts"
import type { NatsClient } from "../../nats/connection/NatsClient.ts"
import * as JetStreamFailure from "./JetStreamFailure.ts"

export class JetStreamRefusal extends Schema.TaggedError<JetStreamRefusal>()("JetStreamRefusal", {
  detail: Schema.String,
  /** Of the API; 0 for what the API did not say. */
  code: Schema.Int,
  /** Waiting does not help. */
  isLasting: Schema.Boolean
}) {
  override get message(): string {
    return this.detail
  }
}

const timeoutMillis = 5_000

/** By a call of the client; `what` begins the sentence about a failure. */
export const attempt = <A>(what: string, run: () => Promise<A>) =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      new JetStreamRefusal({
        detail: `${what}: ${JetStreamFailure.detail(cause)}`,
        code: JetStreamFailure.codeOf(cause),
        isLasting: JetStreamFailure.isLasting(cause)
      })
  })

const Failure = Schema.Struct({
  error: Schema.Struct({
    code: Schema.Int,
    err_code: Schema.optionalKey(Schema.Int),
    description: Schema.optionalKey(Schema.String)
  })
})

const isFailure = Schema.is(Failure)

/** No name, description or filter holds a NUL. */
const mark = "\0"
const marked = /"\\u0000(\d+)"/g

/** Whole numbers beyond 2^53 are given as bigint. */
const encode = (request: unknown): string =>
  JSON.stringify(request, (_, value: unknown) => typeof value === "bigint" ? `${mark}${value}` : value)
    .replaceAll(marked, "$1")

/** Whole numbers beyond 2^53 are left as text. */
const textOf = (data: Uint8Array): string => {
  const text = new TextDecoder().decode(data)
  return Result.getOrElse(JsonText.fit(text), () => text)
}

/** By a message to the API's subject; what the answer holds besides is not looked at. */
export const send = <A, I>(
  client: NatsClient,
  what: string,
  subject: string,
  request: unknown,
  answer: Schema.Codec<A, I>
) =>
  Effect.gen(function*() {
    const { data } = yield* attempt(what, () =>
      client.nc.request(`${client.apiPrefix}.${subject}`, encode(request), { timeout: timeoutMillis }))
    const decoded = yield* Schema.decodeEffect(Schema.fromJsonString(Schema.Union([Failure, answer])))(
      textOf(data)
    ).pipe(
      Effect.mapError(() =>
        new JetStreamRefusal({ detail: `${what}: the server's answer is not understood`, code: 0, isLasting: true })
      )
    )
    if (!isFailure(decoded)) {
      return decoded
    }
    const { error } = decoded
    const code = error.err_code ?? 0
    return yield* new JetStreamRefusal({
      detail: `${what}: ${error.description ?? "refused"} (JetStream ${code})`,
      code,
      isLasting: error.code < 500
    })
  })
