/**
 * Messages from JetStream, through durable pull consumers that all writers of one name share.
 *
 * A subscription belongs to one connection. When that breaks, or a consumer or stream goes away, its pulls fail, and the
 * next subscription finds or makes what it needs.
 */
import { Duration, Effect, Layer, Semaphore } from "effect"
import * as ConsumerPlan from "../../../domain/events/stream/ConsumerPlan.ts"
import { type StreamName, streamNames } from "../../../domain/events/stream/Streams.ts"
import { route } from "../../../domain/events/stream/Subject.ts"
import * as SubjectPattern from "../../../domain/events/stream/SubjectPattern.ts"
import {
  EventSource,
  EventSourceError,
  SourceMissing,
  SourceReplaced,
  SourceUnavailable,
  type Subscription
} from "../../../services/events/EventSource.ts"
import type { NatsClient, NatsUnavailable } from "../../nats/connection/NatsClient.ts"
import { NatsConnection } from "../../nats/connection/NatsConnection.ts"
import * as DeadLetterStream from "../dead-letters/DeadLetterStream.ts"
import * as AckPermission from "./AckPermission.ts"
import * as DurableConsumers from "./DurableConsumers.ts"
import * as JetStreamFailure from "./JetStreamFailure.ts"
import * as JetStreamLag from "./JetStreamLag.ts"
import type { JetStreamRefusal } from "./JetStreamRequest.ts"
import * as JetStreamStreams from "./JetStreamStreams.ts"
import { OutdatedPlans } from "./OutdatedPlans.ts"
import * as Pulls from "./Pulls.ts"

export interface JetStreamEventSourceOptions {
  /** What the names of the durable consumers begin with. */
  readonly consumer: string
  /**
   * The logical streams that are written; all by default. A message of another one, that comes along under a wider
   * subject, is nobody else's then and not foreign.
   */
  readonly streams?: ReadonlyArray<StreamName> | undefined
  /** The JetStream stream. Default: whichever have the subjects. */
  readonly jetStream?: string | undefined
  /** Makes JetStream streams for subjects that none has; not when one is named. */
  readonly createStreams?: boolean | undefined
  /** Filters that somebody listed: of the streams among them no other subjects are consumed. */
  readonly listed?: ReadonlyArray<string> | undefined
  /** Makes the named JetStream stream with the listed subjects when it is missing. */
  readonly createListed?: boolean | undefined
  /** The stream of the dead letters, which is made before those of the events. */
  readonly deadLetters?: DeadLetterStream.DeadLetterStreamOptions | undefined
  /** Of the streams that are made. Default none. */
  readonly streamLimits?: JetStreamStreams.StreamLimits | undefined
  /** Tokens that may stand in front of subjects, `*` for any. Default none. */
  readonly tenants?: ReadonlyArray<string> | undefined
  /** Default 30 seconds. */
  readonly ackWait?: Duration.Duration | undefined
  /**
   * New durables begin behind what the first of these has acknowledged that is there, of another writer. Default: with
   * the oldest message.
   */
  readonly startAfter?: Effect.Effect<ReadonlyArray<string>, { readonly detail: string }> | undefined
}

const noLimits: JetStreamStreams.StreamLimits = { bytesMax: 0, ageMax: Duration.zero }

/** Enough for many writers at one durable; the server's memory is its price. */
const ackPendingMin = 20_000
/** A message ends the wait at once; a server that is gone is noticed two seconds after it. */
const idleWait = Duration.seconds(3)

type Reach = { readonly client: NatsClient; readonly consumers: ReadonlyArray<ConsumerPlan.PlannedConsumer> }

