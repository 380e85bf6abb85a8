/**
 * The JetStream stream of the dead letters: made when it is missing, and full rather than forgetful.
 */
import { DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream"
import { headers as makeHeaders, type NatsConnection } from "@nats-io/transport-node"
import { Effect, Option, Schema } from "effect"
import type { NatsClient } from "../../nats/connection/NatsClient.ts"
import * as JetStreamFailure from "../jetstream/JetStreamFailure.ts"
import * as JetStreamRequest from "../jetstream/JetStreamRequest.ts"
import * as JetStreamShares from "../jetstream/JetStreamShares.ts"
import type { LetterPart } from "./DeadLetterMessage.ts"
import * as DeadLetterMessage from "./DeadLetterMessage.ts"

export interface DeadLetterStreamOptions {
  /** Default `DLQ`. */
  readonly stream?: string | undefined
  /** What it may take of the disk; letters beyond are refused. Default 1 GiB. */
  readonly bytesMax?: number | undefined
}

const streamDefault = "DLQ"
const bytesMaxDefault = 2 ** 30
const timeoutMillis = 5_000

const { noMessage, streamMissing, streamNameInUse, wrongLastSequence } = JetStreamFailure.errorCodes

const headersOf = (values: LetterPart["headers"]) => {
  const headers = makeHeaders()
  for (const [name, value] of values) headers.append(name, value)
  return headers
}

const Purged = Schema.Struct({ purged: Schema.Int })

export const make = ({ bytesMax = bytesMaxDefault, stream = streamDefault }: DeadLetterStreamOptions) => {
  const what = `Stream ${stream}`
  const known = new WeakSet<NatsConnection>()

  const create = (client: NatsClient) =>
    JetStreamShares.make(client, bytesMax, (bytes) =>
      JetStreamRequest.attempt(what, () =>
        client.jsm.streams.add({
          name: stream,
          subjects: [`${DeadLetterMessage.subjectRoot}.>`],
          storage: StorageType.File,
          retention: RetentionPolicy.Limits,
          discard: DiscardPolicy.New,
          max_bytes: bytes
        }))).pipe(
        Effect.andThen(Effect.logInfo(`Made JetStream stream ${stream} for dead letters`)),
        // Another writer has just made it.
        Effect.catchIf((error) => error.code === streamNameInUse, () => Effect.void)
      )

  const state = (client: NatsClient) =>
    JetStreamRequest.attempt(what, () => client.jsm.streams.info(stream)).pipe(
      Effect.map((info) => Option.some(info.state)),
      Effect.catchIf((error) => error.code === streamMissing, () => Effect.succeedNone)
    )

  const ensure = Effect.fnUntraced(function*(client: NatsClient) {
    if (known.has(client.nc)) return
    if (Option.isNone(yield* state(client))) yield* create(client)
    known.add(client.nc)
  })

  /** Durable when it succeeds; a message that is there already stays as it is. */
  const put = (client: NatsClient, part: LetterPart) =>
    JetStreamRequest.attempt(what, () =>
      client.js.publish(part.subject, part.data, {
        headers: headersOf(part.headers),
        timeout: timeoutMillis,
        expect: { streamName: stream, lastSubjectSequence: 0 }
      })).pipe(
        Effect.catchIf((error) => error.code === wrongLastSequence, () => Effect.void),
        Effect.tapError(() => Effect.sync(() => known.delete(client.nc)))
      )

  const read = (client: NatsClient, subject: string) =>
    JetStreamRequest.attempt(what, () => client.jsm.streams.getMessage(stream, { last_by_subj: subject })).pipe(
      Effect.map(Option.fromNullishOr),
      Effect.catchIf(
        (error) => error.code === noMessage || error.code === streamMissing,
        () => Effect.succeedNone
      )
    )

  /** How many messages it removed. */
  const purge = (client: NatsClient, filter: string) =>
    JetStreamRequest.send(client, what, `STREAM.PURGE.${stream}`, { filter }, Purged).pipe(
      Effect.map(({ purged }) => purged),
      Effect.catchIf((error) => error.code === streamMissing, () => Effect.succeed(0))
    )

  return { name: stream, ensure, put, read, purge, state }
}
