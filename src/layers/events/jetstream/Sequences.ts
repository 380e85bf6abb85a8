/**
 * Sequences of a stream and a durable in all of their digits. A stream may begin with any number up to 2^64, and one
 * number too far would pass a message over for good.
 *
 * What the client has read as a number that holds it is taken; only beyond 2^53 the server is asked again.
 */
import type { ConsumerInfo, StreamInfo } from "@nats-io/jetstream"
import { Effect, Schema, SchemaGetter } from "effect"
import type { NatsClient } from "../../nats/connection/NatsClient.ts"
import * as JetStreamRequest from "./JetStreamRequest.ts"

/** `JetStreamRequest` hands over as text what a number cannot hold. */
const Sequence = Schema.Union([Schema.Int, Schema.String.check(Schema.isPattern(/^\d+$/))]).pipe(
  Schema.decodeTo(Schema.BigInt, {
    decode: SchemaGetter.transform((value: number | string) => BigInt(value)),
    encode: SchemaGetter.transform((value: bigint) => `${value}`)
  })
)

const At = Schema.Struct({ stream_seq: Sequence })
const Consumer = Schema.Struct({
  ack_floor: At,
  delivered: At,
  config: Schema.Struct({ opt_start_seq: Schema.optionalKey(Sequence) })
})
const Stream = Schema.Struct({ state: Schema.Struct({ last_seq: Sequence }) })

export interface DurableSequences {
  /** Up to it all is acknowledged. */
  readonly ackFloor: bigint
  readonly delivered: bigint
  /** Where it was made to begin, by number. */
  readonly start: bigint | undefined
}

export const ofDurable = Effect.fnUntraced(function*(client: NatsClient, info: ConsumerInfo) {
  const { ack_floor, config, delivered, name, stream_name } = info
  const start = config.opt_start_seq
  if ([ack_floor.stream_seq, delivered.stream_seq, start ?? 0].every(Number.isSafeInteger)) {
    return {
      ackFloor: BigInt(ack_floor.stream_seq),
      delivered: BigInt(delivered.stream_seq),
      start: start === undefined ? undefined : BigInt(start)
    } satisfies DurableSequences
  }
  const what = `Consumer ${name} of stream ${stream_name}`
  const exact = yield* JetStreamRequest.send(client, what, `CONSUMER.INFO.${stream_name}.${name}`, {}, Consumer)
  return {
    ackFloor: exact.ack_floor.stream_seq,
    delivered: exact.delivered.stream_seq,
    start: exact.config.opt_start_seq
  } satisfies DurableSequences
})

export const lastOf = Effect.fnUntraced(function*(client: NatsClient, { config: { name }, state }: StreamInfo) {
  if (Number.isSafeInteger(state.last_seq)) return BigInt(state.last_seq)
  const exact = yield* JetStreamRequest.send(client, `Stream ${name}`, `STREAM.INFO.${name}`, {}, Stream)
  return exact.state.last_seq
})