/** Whether messages of other streams, which are written too, come along with these. */
const foreignTo = (
  stream: StreamName,
  consumers: ReadonlyArray<ConsumerPlan.PlannedConsumer>,
  { listed, streams, tenants }: JetStreamStreams.StreamsOptions
): (subject: string) => boolean => {
  const others = streams.filter((other) => other !== stream)
  const mine = consumers.flatMap(({ filter }) => filter ?? ConsumerPlan.wanted(stream, tenants, listed))
  const theirs = others.flatMap((other) => ConsumerPlan.wanted(other, tenants, listed))
  const isMixed = mine.some((filter) => theirs.some((other) => SubjectPattern.overlaps(filter, other)))
  if (!isMixed) return () => false
  return (subject) => {
    const owner = route(subject)?.stream
    return owner !== undefined && owner !== stream && streams.includes(owner)
  }
}

const toError = (stream: StreamName) => (error: JetStreamRefusal | NatsUnavailable): EventSourceError =>
  new EventSourceError({
    stream,
    reason: error._tag === "JetStreamRefusal" && error.isLasting
      ? new SourceMissing({ detail: error.detail })
      : new SourceUnavailable({ detail: error.message })
  })

/** Without one, or with 0, there is none. */
const limitOf = (limit: number | undefined): number =>
  limit === undefined || limit <= 0 ? Number.POSITIVE_INFINITY : limit

const isElsewhere = (error: JetStreamRefusal): boolean => error.code === JetStreamFailure.errorCodes.filterNotInStream

const missing = (stream: StreamName, detail: string): EventSourceError =>
  new EventSourceError({ stream, reason: new SourceMissing({ detail }) })

const unavailable = (stream: StreamName, detail: string): EventSourceError =>
  new EventSourceError({ stream, reason: new SourceUnavailable({ detail }) })

const replaced = (stream: StreamName, detail = "another connection took its place"): EventSourceError =>
  new EventSourceError({ stream, reason: new SourceReplaced({ detail }) })

