/**
 * The parts of one pipeline and the stages made of them. The parts outlive the stages: what waits in an inbox when a
 * stage crashes is there for the stage's next life.
 */
import { Duration, Effect, Latch, Queue } from "effect"
import * as Monotonic from "../../clock/Monotonic.ts"
import * as Supervisor from "../../supervision/Supervisor.ts"
import type { Batcher } from "../Batcher.ts"
import type { PipelineOptions, Settings } from "../PipelineOptions.ts"
import { Telemetry } from "../Telemetry.ts"
import type { Inbox } from "./BatcherStage.ts"
import { InFlight } from "./InFlight.ts"
import * as Metrics from "./PipelineMetrics.ts"
import { runProcessors } from "./ProcessorStage.ts"
import { passOn, type ProducerSlot, runProducer } from "./ProducerStage.ts"
import { RateGate } from "./RateGate.ts"
import { type Envelope, Settlement } from "./Settlement.ts"

export type Typed<In, EP, RP, EH, RH, RA, EB, RB> = PipelineOptions<
  In,
  EP,
  RP,
  EH,
  RH,
  RA,
  ReadonlyArray<Batcher<string, never, EB, RB>>
>

export const makeCore = Effect.fnUntraced(function*<In, EP, RP, EH, RH, RA, EB, RB>(
  options: Typed<In, EP, RP, EH, RH, RA, EB, RB>,
  settings: Settings
) {
  const telemetry = new Telemetry(options.observe)
  const metrics = Metrics.make(options.name)
  const settlement = new Settlement<In, EH | EB, RA>(new InFlight(settings.inFlightMax), {
    acknowledge: options.acknowledge,
    onRejected: options.onRejected,
    limit: settings.acknowledgeTimeout,
    metrics
  }, telemetry)
  const isPartitioned = options.partitionBy !== undefined
  const inboxes = yield* Effect.all(
    Array.from(
      { length: isPartitioned ? settings.concurrency : 1 },
      () => Queue.bounded<Envelope<In>>(settings.inFlightMax)
    )
  )
  const batchers = new Map<string, Queue.Queue<Inbox<In>>>()
  // One place more than messages can be in flight, for the flush.
  for (const { name } of options.batchers ?? []) {
    batchers.set(name, yield* Queue.bounded<Inbox<In>>(settings.inFlightMax + 1))
  }
  const now = yield* Monotonic.millis
  const slots = Array.from({ length: settings.producers }, (_, index): ProducerSlot<In> => ({
    index,
    held: [],
    received: 0,
    lastMillis: now,
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
    unprocessed: new InFlight(Infinity),
    rate: new RateGate(options.rateLimit)
  }
  return { options, settings, slots, ports, sourceEnded: Latch.makeUnsafe(false), stall: { isStalled: false } }
})

export type Core<In, EP, RP, EH, RH, RA, EB, RB> = Effect.Success<
  ReturnType<typeof makeCore<In, EP, RP, EH, RH, RA, EB, RB>>
>

/** The tree of the header of `Pipeline.ts`. */
export const startStages = <In, EP, RP, EH, RH, RA, EB, RB>(core: Core<In, EP, RP, EH, RH, RA, EB, RB>) => {
  const { options, settings } = core
  // A stage that is told to stop finishes the acknowledgement it is at.
  const shutdown = Duration.sum(settings.acknowledgeTimeout, Duration.seconds(1))
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

const producerChild = <In, EP, RP, EH, RH, RA, EB, RB>(
  core: Core<In, EP, RP, EH, RH, RA, EB, RB>,
  slot: ProducerSlot<In>
) => {
  const { options, settings } = core
  const demandMax = Math.ceil(settings.inFlightMax / settings.producers)
  const watch = options.pending === undefined
    ? undefined
    : { pipeline: options.name, after: settings.stallAfter, pending: options.pending }
  return Supervisor.child({
    id: `producer-${slot.index}`,
    restart: "transient",
    ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    run: Effect.tap(runProducer(options.producer, slot, demandMax, watch, core.ports), () =>
      Effect.sync(() => {
        if (core.slots.every(({ isDone }) => isDone)) core.sourceEnded.openUnsafe()
      }))
  })
}

const processors = <In, EP, RP, EH, RH, RA, EB, RB>(core: Core<In, EP, RP, EH, RH, RA, EB, RB>) =>
  runProcessors(
    { concurrency: core.settings.concurrency, demandMax: core.settings.demandMax, handle: core.options.handle },
    core.ports
  )

const batcherChild = <In, EP, RP, EH, RH, RA, EB, RB>(
  core: Core<In, EP, RP, EH, RH, RA, EB, RB>,
  batcher: Batcher<string, never, EB, RB>,
  shutdown: Duration.Duration
) => {
  const inbox = core.ports.batchers.get(batcher.name)
  return Supervisor.child({
    id: batcher.name,
    shutdown,
    run: inbox === undefined
      ? Effect.die(new Error("a batcher without an inbox"))
      : batcher.run<In, EH, RA>({ ...core.ports, inbox })
  })
}

/** Reports a standstill once, until messages are settled again. It restarts nothing: a slow handler is not a dead one. */
const monitor = Effect.fnUntraced(function*<In, EP, RP, EH, RH, RA, EB, RB>(
  { ports: { settlement, telemetry, metrics }, settings, options, stall }: Core<In, EP, RP, EH, RH, RA, EB, RB>
) {
  let settled = settlement.settled
  let sinceMillis = yield* Monotonic.millis
  while (true) {
    yield* Effect.sleep(Duration.times(settings.stallAfter, 0.5))
    const now = yield* Monotonic.millis
    const inFlight = settlement.inFlight.count
    if (inFlight === 0 || settlement.settled !== settled) {
      settled = settlement.settled
      sinceMillis = now
      stall.isStalled = false
    } else if (!stall.isStalled && now - sinceMillis >= Duration.toMillis(settings.stallAfter)) {
      stall.isStalled = true
      telemetry.emit({ _tag: "stalled", inFlight, silentMillis: now - sinceMillis })
      yield* metrics.stalled
      yield* Effect.logWarning(`Pipeline ${options.name}: ${inFlight} messages in flight, none settled`)
    }
  }
})

/** Lets everything through, once the producers have stopped: each wait ends when the stage before is empty. */
export const empty = Effect.fnUntraced(function*<In, EP, RP, EH, RH, RA, EB, RB>(
  { ports, slots }: Core<In, EP, RP, EH, RH, RA, EB, RB>
) {
  ports.rate.change(undefined)
  for (const slot of slots) yield* passOn(slot, ports)
  yield* ports.unprocessed.awaitIdle
  for (const inbox of ports.batchers.values()) yield* Queue.offer(inbox, "flush")
  yield* ports.settlement.inFlight.awaitIdle
})

/** Rejects what is left when no stage runs any more. */
export const abandon = Effect.fnUntraced(function*<In, EP, RP, EH, RH, RA, EB, RB>(
  { ports, slots }: Core<In, EP, RP, EH, RH, RA, EB, RB>
) {
  const left: Array<Envelope<In>> = []
  for (const inbox of ports.inboxes) left.push(...(yield* Queue.clear(inbox)))
  for (const inbox of ports.batchers.values()) {
    for (const entry of yield* Queue.clear(inbox)) if (entry !== "flush") left.push(entry)
  }
  for (const slot of slots) {
    const held = slot.held.splice(0)
    ports.settlement.inFlight.add(held.length)
    for (const message of held) left.push({ message, partition: undefined, route: undefined, isSettled: false })
  }
  yield* ports.settlement.crash(left, "pipeline", "abandoned")
})
