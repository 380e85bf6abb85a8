/**
 * Durable consumers that are there and as they should be, whoever starts first and however often.
 *
 * What exists is changed: its position stays, and so does what is set on it that is not ours. Only where the server would
 * not heed a new filter it is made anew, behind what was acknowledged. Starting several writers at once is normal; whoever
 * comes second finds the work done.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  ReplayPolicy,
  RetentionPolicy
} from "@nats-io/jetstream"
import { Duration, Effect, Schedule, Schema } from "effect"
import type { PlannedConsumer } from "../../../domain/events/stream/ConsumerPlan.ts"
import type { NatsClient } from "../../nats/connection/NatsClient.ts"
import * as DurableFitness from "./DurableFitness.ts"
import * as JetStreamFailure from "./JetStreamFailure.ts"
import * as JetStreamRequest from "./JetStreamRequest.ts"
import { JetStreamRefusal } from "./JetStreamRequest.ts"
import * as Sequences from "./Sequences.ts"

export interface DurableSettings {
  readonly ackWait: Duration.Duration
  /** The least; more stays more. */
  readonly maxAckPending: number
  /**
   * A new consumer begins behind what the first of these consumers of the same stream has acknowledged that is there.
   */
  readonly startAfter?: ReadonlyArray<string> | undefined
}

const nameOf = ({ durable, jetStream }: PlannedConsumer): string => `Consumer ${durable} of stream ${jetStream}`

const nanosOf = (duration: Duration.Duration): number => Duration.toMillis(duration) * 1e6

const filterFields = ({ filter }: PlannedConsumer): Pick<Partial<ConsumerConfig>, "filter_subject"> =>
  filter === undefined ? {} : { filter_subject: filter }

/** Several filters are not ours; somebody else put them there. */
const hasFilter = ({ filter_subject, filter_subjects = [] }: ConsumerConfig, { filter }: PlannedConsumer): boolean =>
  filter_subjects.length === 0 && (filter_subject ?? "") === (filter ?? "")

interface Start {
  readonly deliver_policy: DeliverPolicy
  readonly opt_start_seq?: bigint
}

/** As it is sent, with sequences in all of their digits. */
type Config = Omit<Partial<ConsumerConfig>, "opt_start_seq"> & Partial<Start>

const fresh = (planned: PlannedConsumer, settings: DurableSettings, start: Start): Config => ({
  durable_name: planned.durable,
  ack_policy: AckPolicy.Explicit,
  ...start,
  replay_policy: ReplayPolicy.Instant,
  ack_wait: nanosOf(settings.ackWait),
  // The server would give up without a word; the writer gives up with a dead letter.
  max_deliver: -1,
  max_ack_pending: settings.maxAckPending,
  ...filterFields(planned)
})

/** None when nothing is to be changed. */
const changed = (
  { config }: ConsumerInfo,
  { start }: Sequences.DurableSequences,
  planned: PlannedConsumer,
  settings: DurableSettings
): Config | undefined => {
  const ackWait = nanosOf(settings.ackWait)
  const pending = config.max_ack_pending ?? 0
  const hasBackoff = (config.backoff ?? []).length > 0
  const maxAckPending = pending < 0 ? pending : Math.max(pending, settings.maxAckPending)
  const isUpToDate = !hasBackoff && config.ack_wait === ackWait && config.max_deliver === -1 &&
    pending === maxAckPending &&
    hasFilter(config, planned)
  if (isUpToDate) return undefined
  // A backoff would count instead of the time to acknowledge: what is being stored came again and again.
  const { backoff: _backoff, filter_subject: _one, filter_subjects: _many, opt_start_seq: _start, ...rest } = config
  return {
    ...rest,
    ...(start === undefined ? {} : { opt_start_seq: start }),
    ack_wait: ackWait,
    max_deliver: -1,
    max_ack_pending: maxAckPending,
    ...filterFields(planned)
  }
}

const write = (
  client: NatsClient,
  planned: PlannedConsumer,
  action: "create" | "update",
  config: Config
) =>
  // Not through the client's own call: that cannot take a filter away.
  JetStreamRequest.send(
    client,
    nameOf(planned),
    `CONSUMER.DURABLE.CREATE.${planned.jetStream}.${planned.durable}`,
    { stream_name: planned.jetStream, config, action },
    Schema.Struct({})
  )

export const info = (client: NatsClient, planned: PlannedConsumer) =>
  JetStreamRequest.attempt(
    nameOf(planned),
    () => client.jsm.consumers.info(planned.jetStream, planned.durable)
  )

const isRace = (error: JetStreamRefusal): boolean =>
  error.code === JetStreamFailure.errorCodes.consumerExists ||
  error.code === JetStreamFailure.errorCodes.consumerNameInUse ||
  error.code === JetStreamFailure.errorCodes.consumerMissing

/** Undefined where there is no such consumer. */
const existing = (client: NatsClient, planned: PlannedConsumer) =>
  info(client, planned).pipe(
    Effect.catchIf(
      (error) => error.code === JetStreamFailure.errorCodes.consumerMissing,
      () => Effect.void
    )
  )

/** With the oldest message, or behind what another consumer has done. */
const startOf = Effect.fnUntraced(
  function*(client: NatsClient, planned: PlannedConsumer, { startAfter }: DurableSettings) {
    const all: Start = { deliver_policy: DeliverPolicy.All }
    for (const durable of startAfter ?? []) {
      const other = durable === planned.durable ? undefined : yield* existing(client, { ...planned, durable })
      if (other === undefined) continue
      const sequence = (yield* Sequences.ofDurable(client, other)).ackFloor + 1n
      yield* Effect.logInfo(`${nameOf(planned)} begins with message ${sequence}, behind consumer ${durable}`)
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence } satisfies Start
    }
    return all
  }
)