const make = Effect.fnUntraced(function*(options: JetStreamEventSourceOptions) {
  const connection = yield* NatsConnection
  /** Whether there is another connection by now. */
  const isReplaced = (client: NatsClient) =>
    Effect.match(connection.client, { onFailure: () => false, onSuccess: (current) => current !== client })
  const ackWait = options.ackWait ?? Duration.seconds(30)
  const streamsOptions: JetStreamStreams.StreamsOptions = {
    streams: options.streams ?? streamNames,
    tenants: options.tenants ?? [],
    listed: options.listed,
    createListed: options.createListed,
    jetStreams: options.jetStream === undefined ? [] : [options.jetStream],
    create: options.createStreams === true ? options.streamLimits ?? noLimits : undefined
  }
  const reached = new Map<StreamName, Reach>()
  const letters = DeadLetterStream.make(options.deadLetters ?? {})
  /** One after the other, as they share what room there is. */
  const making = yield* Semaphore.make(1)

  const planOf = (stream: StreamName, jetStream: JetStreamStreams.FoundStream) => {
    const { listed, tenants } = streamsOptions
    return ConsumerPlan.make({ stream, consumer: options.consumer, tenants, listed, jetStream })
  }
  const plans = new OutdatedPlans((stream, jetStream) => planOf(stream, jetStream).length > 0)

  const plan = Effect.fnUntraced(function*(client: NatsClient, stream: StreamName, isToSubscribe: boolean) {
    const find = JetStreamStreams.find(client, stream, streamsOptions).pipe(
      Effect.tap((found) =>
        Effect.sync(() => {
          if (isToSubscribe) plans.planned(stream, found)
        })
      )
    )
    const found = yield* making.withPermit(
      Effect.andThen(streamsOptions.create === undefined ? Effect.void : letters.ensure(client), find)
    ).pipe(Effect.mapError(toError(stream)))
    const consumers = found.flatMap((jetStream) => planOf(stream, jetStream))
    if (consumers.length > 0) return consumers
    return yield* new EventSourceError({
      stream,
      reason: new SourceMissing({ detail: "no JetStream stream has its subjects" })
    })
  })

  /** Why a pull got no answer: whether the consumers are still there. */
  const examine = (stream: StreamName, { client, consumers }: Reach) =>
    Effect.forEach(consumers, (consumer) => DurableConsumers.info(client, consumer), { concurrency: 8 }).pipe(
      Effect.matchEffect({
        onFailure: (error) => Effect.fail(unavailable(stream, error.detail)),
        onSuccess: () => Effect.fail(unavailable(stream, "the server does not answer a pull"))
      })
    )

  const subscribe = Effect.fn("EventSource.subscribe")(function*(
    stream: StreamName,
    { inFlightMax }: { readonly inFlightMax: number }
  ) {
    const client = yield* Effect.mapError(connection.client, toError(stream))
    // What comes on such a connection would come for ever.
    const refusal = AckPermission.refusal(client.nc)
    if (refusal !== undefined) return yield* missing(stream, refusal)
    const planned = yield* plan(client, stream, true)
    const predecessors = yield* (options.startAfter ?? Effect.succeed([])).pipe(
      Effect.mapError(({ detail }) => unavailable(stream, detail))
    )
    const durables = yield* Effect.forEach(
      planned,
      (consumer) =>
        DurableConsumers.ensure(client, consumer, {
          ackWait,
          maxAckPending: Math.max(ackPendingMin, inFlightMax * 4),
          // Before subjects were listed one durable had them all.
          startAfter: [ConsumerPlan.durableName(options.consumer, stream), ...predecessors]
        }).pipe(
          Effect.map((info) => [{ consumer, info }]),
          // A stream that takes from others seemed to have any subject, and has not this one.
          Effect.catchIf((error) => isElsewhere(error) && planned.length > 1, () => Effect.succeed([]))
        ),
      { concurrency: 8 }
    ).pipe(Effect.mapError(toError(stream)))
    const consumers = durables.flat().map(({ consumer }) => consumer)
    const infos = durables.flat().map(({ info }) => info)
    if (infos.length === 0) return yield* missing(stream, "no JetStream stream has its subjects")
    const reach = { client, consumers }
    reached.set(stream, reach)
    const pull = yield* Pulls.make({
      nc: client.nc,
      durables: infos.map((info) => ({
        subject: `${client.apiPrefix}.CONSUMER.MSG.NEXT.${info.stream_name}.${info.name}`,
        batchMax: limitOf(info.config.max_batch),
        bytesMax: limitOf(info.config.max_bytes),
        expiresMillisMax: Math.max(1, limitOf(info.config.max_expires) / 1e6)
      })),
      isForeign: foreignTo(stream, consumers, streamsOptions),
      ackWait,
      wait: idleWait,
      refusal: AckPermission.denial(client.nc)
    })
    return {
      ackWait,
      pull: (demand, bytesMax) =>
        plans.isOutdated(stream)
          ? Effect.fail(replaced(stream, "a stream has come that has its subjects, too"))
          : Effect.catchTag(
            pull(demand, bytesMax),
            "PullFailure",
            ({ detail }) =>
              detail === ""
                ? examine(stream, reach)
                : Effect.flatMap(
                  isReplaced(client),
                  (is) => Effect.fail(is ? replaced(stream) : unavailable(stream, detail))
                )
          )
    } satisfies Subscription
  })

  const lag = Effect.fn("EventSource.lag")(function*(stream: StreamName) {
    const client = yield* Effect.mapError(connection.client, toError(stream))
    const known = reached.get(stream)
    const reach = known?.client === client ? known : { client, consumers: yield* plan(client, stream, false) }
    reached.set(stream, reach)
    return yield* JetStreamLag.measure(client, reach.consumers).pipe(
      Effect.tapError(() => Effect.sync(() => reached.delete(stream))),
      Effect.mapError(toError(stream))
    )
  })

  return EventSource.of({ subscribe, lag })
})

export const layer = (options: JetStreamEventSourceOptions) => Layer.effect(EventSource, make(options))
