/**
 * The processors: `concurrency` workers, each taking at most `demandMax` messages at once and handling them one after
 * the other. Without partitions they share an inbox; with `partitionBy` each has its own, so one key keeps its order.
 *
 * A handler cannot end a worker: what it fails with, throws or dies of becomes the message's outcome. A worker that
 * ends nevertheless ends them all; their messages that were handled keep what the handler came to, the others are
 * rejected as `stage_ended`.
 */
import { Cause, Effect, Exit } from "effect"
import { crashed } from "../../../domain/pipeline/Outcome.ts"
import type { MessageResult } from "../../../domain/pipeline/PipelineEvent.ts"
import { rejection, type Route } from "../Batch.ts"
import type { MessageContext } from "../PipelineOptions.ts"
import type { Telemetry } from "../Telemetry.ts"
import type { BatcherEntry } from "./BatcherStage.ts"
import type { Envelope } from "./Envelope.ts"
import type { Inbox } from "./Inbox.ts"
import type { InFlight } from "./InFlight.ts"
import type { RejectedEnvelope, Settlement } from "./Settlement.ts"

export interface ProcessorPorts<In, E, O, RA> {
  /** One, or one for each worker. */
  readonly inboxes: ReadonlyArray<Inbox<Envelope<In, E, O>>>
  readonly batchers: ReadonlyMap<string, Inbox<BatcherEntry<In, E, O>>>
  readonly settlement: Settlement<In, E, O, RA>
  /** Messages that no processor has finished: a drain flushes the batchers when there are none left. */
  readonly unprocessed: InFlight
  readonly telemetry: Telemetry
}

interface Work<In, E, O, R> {
  readonly concurrency: number
  readonly demandMax: number
  readonly prepare: ((messages: ReadonlyArray<In>) => Effect.Effect<ReadonlyArray<In>, E, R>) | undefined
  readonly hasOptions: boolean
  readonly handle: (message: In, context: MessageContext<O>) => Effect.Effect<Route | void, E, R>
}

/** What became of one taken chunk. */
interface Sorted<In, E, O> {
  readonly ok: Array<Envelope<In, E, O>>
  readonly rejected: Array<RejectedEnvelope<In, E, O>>
  readonly routed: Map<string, Array<Envelope<In, E, O>>>
}

export const runProcessors = <In, E, R, EB, O, RA>(
  work: Work<In, E, O, R>,
  ports: ProcessorPorts<In, E | EB, O, RA>
): Effect.Effect<void, never, R | RA> =>
  Effect.forEach(
    Array.from({ length: work.concurrency }, (_, index) => index),
    (index) => worker(work, ports, index),
    { concurrency: "unbounded", discard: true }
  )

