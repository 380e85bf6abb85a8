/**
 * A producer at work: asks for as many messages as there is room and rate for, and keeps what came beyond that until
 * there is. What it keeps survives its restart.
 *
 * A producer that stands still for `stallAfter`, bringing nothing while messages wait at the source and do not become
 * fewer, fails with `ProducerStalled`, so that its supervisor connects it anew.
 */
import { Cause, Duration, Effect, Exit, Option, Schema, type Scope } from "effect"
import { crashed } from "../../../domain/pipeline/Outcome.ts"
import { laneOf } from "../../../domain/pipeline/Partition.ts"
import * as Standstill from "../../../domain/pipeline/Standstill.ts"
import * as Monotonic from "../../clock/Monotonic.ts"
import type { Producer, Pull } from "../Producer.ts"
import type { Telemetry } from "../Telemetry.ts"
import * as BatchMode from "./BatchMode.ts"
import type { Envelope } from "./Envelope.ts"
import { handedOver } from "./HandedOver.ts"
import type { Inbox } from "./Inbox.ts"
import type { InFlight } from "./InFlight.ts"
import type { PipelineMetrics } from "./PipelineMetrics.ts"
import type { RateGate } from "./RateGate.ts"
import type { RejectedEnvelope, Settlement } from "./Settlement.ts"

export class ProducerStalled extends Schema.TaggedError<ProducerStalled>()("ProducerStalled", {
  pipeline: Schema.String,
  producer: Schema.Int,
  pending: Schema.Finite,
  silentMillis: Schema.Finite
}) {
  override get message(): string {
    return `Producer ${this.producer} of ${this.pipeline} brought nothing for ${this.silentMillis} ms while ${this.pending} messages wait`
  }
}

/** The way from the producers to the processors. */
export interface ProducerPorts<In, E, O, RA> {
  readonly inboxes: ReadonlyArray<Inbox<Envelope<In, E, O>>>
  readonly partitionBy: ((message: In) => string | number) | undefined
  /** What the acknowledger hears of a message whose handler configures nothing. */
  readonly options: O
  readonly settlement: Settlement<In, E, O, RA>
  readonly unprocessed: InFlight
  readonly rate: RateGate
  readonly telemetry: Telemetry
  readonly metrics: PipelineMetrics
}

/** What one producer leaves to its next life, and to a drain. */
export interface ProducerSlot<In, E, O> {
  readonly index: number
  /** Received and not yet passed on. */
  held: Array<Envelope<In, E, O>>
  received: number
  failures: number
  isDone: boolean
}

export interface StallWatch<R> {
  readonly pipeline: string
  readonly after: Duration.Duration
  /** Messages that wait at the source. Without it only the pipeline's own standstill is noticed. */
  readonly pending: Effect.Effect<number, unknown, R>
}

/** Between two empty answers, so that a source that does not wait cannot spin. */
const emptyPause = Duration.millis(10)

export const runProducer = <In, EP, RP, E, O, RA>(
  producer: Producer<In, EP, RP>,
  slot: ProducerSlot<In, E, O>,
  demandMax: number,
  watch: StallWatch<RP> | undefined,
  ports: ProducerPorts<In, E, O, RA>
): Effect.Effect<void, EP | ProducerStalled, RP | RA | Scope.Scope> => {
  const life = Effect.suspend(() => {
    const id = ports.telemetry.nextId()
    ports.telemetry.emit({ _tag: "producer.start", id, producer: slot.index })
    const stop = (failed: boolean) => ports.telemetry.emit({ _tag: "producer.stop", id, producer: slot.index, failed })
    return Effect.onExit(
      Effect.flatMap(producer.connect, (pull) => pullAll(pull, slot, demandMax, ports)),
      (exit) => {
        const isFailed = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
        stop(isFailed)
        if (!isFailed) return Effect.void
        slot.failures += 1
        return ports.metrics.producerFailed
      }
    )
  })
  return watch === undefined ? life : Effect.raceFirst(life, watchProducer(watch, slot, ports))
}

const pullAll = Effect.fnUntraced(function*<In, EP, RP, E, O, RA>(
  pull: Pull<In, EP, RP>,
  slot: ProducerSlot<In, E, O>,
  demandMax: number,
  ports: ProducerPorts<In, E, O, RA>
) {
  const { inFlight } = ports.settlement
  // `undefined` for what is no list: a user's pull may answer anything.
  let brought: number | undefined = 0
  const take = (messages: ReadonlyArray<In>) => {
    brought = Array.isArray(messages) ? receive(messages, slot, ports) : undefined
  }
  while (!slot.isDone) {
    yield* passOn(slot, ports)
    yield* inFlight.awaitRoomForDemand
    yield* ports.rate.awaitOpen
    brought = 0
    const isDone = yield* untilDone(
      Effect.suspend(() => {
        const demand = Math.max(1, Math.min(demandMax, inFlight.room, ports.rate.remaining))
        return handedOver(pull(demand), take)
      })
    )
    if (brought === undefined) return yield* Effect.die(new Error("a pull answered no list of messages"))
    if (isDone) slot.isDone = true
    else if (brought === 0) yield* Effect.sleep(emptyPause)
  }
  yield* passOn(slot, ports)
})

