/**
 * A batcher at work: one fiber that gathers, and a worker per batch handled at once. They live and end together, as the
 * processes of a Broadway batcher do; batches that the stage still has when it ends are rejected as `stage_ended`,
 * while messages in its inbox stay for the next life of the stage.
 */
import { Cause, Duration, Effect, Exit, Queue } from "effect"
import { ChurningSet } from "../../../domain/churn/ChurningSet.ts"
import { BatchAccumulation, type BatchLimits, type ClosedBatch } from "../../../domain/pipeline/BatchAccumulation.ts"
import { type Crashed, crashed } from "../../../domain/pipeline/Outcome.ts"
import { laneOf } from "../../../domain/pipeline/Partition.ts"
import * as Monotonic from "../../clock/Monotonic.ts"
import { type Batch, judge, type Route, type Verdicts } from "../Batch.ts"
import type { Telemetry } from "../Telemetry.ts"
import type { Envelope } from "./Envelope.ts"
import type { Inbox } from "./Inbox.ts"
import type { PipelineMetrics } from "./PipelineMetrics.ts"
import type { RejectedEnvelope, Settlement } from "./Settlement.ts"

/** `flush` closes the open batches, when a drain has emptied the processors. */
export type BatcherEntry<In, E, O> = Envelope<In, E, O> | "flush"

export interface BatcherPorts<In, E, O, RA> {
  readonly inbox: Inbox<BatcherEntry<In, E, O>>
  readonly settlement: Settlement<In, E, O, RA>
  readonly telemetry: Telemetry
  readonly metrics: PipelineMetrics
  readonly isPartitioned: boolean
}

interface Work<V, E, R> {
  readonly name: string
  readonly concurrency: number
  readonly batching: BatchLimits<V>
  readonly handle: (batch: Batch<V>) => Effect.Effect<Verdicts<E> | void, E, R>
  readonly isHere: (route: Route) => route is Route & { readonly value: V }
}

type Ready<V, In, E, O> = ClosedBatch<V, Envelope<In, E, O>>

/** Messages taken from the inbox at once. */
const takeMax = 1024

export const runBatcher = <V, E, R, In, EP, O, RA>(
  work: Work<V, E, R>,
  ports: BatcherPorts<In, E | EP, O, RA>
): Effect.Effect<void, never, R | RA> =>
  Effect.suspend(() => {
    const held = new ChurningSet<Envelope<In, E | EP, O>>()
    const ended = Effect.suspend(() => ports.settlement.stageEnded([...held], work.name))
    return Effect.ensuring(
      Effect.flatMap(makeLanes<V, In, E | EP, O>(work, ports), (lanes) => live(work, ports, held, lanes)),
      ended
    )
  })

/** A queue per worker when partitions must keep their order, else one for all. */
const makeLanes = <V, In, E, O>(work: { readonly concurrency: number }, ports: { readonly isPartitioned: boolean }) =>
  Effect.all(
    Array.from({ length: ports.isPartitioned ? work.concurrency : 1 }, () => Queue.bounded<Ready<V, In, E, O>>(1))
  )

const live = <V, E, R, In, EP, O, RA>(
  work: Work<V, E, R>,
  ports: BatcherPorts<In, E | EP, O, RA>,
  held: ChurningSet<Envelope<In, E | EP, O>>,
  lanes: ReadonlyArray<Queue.Queue<Ready<V, In, E | EP, O>>>
): Effect.Effect<void, never, R | RA> => {
  const workers = Array.from(
    { length: work.concurrency },
    (_, index) =>
      Effect.flatMap(
        laneAt(lanes, index),
        (lane) => Effect.forever(Effect.flatMap(Queue.take(lane), (ready) => handleBatch(work, ports, held, ready)))
      )
  )
  return Effect.all([gather(work, ports, held, lanes), ...workers], { concurrency: "unbounded", discard: true })
}

const laneAt = <A>(lanes: ReadonlyArray<A>, index: number): Effect.Effect<A> => {
  const lane = lanes[index % lanes.length]
  return lane === undefined ? Effect.die(new Error("a batcher without lanes")) : Effect.succeed(lane)
}

