/**
 * The processors: `concurrency` workers, each taking at most `demandMax` messages at once and handling them one after
 * the other. Without partitions they share an inbox; with `partitionBy` each has its own, so one key keeps its order.
 *
 * A handler cannot end a worker: what it fails with, throws or dies of becomes the message's outcome. A worker that
 * ends nevertheless ends them all, and their unfinished messages are rejected as `stage_ended`.
 */
import { Cause, Effect, Exit, Queue } from "effect"
import { crashed } from "../../../domain/pipeline/Outcome.ts"
import type { MessageResult } from "../../../domain/pipeline/PipelineEvent.ts"
import { rejection, type Route } from "../Batch.ts"
import type { Telemetry } from "../Telemetry.ts"
import type { Inbox } from "./BatcherStage.ts"
import type { InFlight } from "./InFlight.ts"
import type { Envelope, RejectedEnvelope, Settlement } from "./Settlement.ts"

export interface ProcessorPorts<In, E, RA> {
  /** One, or one for each worker. */
  readonly inboxes: ReadonlyArray<Queue.Dequeue<Envelope<In>>>
  readonly batchers: ReadonlyMap<string, Queue.Enqueue<Inbox<In>>>
  readonly settlement: Settlement<In, E, RA>
  /** Messages that no processor has finished: a drain flushes the batchers when there are none left. */
  readonly unprocessed: InFlight
  readonly telemetry: Telemetry
}

interface Work<In, E, R> {
  readonly concurrency: number
  readonly demandMax: number
  readonly handle: (message: In) => Effect.Effect<Route | void, E, R>
}

/** What became of one taken chunk. */
interface Sorted<In, E> {
  readonly ok: Array<Envelope<In>>
  readonly rejected: Array<RejectedEnvelope<In, E>>
  readonly routed: Map<string, Array<Envelope<In>>>
}

export const runProcessors = <In, E, R, EB, RA>(
  work: Work<In, E, R>,
  ports: ProcessorPorts<In, E | EB, RA>
): Effect.Effect<void, never, R | RA> =>
  Effect.forEach(
    Array.from({ length: work.concurrency }, (_, index) => index),
    (index) => worker(work, ports, index),
    { concurrency: "unbounded", discard: true }
  )

const worker = <In, E, R, EB, RA>(
  work: Work<In, E, R>,
  ports: ProcessorPorts<In, E | EB, RA>,
  index: number
): Effect.Effect<void, never, R | RA> => {
  const inbox = ports.inboxes[index % ports.inboxes.length]
  if (inbox === undefined) return Effect.die(new Error("a processor without an inbox"))
  let held: ReadonlyArray<Envelope<In>> = []
  let chunkId = 0
  const done = (finished: boolean) => {
    if (held.length === 0) return
    ports.unprocessed.remove(held.length)
    held = []
    ports.telemetry.emit({ _tag: "processor.stop", id: chunkId, processor: index, finished })
  }
  const life = Effect.gen(function*() {
    while (true) {
      held = yield* Queue.takeBetween(inbox, 1, work.demandMax)
      chunkId = ports.telemetry.nextId()
      ports.telemetry.emit({ _tag: "processor.start", id: chunkId, processor: index, size: held.length })
      const sorted: Sorted<In, E> = { ok: [], rejected: [], routed: new Map() }
      for (const envelope of held) {
        const exit = yield* (ports.telemetry.isOn ? observed(work, ports, index, envelope) : attempt(work, envelope))
        sort(sorted, envelope, exit, ports)
      }
      yield* Effect.uninterruptible(Effect.suspend(() => {
        for (const [name, envelopes] of sorted.routed) forward(ports, name, envelopes)
        return Effect.map(ports.settlement.settle(sorted.ok, sorted.rejected), () => done(true))
      }))
    }
  })
  return Effect.ensuring(
    life,
    Effect.suspend(() => Effect.map(ports.settlement.crash(held, "processor", "stage_ended"), () => done(false)))
  )
}

const attempt = <In, E, R>(
  work: Work<In, E, R>,
  { message }: Envelope<In>
): Effect.Effect<Exit.Exit<Route | void, E>, never, R> => Effect.exit(call(work.handle, message))

/** A handler may be no more than a function that throws. */
const call = <In, A, E, R>(handle: (message: In) => Effect.Effect<A, E, R>, message: In): Effect.Effect<A, E, R> => {
  try {
    return handle(message)
  } catch (defect) {
    return Effect.die(defect)
  }
}

const observed = <In, E, R, EB, RA>(
  work: Work<In, E, R>,
  { telemetry }: ProcessorPorts<In, E | EB, RA>,
  processor: number,
  envelope: Envelope<In>
): Effect.Effect<Exit.Exit<Route | void, E>, never, R> =>
  Effect.suspend(() => {
    const id = telemetry.nextId()
    telemetry.emit({ _tag: "message.start", id, processor })
    return Effect.onExit(attempt(work, envelope), (outer) =>
      Effect.sync(() => {
        const result = Exit.isSuccess(outer) ? resultOf(outer.value) : "stage_ended"
        telemetry.emit({ _tag: "message.stop", id, processor, result })
      }))
  })

const resultOf = (exit: Exit.Exit<Route | void, unknown>): MessageResult => {
  if (Exit.isSuccess(exit)) return exit.value === undefined ? "ok" : "routed"
  return rejection(exit.cause)._tag === "Failed" ? "failed" : "defect"
}

const sort = <In, E, EB, RA>(
  sorted: Sorted<In, E>,
  envelope: Envelope<In>,
  exit: Exit.Exit<Route | void, E>,
  { batchers }: ProcessorPorts<In, E | EB, RA>
): void => {
  if (Exit.isFailure(exit)) {
    sorted.rejected.push({ envelope, stage: "processor", outcome: rejection(exit.cause) })
    return
  }
  const route = exit.value ?? undefined
  if (route === undefined) {
    sorted.ok.push(envelope)
    return
  }
  if (!batchers.has(route.batcher)) {
    sorted.rejected.push({ envelope, stage: "processor", outcome: crashed("unknown_batcher", Cause.empty) })
    return
  }
  envelope.route = route
  const routed = sorted.routed.get(route.batcher)
  if (routed === undefined) sorted.routed.set(route.batcher, [envelope])
  else routed.push(envelope)
}

const forward = <In, E, RA>(
  { batchers }: ProcessorPorts<In, E, RA>,
  name: string,
  envelopes: ReadonlyArray<Envelope<In>>
): void => {
  const inbox = batchers.get(name)
  if (inbox !== undefined) Queue.offerAllUnsafe(inbox, envelopes)
}
