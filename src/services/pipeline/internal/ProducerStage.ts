/**
 * A producer at work: asks for as many messages as there is room and rate for, and keeps what came beyond that until
 * there is. What it keeps survives its restart.
 *
 * A producer that says how much is pending and then brings nothing for `stallAfter` fails with `ProducerStalled`, so
 * that its supervisor connects it anew; a silent one is otherwise not told from an idle one.
 */
import { Cause, Duration, Effect, Option, Queue, Schema, type Scope } from "effect"
import { crashed } from "../../../domain/pipeline/Outcome.ts"
import { laneOf } from "../../../domain/pipeline/Partition.ts"
import * as Monotonic from "../../clock/Monotonic.ts"
import type { Producer, Pull } from "../Producer.ts"
import type { Telemetry } from "../Telemetry.ts"
import type { InFlight } from "./InFlight.ts"
import type { RateGate } from "./RateGate.ts"
import type { Envelope, Settlement } from "./Settlement.ts"

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
export interface ProducerPorts<In, E, RA> {
  readonly inboxes: ReadonlyArray<Queue.Enqueue<Envelope<In>>>
  readonly partitionBy: ((message: In) => string | number) | undefined
  readonly settlement: Settlement<In, E, RA>
  readonly unprocessed: InFlight
  readonly rate: RateGate
  readonly telemetry: Telemetry
}

/** What one producer leaves to its next life, and to a drain. */
export interface ProducerSlot<In> {
  readonly index: number
  held: Array<In>
  received: number
  lastMillis: number
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

export const runProducer = <In, EP, RP, E, RA>(
  producer: Producer<In, EP, RP>,
  slot: ProducerSlot<In>,
  demandMax: number,
  watch: StallWatch<RP> | undefined,
  ports: ProducerPorts<In, E, RA>
): Effect.Effect<void, EP | ProducerStalled, RP | RA | Scope.Scope> => {
  const life = Effect.suspend(() => {
    const id = ports.telemetry.nextId()
    ports.telemetry.emit({ _tag: "producer.start", id, producer: slot.index })
    return Effect.ensuring(
      Effect.flatMap(producer.connect, (pull) => pullAll(pull, slot, demandMax, ports)),
      Effect.sync(() => ports.telemetry.emit({ _tag: "producer.stop", id, producer: slot.index }))
    )
  })
  return watch === undefined ? life : Effect.raceFirst(life, watchProducer(watch, slot, ports))
}

const pullAll = Effect.fnUntraced(function*<In, EP, RP, E, RA>(
  pull: Pull<In, EP, RP>,
  slot: ProducerSlot<In>,
  demandMax: number,
  ports: ProducerPorts<In, E, RA>
) {
  const { inFlight } = ports.settlement
  while (!slot.isDone) {
    yield* passOn(slot, ports)
    yield* inFlight.awaitRoom
    yield* ports.rate.awaitOpen
    const demand = Math.max(1, Math.min(demandMax, inFlight.room, ports.rate.remaining))
    const messages = yield* orDone(pull(demand))
    if (messages === undefined) slot.isDone = true
    else if (messages.length === 0) yield* Effect.sleep(emptyPause)
    else {
      for (const message of messages) slot.held.push(message)
      slot.received += messages.length
      slot.lastMillis = yield* Monotonic.millis
    }
  }
  yield* passOn(slot, ports)
})

const orDone = <In, E, R>(
  pulled: Effect.Effect<ReadonlyArray<In>, E | Cause.Done, R>
): Effect.Effect<ReadonlyArray<In> | undefined, E, R> =>
  // boundary: `Exclude<E, Done>` is E, for a producer's own failure is never `Done`
  Effect.catchIf(pulled, Cause.isDone, () => Effect.void) as Effect.Effect<
    ReadonlyArray<In> | undefined,
    E,
    R
  >

/** Puts what a producer holds in flight, as room and rate allow. */
export const passOn = Effect.fnUntraced(function*<In, E, RA>(slot: ProducerSlot<In>, ports: ProducerPorts<In, E, RA>) {
  const { inFlight } = ports.settlement
  while (slot.held.length > 0) {
    yield* inFlight.awaitRoom
    yield* ports.rate.awaitOpen
    const count = Math.min(slot.held.length, inFlight.room, ports.rate.remaining)
    if (count === 0) continue
    ports.rate.use(count)
    yield* send(slot.held.splice(0, count), ports)
  }
})

/** One whose partition cannot be told is rejected on the spot. */
const send = <In, E, RA>(
  messages: ReadonlyArray<In>,
  ports: ProducerPorts<In, E, RA>
): Effect.Effect<void, never, RA> =>
  Effect.uninterruptible(Effect.suspend(() => {
    ports.settlement.inFlight.add(messages.length)
    const lanes: Array<Array<Envelope<In>>> = ports.inboxes.map(() => [])
    const unplaced: Array<{ readonly envelope: Envelope<In>; readonly defect: unknown }> = []
    for (const message of messages) {
      try {
        const partition = ports.partitionBy?.(message)
        const lane = partition === undefined ? 0 : laneOf(partition, lanes.length)
        lanes[lane]?.push({ message, partition, route: undefined, isSettled: false })
      } catch (defect) {
        unplaced.push({ envelope: { message, partition: undefined, route: undefined, isSettled: false }, defect })
      }
    }
    ports.unprocessed.add(messages.length - unplaced.length)
    const rejected = unplaced.map(({ envelope, defect }) => ({
      envelope,
      stage: "producer",
      outcome: crashed("defect", Cause.die(defect))
    }))
    // Each inbox is as long as the limit of messages in flight, so all of them fit.
    ports.inboxes.forEach((inbox, index) => Queue.offerAllUnsafe(inbox, lanes[index] ?? []))
    return ports.settlement.settle([], rejected)
  }))

const watchProducer = Effect.fnUntraced(function*<In, R, E, RA>(
  watch: StallWatch<R>,
  slot: ProducerSlot<In>,
  ports: ProducerPorts<In, E, RA>
) {
  slot.lastMillis = yield* Monotonic.millis
  while (true) {
    yield* Effect.sleep(watch.after)
    const silentMillis = (yield* Monotonic.millis) - slot.lastMillis
    const mayPull = ports.settlement.inFlight.room > 0 && slot.held.length === 0
    if (!mayPull || silentMillis < Duration.toMillis(watch.after)) continue
    // A source that cannot even say what is pending is no reason to connect it anew: its pull will fail by itself.
    const pending = yield* Effect.option(Effect.timeout(watch.pending, watch.after))
    if (Option.isSome(pending) && pending.value > 0) {
      return yield* new ProducerStalled({
        pipeline: watch.pipeline,
        producer: slot.index,
        pending: pending.value,
        silentMillis
      })
    }
  }
})
