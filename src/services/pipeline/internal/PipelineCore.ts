/**
 * The parts of one pipeline and the stages made of them. The parts outlive the stages: what waits in an inbox when a
 * stage crashes is there for the stage's next life.
 */
import { Duration, Effect, Latch } from "effect"
import * as Backoff from "../../../domain/backoff/Backoff.ts"
import * as Standstill from "../../../domain/pipeline/Standstill.ts"
import * as Monotonic from "../../clock/Monotonic.ts"
import * as Supervisor from "../../supervision/Supervisor.ts"
import type { Batcher } from "../Batcher.ts"
import type { PipelineOptions, Settings } from "../PipelineOptions.ts"
import { Telemetry } from "../Telemetry.ts"
import type { BatcherEntry } from "./BatcherStage.ts"
import type { Envelope } from "./Envelope.ts"
import { Inbox } from "./Inbox.ts"
import { InFlight } from "./InFlight.ts"
import * as Metrics from "./PipelineMetrics.ts"
import { runProcessors } from "./ProcessorStage.ts"
import { passOn, type ProducerSlot, runProducer } from "./ProducerStage.ts"
import { RateGate } from "./RateGate.ts"
import { Settlement } from "./Settlement.ts"

export type Typed<In, EP, RP, EH, RH, RA, EB, RB, O> = PipelineOptions<
  In,
  EP,
  RP,
  EH,
  RH,
  RA,
  ReadonlyArray<Batcher<string, never, EB, RB>>,
  O
>

export const makeCore = Effect.fnUntraced(function*<In, EP, RP, EH, RH, RA, EB, RB, O>(
  options: Typed<In, EP, RP, EH, RH, RA, EB, RB, O>,
  settings: Settings
) {
  type E = EH | EB
  const telemetry = new Telemetry(options.name, options.observe)
  const metrics = Metrics.make(options.name)
  // boundary: `O` is `undefined` where no options are given, which its default says and inference keeps.
  const acknowledgeOptions = options.acknowledgeOptions as O
  const settlement = new Settlement<In, E, O, RA>(new InFlight(settings.inFlightMax, settings.demandMin), {
    acknowledge: options.acknowledge,
    onRejected: options.onRejected,
    hasOptions: options.acknowledgeOptions !== undefined,
    limit: settings.acknowledgeTimeout,
    metrics
  }, telemetry)
  const isPartitioned = options.partitionBy !== undefined
  const inboxes = Array.from(
    { length: isPartitioned ? settings.concurrency : 1 },
    () => new Inbox<Envelope<In, E, O>>()
  )
  const batchers = new Map<string, Inbox<BatcherEntry<In, E, O>>>(
    (options.batchers ?? []).map(({ name }) => [name, new Inbox<BatcherEntry<In, E, O>>()])
  )
  const slots = Array.from({ length: settings.producers }, (_, index): ProducerSlot<In, E, O> => ({
    index,
    held: [],
    received: 0,
    failures: 0,
    isDone: false
  }))
  const ports = {
    inboxes,
    batchers,
    settlement,
    telemetry,
    metrics,
    isPartitioned,
    partitionBy: options.partitionBy,
    options: acknowledgeOptions,
    unprocessed: new InFlight(Infinity),
    rate: new RateGate(options.rateLimit)
  }
  return { options, settings, slots, ports, sourceEnded: Latch.makeUnsafe(false), stall: { isStalled: false } }
})

export type Core<In, EP, RP, EH, RH, RA, EB, RB, O> = Effect.Success<
  ReturnType<typeof makeCore<In, EP, RP, EH, RH, RA, EB, RB, O>>
>

/** A source that is away is asked again and again, ever more seldom: its outage is no reason to end the pipeline. */
const producerBackoff = { schedule: Backoff.capped({ from: "1 second", to: "30 seconds" }) }

/** The tree of the header of `Pipeline.ts`. */
export const startStages = <In, EP, RP, EH, RH, RA, EB, RB, O>(core: Core<In, EP, RP, EH, RH, RA, EB, RB, O>) => {
  const { options, settings } = core
  // A stage that is told to stop finishes the acknowledgement it is at, and acknowledges what it held.
  const shutdown = Duration.sum(Duration.times(settings.acknowledgeTimeout, 2), Duration.seconds(1))
  const intensity = options.intensity === undefined ? {} : { intensity: options.intensity }
  return Supervisor.start({
    id: options.name,
    strategy: "rest_for_one",
    ...intensity,
    children: [
      Supervisor.supervisor({
        id: "producers",
        strategy: "one_for_one",
        restart: "permanent",
        ...intensity,
        children: core.slots.map((slot) => producerChild(core, slot))
      }),
      Supervisor.child({ id: "processors", shutdown, run: processors(core) }),
      Supervisor.supervisor({
        id: "batchers",
        strategy: "one_for_one",
        ...intensity,
        children: (options.batchers ?? []).map((batcher) => batcherChild(core, batcher, shutdown))
      }),
      Supervisor.child({ id: "monitor", run: monitor(core) })
    ]
  })
}