const gather = Effect.fnUntraced(function*<V, E, R, In, EP, O, RA>(
  work: Work<V, E, R>,
  ports: BatcherPorts<In, E | EP, O, RA>,
  held: ChurningSet<Envelope<In, E | EP, O>>,
  lanes: ReadonlyArray<Queue.Queue<Ready<V, In, E | EP, O>>>
) {
  const open = new BatchAccumulation<V, Envelope<In, E | EP, O>>(work.batching)
  const take = Effect.sync(() => {
    const entries = ports.inbox.take(takeMax)
    for (const entry of entries) if (entry !== "flush") held.add(entry)
    return entries
  })
  while (true) {
    yield* awaitInbox(ports.inbox, open.dueMillis)
    const taken = yield* take
    const now = yield* Monotonic.millis
    // What is due goes first, so that a busy inbox cannot make a batch late.
    const ready: Array<Ready<V, In, E | EP, O>> = [...open.due(now)]
    for (const entry of taken) {
      if (entry === "flush") ready.push(...open.flush())
      else {
        const rejected = add(work, ports.isPartitioned, open, entry, now, lanes.length, ready)
        if (rejected === undefined) continue
        held.delete(entry)
        yield* ports.settlement.settle([], [{ envelope: entry, stage: work.name, outcome: rejected }])
      }
    }
    for (const closed of ready) yield* Queue.offer(yield* laneAt(lanes, closed.batch.lane), closed)
  }
})

/** Waits for a message or for the oldest batch to fall due. */
const awaitInbox = (inbox: Inbox<unknown>, dueMillis: number | undefined): Effect.Effect<unknown> => {
  if (inbox.size > 0) return Effect.void
  if (dueMillis === undefined) return inbox.awaitFilled
  return Effect.flatMap(Monotonic.millis, (now) =>
    dueMillis <= now
      ? Effect.void
      : Effect.timeoutOption(inbox.awaitFilled, Duration.millis(Math.ceil(dueMillis - now))))
}

/** Adds one message. `bytesOf` and `closes` are the user's and may throw, which rejects this message alone. */
const add = <V, E, R, In, EP, O>(
  work: Work<V, E, R>,
  isPartitioned: boolean,
  open: BatchAccumulation<V, Envelope<In, E | EP, O>>,
  envelope: Envelope<In, E | EP, O>,
  nowMillis: number,
  lanes: number,
  ready: Array<Ready<V, In, E | EP, O>>
): Crashed | undefined => {
  const { batchMode, partition, route } = envelope
  if (route === undefined || !work.isHere(route)) return crashed("unknown_batcher", Cause.empty)
  try {
    const lane = isPartitioned && partition !== undefined ? laneOf(partition, lanes) : 0
    for (const closed of open.add(route.value, envelope, route.key, lane, nowMillis, batchMode === "flush")) {
      ready.push(closed)
    }
    return undefined
  } catch (defect) {
    return crashed("defect", Cause.die(defect))
  }
}

/** Runs the handler, contained, and settles the batch; interrupted, it still gives each message its outcome. */
const handleBatch = <V, E, R, In, EP, O, RA>(
  work: Work<V, E, R>,
  { settlement, telemetry, metrics }: BatcherPorts<In, E | EP, O, RA>,
  held: ChurningSet<Envelope<In, E | EP, O>>,
  { trigger, batch: { key, values, items } }: Ready<V, In, E | EP, O>
): Effect.Effect<void, never, R | RA> =>
  Effect.uninterruptibleMask((restore) => {
    const id = telemetry.nextId()
    telemetry.emit({ _tag: "batch.start", id, batcher: work.name, key, size: values.length, trigger })
    return Effect.suspend(() => work.handle({ batcher: work.name, key, trigger, values })).pipe(
      restore,
      Effect.exit,
      Effect.flatMap((exit) => {
        const ok: Array<Envelope<In, E | EP, O>> = []
        const rejected: Array<RejectedEnvelope<In, E | EP, O>> = []
        const verdict = judge(exit)
        items.forEach((envelope, index) => {
          const outcome = verdict(index)
          if (outcome === undefined) ok.push(envelope)
          else rejected.push({ envelope, stage: work.name, outcome })
        })
        // Only now: had the verdicts been no list, the stage would have to reject what it held.
        for (const envelope of items) held.delete(envelope)
        return Effect.andThen(
          metrics.batched(work.name, trigger, values.length),
          settlement.settle(ok, rejected)
        )
      }),
      Effect.onExit((exit) =>
        Effect.sync(() => {
          const tally = Exit.isSuccess(exit) ? exit.value : { ok: 0, failed: 0, crashed: values.length }
          telemetry.emit({ _tag: "batch.stop", id, batcher: work.name, tally })
        })
      ),
      Effect.asVoid
    )
  })
