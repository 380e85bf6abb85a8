import { Effect, Queue } from "effect"
import { type Outcomes, Producer, type Rejected } from "../../../src/services/pipeline/index.ts"

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

export type Recorder = Pick<ReturnType<typeof recorder<never, never>>, "count">

/** A producer whose messages a test offers. */
export const feed = <In>() =>
  Effect.map(Queue.bounded<In>(1024), (queue) => ({
    queue,
    producer: Producer.fromPull((demand) => Queue.takeBetween(queue, 1, demand))
  }))
