import { Effect, Queue } from "effect"
import { type Outcomes, type PipelineEvent, Producer, type Rejected } from "../../../src/services/pipeline/index.ts"
import { giveWay } from "../../support/StepBudget.ts"

/** An acknowledger that remembers what it was told. */
export const recorder = <In, E>() => {
  const calls: Array<Outcomes<In, E>> = []
  const ok = () => calls.flatMap((call) => call.ok)
  const rejected = (): ReadonlyArray<Rejected<In, E>> => calls.flatMap((call) => call.rejected)
  const messages = () => [...ok(), ...rejected().map(({ message }) => message)]
  return {
    acknowledge: (outcomes: Outcomes<In, E>) => Effect.sync(() => void calls.push(outcomes)),
    ok,
    rejected,
    messages,
    count: () => messages().length,
    reasons: () => rejected().map(({ outcome }) => outcome._tag === "Crashed" ? outcome.reason : outcome._tag)
  }
}

/** A producer whose messages a test offers. */
export const feed = <In>() =>
  Effect.map(Queue.bounded<In>(1024), (queue) => ({
    queue,
    producer: Producer.fromPull((demand) => Queue.takeBetween(queue, 1, demand))
  }))

/** Lets every fiber that can go on without time passing do so. */
export const settleDown: Effect.Effect<void> = giveWay(200)

/** Waits for a condition that needs no time to come true. */
export const until = (isTrue: () => boolean): Effect.Effect<void> =>
  Effect.yieldNow.pipe(Effect.repeat({ until: () => isTrue(), times: 100_000 }), Effect.asVoid)

/** Whether each start has exactly one stop after it. */
export const pairsMatch = (events: ReadonlyArray<PipelineEvent>): boolean => {
  const open = new Set<string>()
  for (const event of events) {
    if (event._tag === "stalled") continue
    const [kind = "", phase] = event._tag.split(".")
    const id = `${kind} ${event.id}`
    if (phase === "start" ? open.has(id) : !open.has(id)) return false
    if (phase === "start") open.add(id)
    else open.delete(id)
  }
  return open.size === 0
}