/** From this step on each of them has an outcome to come. Answers how many there were. */
const receive = <In, E, O, RA>(
  messages: ReadonlyArray<In>,
  slot: ProducerSlot<In, E, O>,
  { options, settlement }: ProducerPorts<In, E, O, RA>
): number => {
  // The pipeline is over: nobody would ever settle them, and the source knows them as not acknowledged.
  if (settlement.isClosed) return 0
  const mode = BatchMode.of(messages)
  for (const message of messages) slot.held.push(settlement.ledger.add(message, options, mode))
  slot.received += messages.length
  return messages.length
}

const untilDone = <E, R>(pulled: Effect.Effect<void, E | Cause.Done, R>): Effect.Effect<boolean, E, R> =>
  // boundary: `Exclude<E, Done>` is E, for a producer's own failure is never `Done`
  Effect.catchIf(Effect.as(pulled, false), Cause.isDone, () => Effect.succeed(true)) as Effect.Effect<boolean, E, R>

/** Puts what a producer holds in flight, as room and rate allow. */
export const passOn = Effect.fnUntraced(function*<In, E, O, RA>(
  slot: ProducerSlot<In, E, O>,
  ports: ProducerPorts<In, E, O, RA>
) {
  while (slot.held.length > 0) {
    yield* ports.settlement.inFlight.awaitRoom
    yield* ports.rate.awaitOpen
    yield* sendAllowed(slot, ports)
  }
})

/** Looks, takes and sends in one step, for other producers share room and rate. */
const sendAllowed = <In, E, O, RA>(
  slot: ProducerSlot<In, E, O>,
  ports: ProducerPorts<In, E, O, RA>
): Effect.Effect<unknown, never, RA> =>
  Effect.uninterruptible(Effect.suspend(() => {
    const { inFlight } = ports.settlement
    const count = Math.min(slot.held.length, inFlight.room, ports.rate.remaining)
    if (count === 0) return Effect.void
    ports.rate.use(count)
    inFlight.add(count)
    return send(slot.held.splice(0, count), ports)
  }))

/** One whose partition cannot be told is rejected on the spot. */
const send = <In, E, O, RA>(
  envelopes: ReadonlyArray<Envelope<In, E, O>>,
  { inboxes, partitionBy, settlement, unprocessed }: ProducerPorts<In, E, O, RA>
): Effect.Effect<unknown, never, RA> => {
  if (partitionBy === undefined) {
    unprocessed.add(envelopes.length)
    inboxes[0]?.offerAll(envelopes)
    return Effect.void
  }
  const lanes: Array<Array<Envelope<In, E, O>>> = inboxes.map(() => [])
  const rejected: Array<RejectedEnvelope<In, E, O>> = []
  for (const envelope of envelopes) {
    try {
      envelope.partition = partitionBy(envelope.message)
      lanes[laneOf(envelope.partition, lanes.length)]?.push(envelope)
    } catch (defect) {
      rejected.push({ envelope, stage: "producer", outcome: crashed("defect", Cause.die(defect)) })
    }
  }
  unprocessed.add(envelopes.length - rejected.length)
  inboxes.forEach((inbox, index) => inbox.offerAll(lanes[index] ?? []))
  return settlement.settle([], rejected)
}

/** Looks twice in its limit. The source is asked only when nothing has come since the last look, and could have. */
const watchProducer = Effect.fnUntraced(function*<In, R, E, O, RA>(
  watch: StallWatch<R>,
  slot: ProducerSlot<In, E, O>,
  ports: ProducerPorts<In, E, O, RA>
) {
  let standstill = Standstill.start(yield* Monotonic.millis)
  while (true) {
    yield* Effect.sleep(Duration.times(watch.after, 0.5))
    const now = yield* Monotonic.millis
    const mayPull = ports.settlement.inFlight.room > 0 && slot.held.length === 0
    if (!mayPull || slot.received !== standstill.settled) {
      standstill = Standstill.observe(standstill, 0, slot.received, now)
      continue
    }
    // A source that cannot even say what is pending is no reason to connect it anew: its pull will fail by itself.
    const pending = yield* Effect.option(Effect.timeout(watch.pending, watch.after))
    if (Option.isNone(pending)) continue
    standstill = Standstill.observe(standstill, pending.value, slot.received, now)
    const silentMillis = Standstill.standingMillis(standstill, now)
    if (silentMillis >= Duration.toMillis(watch.after)) {
      return yield* new ProducerStalled({
        pipeline: watch.pipeline,
        producer: slot.index,
        pending: pending.value,
        silentMillis: Math.round(silentMillis)
      })
    }
  }
})