const hasWildcard = (filter = ""): boolean => /[*>]/.test(filter)

/**
 * Servers before 2.10 know from a consumer's first filter whether wildcards are to be heeded: behind a filter without,
 * a new one with wildcards matches nothing, and what it stands for is passed over for good.
 */
const isUnheeded = ({ version }: NatsClient, { config }: ConsumerInfo, { filter }: PlannedConsumer): boolean =>
  version.major === 2 && version.minor < 10 && hasWildcard(filter) && !hasWildcard(config.filter_subject)

const anew = Effect.fnUntraced(
  function*(client: NatsClient, planned: PlannedConsumer, found: ConsumerInfo, config: Config) {
    const { durable, jetStream } = planned
    const stream = yield* JetStreamRequest.attempt(`Stream ${jetStream}`, () => client.jsm.streams.info(jetStream))
    if (stream.config.retention !== RetentionPolicy.Limits) {
      const detail = `${nameOf(planned)} cannot get filter ${planned.filter} from a server before 2.10: delete it`
      return yield* new JetStreamRefusal({ detail, code: 0, isLasting: true })
    }
    const sequence = (yield* Sequences.ofDurable(client, found)).ackFloor + 1n
    const start: Start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence }
    yield* JetStreamRequest.attempt(nameOf(planned), () => client.jsm.consumers.delete(jetStream, durable))
    yield* write(client, planned, "create", { ...config, ...start })
    yield* Effect.logInfo(`${nameOf(planned)} was made anew for its filter and goes on with message ${sequence}`)
    return yield* info(client, planned)
  }
)

/**
 * A stream that was made anew, or lost messages that it had not written yet, begins again below where its consumer is,
 * which then waits for messages that it takes for old.
 */
const rewound = Effect.fnUntraced(function*(client: NatsClient, planned: PlannedConsumer, found: ConsumerInfo) {
  const { durable, jetStream } = planned
  const stream = yield* JetStreamRequest.attempt(`Stream ${jetStream}`, () => client.jsm.streams.info(jetStream))
  const last = yield* Sequences.lastOf(client, stream)
  const at = (yield* Sequences.ofDurable(client, found)).delivered
  if (at <= last) return false
  const story = `${nameOf(planned)} is at message ${at}, but the stream ends with ${last}: it has lost messages`
  if (stream.config.retention !== RetentionPolicy.Limits) {
    return yield* new JetStreamRefusal({ detail: `${story}. Delete the consumer`, code: 0, isLasting: true })
  }
  yield* JetStreamRequest.attempt(nameOf(planned), () => client.jsm.consumers.delete(jetStream, durable))
  yield* Effect.logWarning(`${story}. It was made anew and begins with the oldest message`)
  return true
})

/** What the server, the account or the stream permits, in the server's own words. */
const permitted = ({ code, detail }: JetStreamRefusal): number | undefined => {
  const limit = code === JetStreamFailure.errorCodes.ackPendingExceeded ? /limit of (\d+)/.exec(detail)?.[1] : undefined
  return limit === undefined ? undefined : Number(limit)
}

/** With as many messages without acknowledgement as the server permits. */
const writeWithin = (
  client: NatsClient,
  planned: PlannedConsumer,
  action: "create" | "update",
  config: Config
) =>
  write(client, planned, action, config).pipe(
    Effect.catchIf(
      (error) => permitted(error) !== undefined,
      (error) => {
        const limit = permitted(error) ?? 0
        return Effect.andThen(
          Effect.logInfo(`${nameOf(planned)} gets max_ack_pending ${limit}, the most that the server permits`),
          write(client, planned, action, { ...config, max_ack_pending: limit })
        )
      }
    )
  )

const create = Effect.fnUntraced(
  function*(client: NatsClient, planned: PlannedConsumer, settings: DurableSettings, start: Start) {
    yield* writeWithin(client, planned, "create", fresh(planned, settings, start))
    return yield* info(client, planned)
  }
)

const ensureOnce = Effect.fnUntraced(
  function*(client: NatsClient, planned: PlannedConsumer, settings: DurableSettings) {
    const found = yield* existing(client, planned)
    if (found === undefined) return yield* create(client, planned, settings, yield* startOf(client, planned, settings))
    const problem = DurableFitness.problem(found)
    if (problem !== undefined) {
      return yield* new JetStreamRefusal({ detail: `${nameOf(planned)} ${problem}`, code: 0, isLasting: true })
    }
    if (yield* rewound(client, planned, found)) {
      return yield* create(client, planned, settings, { deliver_policy: DeliverPolicy.All })
    }
    const next = changed(found, yield* Sequences.ofDurable(client, found), planned, settings)
    if (next === undefined) return found
    if (isUnheeded(client, found, planned)) return yield* anew(client, planned, found, next)
    yield* writeWithin(client, planned, "update", next)
    yield* Effect.logInfo(`Updated consumer ${planned.durable} of stream ${planned.jetStream}`)
    return yield* info(client, planned)
  }
)

/** Creates the consumer, or brings it up to date. */
export const ensure = (client: NatsClient, planned: PlannedConsumer, settings: DurableSettings) =>
  ensureOnce(client, planned, settings).pipe(
    Effect.retry({ schedule: Schedule.jittered(Schedule.spaced("100 millis")), times: 5, while: isRace })
  )
