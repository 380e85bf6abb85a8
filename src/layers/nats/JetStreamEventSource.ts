/**
 * Messages from JetStream, through durable pull consumers that all writers of one name share.
 *
 * A subscription belongs to one connection. When that breaks, or a consumer or stream goes away, its pulls fail, and the
 * next subscription finds or makes what it needs.
 */
import { Clock, Duration, Effect, Layer, Semaphore } from "effect"
import * as ConsumerPlan from "../../domain/events/ConsumerPlan.ts"
import { route, type StreamName } from "../../domain/events/Subject.ts"
import * as SubjectPattern from "../../domain/events/SubjectPattern.ts"
import {
  EventSource,
  EventSourceError,
  SourceMissing,
  SourceUnavailable,
  type Subscription
} from "../../services/event-writer/EventSource.ts"
import * as DurableConsumers from "./DurableConsumers.ts"
import { expiresMillis } from "./DurablePull.ts"
import * as JetStreamLag from "./JetStreamLag.ts"
import type { JetStreamRefusal } from "./JetStreamRequest.ts"
import * as JetStreamStreams from "./JetStreamStreams.ts"
import { type NatsClient, NatsConnection, type NatsUnavailable } from "./NatsConnection.ts"
import { PullGroup } from "./PullGroup.ts"

export interface JetStreamEventSourceOptions {
  /** What the names of the durable consumers begin with. */
  readonly consumer: string
  /** The logical streams that are written; of one that is not, a message under a wider subject is not foreign. */
  readonly streams: ReadonlyArray<StreamName>
  /** JetStream streams by name. Default: whichever have the subjects. */
  readonly jetStreams?: ReadonlyArray<string> | undefined
  /** Makes JetStream streams for subjects that none has. */
  readonly createStreams?: JetStreamStreams.StreamLimits | undefined
  /** Tokens that may stand in front of subjects, `*` for any. Default none. */
  readonly tenants?: ReadonlyArray<string> | undefined
  /** Default 30 seconds. */
  readonly ackWait?: Duration.Duration | undefined
}

/** Enough for many writers at one durable; the server's memory is its price. */
const ackPendingMin = 20_000

/** Beyond the time after which the server says that there is nothing. */
const answerMillis = expiresMillis + 2_000

const closeLimit = "2 seconds"

type Reach = { readonly client: NatsClient; readonly consumers: ReadonlyArray<ConsumerPlan.PlannedConsumer> }

/** Whether messages of other streams, which are written too, come along with these. */
const foreignTo = (
  stream: StreamName,
  consumers: ReadonlyArray<ConsumerPlan.PlannedConsumer>,
  options: JetStreamEventSourceOptions
): (subject: string) => boolean => {
  const { streams, tenants = [] } = options
  const others = streams.filter((other) => other !== stream)
  const mine = consumers.flatMap(({ filters }) => filters.length === 0 ? ConsumerPlan.wanted(stream, tenants) : filters)
  const theirs = others.flatMap((other) => ConsumerPlan.wanted(other, tenants))
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

const unavailable = (stream: StreamName, detail: string): EventSourceError =>
  new EventSourceError({ stream, reason: new SourceUnavailable({ detail }) })

const make = Effect.fnUntraced(function*(options: JetStreamEventSourceOptions) {
  const connection = yield* NatsConnection
  const clock = yield* Clock.Clock
  const ackWait = options.ackWait ?? Duration.seconds(30)
  const streamsOptions: JetStreamStreams.StreamsOptions = {
    streams: options.streams,
    tenants: options.tenants ?? [],
    jetStreams: options.jetStreams ?? [],
    create: options.createStreams
  }
  const reached = new Map<StreamName, Reach>()

  const plan = Effect.fnUntraced(function*(client: NatsClient, stream: StreamName) {
    const found = yield* JetStreamStreams.find(client, stream, streamsOptions).pipe(Effect.mapError(toError(stream)))
    const consumers = found.flatMap((jetStream) =>
      ConsumerPlan.make({
        stream,
        consumer: options.consumer,
        tenants: streamsOptions.tenants,
        jetStream,
        canFilterMany: client.version.major > 2 || (client.version.major === 2 && client.version.minor >= 10)
      })
    )
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
    const consumers = yield* plan(client, stream)
    const infos = yield* Effect.forEach(
      consumers,
      (consumer) =>
        DurableConsumers.ensure(client, consumer, { ackWait, maxAckPending: Math.max(ackPendingMin, inFlightMax * 4) }),
      { concurrency: 8 }
    ).pipe(Effect.mapError(toError(stream)))
    const reach = { client, consumers }
    reached.set(stream, reach)
    const turn = yield* Semaphore.make(1)
    const group = yield* Effect.acquireRelease(
      Effect.sync(() =>
        new PullGroup({
          nc: client.nc,
          durables: infos.map((info) => ({
            subject: `${client.apiPrefix}.CONSUMER.MSG.NEXT.${info.stream_name}.${info.name}`,
            batchMax: info.config.max_batch === undefined || info.config.max_batch <= 0
              ? Number.POSITIVE_INFINITY
              : info.config.max_batch
          })),
          isForeign: foreignTo(stream, consumers, options),
          ackWaitMillis: Duration.toMillis(ackWait),
          now: () => clock.currentTimeMillisUnsafe()
        })
      ),
      (group) => Effect.promise(() => group.close()).pipe(Effect.timeoutOption(closeLimit))
    )

    const ready = (demand: number) =>
      Effect.callback<void>((resume) => {
        group.wait(demand, () => resume(Effect.void))
        return Effect.sync(() => group.forget())
      })

    const pull = Effect.fnUntraced(function*(demand: number) {
      if (demand <= 0) return []
      group.ask(demand)
      // Turned down for now: others wait for the same messages.
      while (group.isIdle) {
        yield* Effect.sleep("50 millis")
        group.ask(demand)
      }
      const answered = yield* Effect.timeoutOption(ready(demand), answerMillis)
      const deliveries = group.take(demand)
      if (deliveries.length > 0) return deliveries
      if (answered._tag === "None") return yield* examine(stream, reach)
      if (group.failure !== "") return yield* unavailable(stream, group.failure)
      return deliveries
    })

    return {
      ackWait,
      pull: (demand) => turn.withPermit(pull(demand))
    } satisfies Subscription
  })

  const lag = Effect.fn("EventSource.lag")(function*(stream: StreamName) {
    const client = yield* Effect.mapError(connection.client, toError(stream))
    const known = reached.get(stream)
    const reach = known?.client === client ? known : { client, consumers: yield* plan(client, stream) }
    reached.set(stream, reach)
    return yield* JetStreamLag.measure(client, reach.consumers).pipe(
      Effect.tapError(() => Effect.sync(() => reached.delete(stream))),
      Effect.mapError(toError(stream))
    )
  })

  return EventSource.of({ subscribe, lag })
})

export const layer = (options: JetStreamEventSourceOptions) => Layer.effect(EventSource, make(options))
