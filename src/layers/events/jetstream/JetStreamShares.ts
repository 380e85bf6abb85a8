/**
 * Streams that share what little room JetStream may have.
 *
 * The server sets aside what a stream may take. Where that is more than there is left, all that were made here get less, in
 * equal shares, as far as they have not filled it: otherwise the first would take all, and the last not be made.
 */
import { DiscardPolicy } from "@nats-io/jetstream"
import { Effect } from "effect"
import { streamNames } from "../../../domain/events/stream/Streams.ts"
import type { NatsClient } from "../../nats/connection/NatsClient.ts"
import * as JetStreamFailure from "./JetStreamFailure.ts"
import * as JetStreamRequest from "./JetStreamRequest.ts"

/** A stream smaller than this would be of no use. */
const bytesMin = 2 ** 20

const tooMuch: ReadonlySet<number> = new Set([
  JetStreamFailure.errorCodes.storageExceeded,
  JetStreamFailure.errorCodes.accountStorageExceeded
])

export const isTooMuch = (error: JetStreamRequest.JetStreamRefusal): boolean => tooMuch.has(error.code)

/** Those that we make by name; they refuse what is too much, which others seldom do. */
const shrinkOne = (client: NatsClient, name: string, bytes: number) =>
  Effect.gen(function*() {
    const { config, state } = yield* JetStreamRequest.attempt(`Stream ${name}`, () => client.jsm.streams.info(name))
    if (config.discard !== DiscardPolicy.New || config.max_bytes <= bytes || state.bytes > bytes) return
    yield* JetStreamRequest.attempt(
      `Stream ${name}`,
      () => client.jsm.streams.update(name, { max_bytes: bytes })
    )
    yield* Effect.logInfo(`JetStream has little room: stream ${name} may take ${bytes} bytes now`)
  }).pipe(Effect.ignore)

/** `add` makes a stream of so many bytes, without a limit when 0. */
export const make = <A, R>(
  client: NatsClient,
  bytesMax: number,
  add: (bytes: number) => Effect.Effect<A, JetStreamRequest.JetStreamRefusal, R>
): Effect.Effect<A, JetStreamRequest.JetStreamRefusal, R> =>
  add(bytesMax).pipe(
    Effect.catchIf(
      (error) => isTooMuch(error) && bytesMax > bytesMin,
      () => {
        const less = Math.floor(bytesMax / 2)
        return Effect.forEach([...streamNames, "DLQ"], (name) => shrinkOne(client, name, less), { discard: true }).pipe(
          Effect.andThen(make(client, less, add))
        )
      }
    )
  )
