/**
 * What waits in durable consumers, and since when.
 *
 * The oldest message that waits is the first after the position up to which all is acknowledged; asking for it costs one
 * message's reading, and only when something waits.
 */
import type { ConsumerInfo } from "@nats-io/jetstream"
import { Effect, Option, Schema } from "effect"
import type { StreamLag } from "../../../domain/events/reporting/StreamLag.ts"
import type { PlannedConsumer } from "../../../domain/events/stream/ConsumerPlan.ts"
import type { NatsClient } from "../../nats/connection/NatsClient.ts"
import * as DurableConsumers from "./DurableConsumers.ts"
import * as JetStreamFailure from "./JetStreamFailure.ts"
import * as JetStreamRequest from "./JetStreamRequest.ts"
import * as Sequences from "./Sequences.ts"

const isMissing = (error: JetStreamRequest.JetStreamRefusal): boolean =>
  error.code === JetStreamFailure.errorCodes.noMessage || error.code === JetStreamFailure.errorCodes.consumerMissing

const Stored = Schema.Struct({ message: Schema.Struct({ time: Schema.DateTimeUtcFromString }) })

const firstAfter = (client: NatsClient, jetStream: string, sequence: bigint, filter: string) =>
  JetStreamRequest.send(
    client,
    `Stream ${jetStream}`,
    `STREAM.MSG.GET.${jetStream}`,
    { seq: sequence, next_by_subj: filter },
    Stored
  ).pipe(
    Effect.map(({ message }) => Option.some(message.time.epochMilliseconds)),
    Effect.catchIf(isMissing, () => Effect.succeedNone)
  )

const oldest = (client: NatsClient, planned: PlannedConsumer, info: ConsumerInfo) => {
  if (info.num_pending + info.num_ack_pending === 0) return Effect.succeedNone
  return Effect.flatMap(
    Sequences.ofDurable(client, info),
    ({ ackFloor }) => firstAfter(client, planned.jetStream, ackFloor + 1n, planned.filter ?? ">")
  )
}

const none: ConsumerLag = { pending: 0, ackPending: 0, oldestMillis: Option.none() }

interface ConsumerLag {
  readonly pending: number
  readonly ackPending: number
  readonly oldestMillis: Option.Option<number>
}

/** A consumer that is not there has nothing: its writer makes it when it starts. */
const measureOne = (client: NatsClient, planned: PlannedConsumer) =>
  DurableConsumers.info(client, planned).pipe(
    Effect.flatMap((info) =>
      Effect.map(oldest(client, planned, info), (oldestMillis): ConsumerLag => ({
        pending: info.num_pending,
        ackPending: info.num_ack_pending,
        oldestMillis
      }))
    ),
    Effect.catchIf(isMissing, () => Effect.succeed(none))
  )

export const measure = (client: NatsClient, consumers: ReadonlyArray<PlannedConsumer>) =>
  Effect.forEach(consumers, (planned) => measureOne(client, planned), { concurrency: 4 }).pipe(
    Effect.map((lags): StreamLag => {
      const times = lags.flatMap((lag) => Option.toArray(lag.oldestMillis))
      return {
        pending: lags.reduce((sum, lag) => sum + lag.pending, 0),
        ackPending: lags.reduce((sum, lag) => sum + lag.ackPending, 0),
        oldestMillis: times.length === 0 ? undefined : Math.min(...times)
      }
    })
  )