const worker = <In, E, R, EB, O, RA>(
  work: Work<In, E, O, R>,
  ports: ProcessorPorts<In, E | EB, O, RA>,
  index: number
): Effect.Effect<void, never, R | RA> => {
  const inbox = ports.inboxes[index % ports.inboxes.length]
  if (inbox === undefined) return Effect.die(new Error("a processor without an inbox"))
  let held: ReadonlyArray<Envelope<In, E | EB, O>> = []
  let chunkId = 0
  const take = Effect.sync(() => {
    held = inbox.take(work.demandMax)
    if (held.length === 0) return
    chunkId = ports.telemetry.nextId()
    ports.telemetry.emit({ _tag: "processor.start", id: chunkId, processor: index, size: held.length })
  })
  const done = (finished: boolean) => {
    if (held.length === 0) return
    const { length } = held
    held = []
    ports.telemetry.emit({ _tag: "processor.stop", id: chunkId, processor: index, finished })
    // Last: who waits for this goes on at once.
    ports.unprocessed.remove(length)
  }
  const life = Effect.gen(function*() {
    while (true) {
      yield* inbox.awaitFilled
      yield* take
      if (held.length === 0) continue
      const sorted: Sorted<In, E | EB, O> = { ok: [], rejected: [], routed: new Map() }
      const problem = work.prepare === undefined ? undefined : yield* prepare(work.prepare, held)
      for (const envelope of held) {
        const exit = problem ??
          (yield* (ports.telemetry.isOn ? observed(work, ports, index, envelope) : attempt(work, envelope)))
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
    Effect.suspend(() => Effect.map(ports.settlement.stageEnded(held, "processor"), () => done(false)))
  )
}

/** Puts what was prepared into the envelopes; answers why none of them can be handled, if so. */
const prepare = <In, E, EB, O, R>(
  call: (messages: ReadonlyArray<In>) => Effect.Effect<ReadonlyArray<In>, E, R>,
  held: ReadonlyArray<Envelope<In, E | EB, O>>
): Effect.Effect<Exit.Exit<never, E> | undefined, never, R> =>
  Effect.map(
    Effect.exit(Effect.suspend(() => call(held.map(({ message }) => message)))),
    (exit): Exit.Exit<never, E> | undefined => {
      if (Exit.isFailure(exit)) return Exit.failCause(exit.cause)
      const prepared = exit.value
      if (prepared.length !== held.length) {
        return Exit.die(new Error(`prepareMessages answered ${prepared.length} messages for ${held.length}`))
      }
      held.forEach((envelope, index) => {
        envelope.prepared = prepared[index] ?? envelope.message
      })
      return undefined
    }
  )

const attempt = <In, E, EB, O, R>(
  work: Work<In, E, O, R>,
  envelope: Envelope<In, E | EB, O>
): Effect.Effect<Exit.Exit<Route | void, E>, never, R> => Effect.exit(call(work, envelope))

/** A handler may be no more than a function that throws. */
const call = <In, E, EB, O, R>(
  work: Work<In, E, O, R>,
  envelope: Envelope<In, E | EB, O>
): Effect.Effect<Route | void, E, R> => {
  try {
    const handled = work.handle(envelope.prepared, work.hasOptions ? contextOf(envelope) : withoutOptions)
    return Effect.isEffect(handled) ? handled : Effect.die(new Error("a handler answered no Effect"))
  } catch (defect) {
    return Effect.die(defect)
  }
}

/** Nobody hears of options when none were given to begin with. */
const withoutOptions: MessageContext<unknown> = { configureAcknowledge: () => {} }

const contextOf = <In, E, O>(envelope: Envelope<In, E, O>): MessageContext<O> => ({
  configureAcknowledge: (options) => {
    envelope.options = options
  }
})

const observed = <In, E, R, EB, O, RA>(
  work: Work<In, E, O, R>,
  { telemetry }: ProcessorPorts<In, E | EB, O, RA>,
  processor: number,
  envelope: Envelope<In, E | EB, O>
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

const sort = <In, E, EB, O, RA>(
  sorted: Sorted<In, E | EB, O>,
  envelope: Envelope<In, E | EB, O>,
  exit: Exit.Exit<Route | void, E>,
  { batchers }: ProcessorPorts<In, E | EB, O, RA>
): void => {
  if (Exit.isFailure(exit)) return reject(sorted, envelope, rejection(exit.cause))
  const route = exit.value ?? undefined
  if (route === undefined) {
    envelope.verdict = "ok"
    sorted.ok.push(envelope)
    return
  }
  if (!batchers.has(route.batcher)) return reject(sorted, envelope, crashed("unknown_batcher", Cause.empty))
  envelope.route = route
  const routed = sorted.routed.get(route.batcher)
  if (routed === undefined) sorted.routed.set(route.batcher, [envelope])
  else routed.push(envelope)
}

const reject = <In, E, O>(
  sorted: Sorted<In, E, O>,
  envelope: Envelope<In, E, O>,
  outcome: RejectedEnvelope<In, E, O>["outcome"]
): void => {
  envelope.verdict = outcome
  sorted.rejected.push({ envelope, stage: "processor", outcome })
}

const forward = <In, E, O, RA>(
  { batchers }: ProcessorPorts<In, E, O, RA>,
  name: string,
  envelopes: ReadonlyArray<Envelope<In, E, O>>
): void => batchers.get(name)?.offerAll(envelopes)