const producerChild = <In, EP, RP, EH, RH, RA, EB, RB, O>(
  core: Core<In, EP, RP, EH, RH, RA, EB, RB, O>,
  slot: ProducerSlot<In, EH | EB, O>
) => {
  const { options, settings } = core
  const demandMax = Math.ceil(settings.inFlightMax / settings.producers)
  const watch = options.pending === undefined
    ? undefined
    : { pipeline: options.name, after: settings.stallAfter, pending: options.pending }
  return Supervisor.child({
    id: `producer-${slot.index}`,
    restart: "transient",
    ...(options.backoff === "none" ? {} : { backoff: options.backoff ?? producerBackoff }),
    run: Effect.tap(runProducer(options.producer, slot, demandMax, watch, core.ports), () =>
      Effect.sync(() => {
        if (core.slots.every(({ isDone }) => isDone)) core.sourceEnded.openUnsafe()
      }))
  })
}

const processors = <In, EP, RP, EH, RH, RA, EB, RB, O>({
  options: { acknowledgeOptions, handle, prepareMessages },
  ports,
  settings: { concurrency, demandMax }
}: Core<In, EP, RP, EH, RH, RA, EB, RB, O>) =>
  runProcessors(
    { concurrency, demandMax, prepare: prepareMessages, hasOptions: acknowledgeOptions !== undefined, handle },
    ports
  )

const batcherChild = <In, EP, RP, EH, RH, RA, EB, RB, O>(
  core: Core<In, EP, RP, EH, RH, RA, EB, RB, O>,
  batcher: Batcher<string, never, EB, RB>,
  shutdown: Duration.Duration
) => {
  const inbox = core.ports.batchers.get(batcher.name)
  return Supervisor.child({
    id: batcher.name,
    shutdown,
    run: inbox === undefined
      ? Effect.die(new Error("a batcher without an inbox"))
      : batcher.run<In, EH, O, RA>({ ...core.ports, inbox })
  })
}

/** Reports a standstill once, until messages are settled again. It restarts nothing: a slow handler is not a dead one. */
const monitor = Effect.fnUntraced(function*<In, EP, RP, EH, RH, RA, EB, RB, O>(
  { ports: { settlement, telemetry, metrics }, settings, options, stall }: Core<In, EP, RP, EH, RH, RA, EB, RB, O>
) {
  let standstill = Standstill.start(yield* Monotonic.millis)
  while (true) {
    yield* Effect.sleep(Duration.times(settings.stallAfter, 0.5))
    const now = yield* Monotonic.millis
    const inFlight = settlement.inFlight.count
    standstill = Standstill.observe(standstill, inFlight, settlement.settled, now)
    const silentMillis = Standstill.standingMillis(standstill, now)
    if (silentMillis === 0) {
      stall.isStalled = false
    } else if (!stall.isStalled && silentMillis >= Duration.toMillis(settings.stallAfter)) {
      stall.isStalled = true
      telemetry.emit({ _tag: "stalled", inFlight, silentMillis: Math.round(silentMillis) })
      yield* metrics.stalled
      yield* Effect.logWarning(`Pipeline ${options.name}: ${inFlight} messages in flight, none settled`)
    }
  }
})

/**
 * Lets everything through, once the producers have stopped: each wait ends when the stage before is empty. A producer
 * that cannot be stopped may bring more meanwhile, so it goes round until nothing is left; from then on nothing is
 * received any more.
 */
export const empty = Effect.fnUntraced(function*<In, EP, RP, EH, RH, RA, EB, RB, O>(
  { ports, slots }: Core<In, EP, RP, EH, RH, RA, EB, RB, O>
) {
  const { settlement } = ports
  ports.rate.change(undefined)
  const isEmpty = Effect.sync(() => {
    if (settlement.ledger.size > 0 || settlement.inFlight.count > 0) return false
    settlement.isClosed = true
    return true
  })
  while (!(yield* isEmpty)) {
    for (const slot of slots) yield* passOn(slot, ports)
    yield* ports.unprocessed.awaitIdle
    for (const inbox of ports.batchers.values()) inbox.offer("flush")
    yield* settlement.inFlight.awaitIdle
  }
})

/** An outcome for whatever is left when no stage runs any more, and the end of those that are on their way. */
export const abandon = Effect.fnUntraced(function*<In, EP, RP, EH, RH, RA, EB, RB, O>(
  { ports: { settlement }, slots }: Core<In, EP, RP, EH, RH, RA, EB, RB, O>
) {
  const settled = Effect.suspend(() =>
    settlement.abandon(slots.reduce((sum, slot) => sum + slot.held.splice(0).length, 0))
  )
  yield* Effect.andThen(settled, settlement.inFlight.awaitIdle)
})
