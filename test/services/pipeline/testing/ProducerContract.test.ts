/** The contract finds producers that break it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Queue } from "effect"
import { Producer } from "../../../../src/services/pipeline/index.ts"
import { DummyProducer, ProducerContract } from "../../../../src/services/pipeline/testing/index.ts"
import { passesContract } from "./contract.ts"

const source = (
  producer: (queue: Queue.Queue<string>) => Producer.Producer<string, never, never>,
  isRedelivering = false
): Effect.Effect<ProducerContract.Source<string, never>> =>
  Effect.map(Queue.bounded<string>(1_000), (queue) => ({
    producer: producer(queue),
    send: (text) => Queue.offer(queue, text),
    textOf: (text) => text,
    acknowledge: () => Effect.void,
    isRedelivering
  }))

const broken = (
  name: string,
  make: Effect.Effect<ProducerContract.Source<string, never>>
) => {
  const found = ProducerContract.cases(make).find((one) => one.name === name)
  return found === undefined ? Effect.die(new Error(`no promise ${name}`)) : Effect.flip(found.check)
}

const taking = (queue: Queue.Queue<string>) => (demand: number) => Queue.takeBetween(queue, 1, demand)

describe("ProducerContract", () => {
  it.live("finds a producer that brings more than it is asked for", () =>
    Effect.gen(function*() {
      const greedy = source((queue) => Producer.fromPull(() => Queue.takeBetween(queue, 1, 1_000)))
      const { detail } = yield* broken("never brings more than it is asked for", greedy)
      assert.strictEqual(detail, "10 came when 3 were asked for")
    }))

  it.live("finds one that brings the last first", () =>
    Effect.gen(function*() {
      const reversed = source((queue) =>
        Producer.fromPull((demand) => Effect.map(taking(queue)(demand), (texts) => texts.toReversed()))
      )
      const { detail } = yield* broken("brings every message, in order", reversed)
      assert.include(detail, "they came as")
    }))

  it.live("finds one that cannot be interrupted while it waits", () =>
    Effect.gen(function*() {
      const deaf = source((queue) =>
        Producer.fromPull((demand) =>
          Effect.uninterruptible(Effect.andThen(Effect.sleep("4 seconds"), Queue.poll(queue))).pipe(
            Effect.map((text) => demand > 0 && text._tag === "Some" ? [text.value] : [])
          )
        )
      )
      const { detail } = yield* broken("ends a drain at once while it waits for messages", deaf)
      assert.strictEqual(detail, "a drain took more than 3 s")
    }))

  it.live("finds one that gives a message to both connections", () =>
    Effect.gen(function*() {
      const all: Array<string> = []
      const twice: Effect.Effect<ProducerContract.Source<string, never>> = Effect.sync(() => ({
        producer: Producer.fromConnect(Effect.sync(() => {
          let next = 0
          return (demand: number) =>
            Effect.andThen(
              Effect.sleep("1 millis"),
              Effect.sync(() => all.slice(next, next += Math.min(demand, all.length - next)))
            )
        })),
        send: (text) => Effect.sync(() => all.push(text)),
        textOf: (text) => text,
        acknowledge: () => Effect.void,
        isRedelivering: false
      }))
      const { detail } = yield* broken("brings a message to one of two connections", twice)
      assert.include(detail, "came twice")
    }))

  describe("DummyProducer", () => {
    passesContract(Effect.map(DummyProducer.make<{ readonly text: string }, string>(), (dummy) => ({
      producer: dummy.producer,
      // Nobody waits for the outcome here, which comes while others are sent.
      send: (text) => Effect.forkDetach(dummy.send([{ text }], { batchMode: "bulk", within: "1 minute" })),
      textOf: ({ text }) => text,
      acknowledge: dummy.acknowledge,
      isRedelivering: false
    })))
  })
})
