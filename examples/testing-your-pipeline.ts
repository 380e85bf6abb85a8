/**
 * A pipeline of production in a test: its source is a dummy, whose messages and outcomes the test sees.
 *
 *   node examples/testing-your-pipeline.ts
 */
import { Console, Effect, Queue } from "effect"
// In your own project: from "serviceradar-effect/pipeline"
import { type Batch, batcher, type Outcomes, Pipeline, Producer } from "../src/services/pipeline/index.ts"
// In your own project: from "serviceradar-effect/pipeline/testing"
import { DummyProducer, ProducerContract, testBatch, testMessage } from "../src/services/pipeline/testing/index.ts"

/** What is tested: it takes its source and its acknowledger as arguments. */
const readings = <R>(
  producer: Producer.Producer<string, never, never>,
  acknowledge: (outcomes: Outcomes<string, "not a number">) => Effect.Effect<unknown, unknown, R>
) => {
  const sums = batcher("sums", {
    size: 100,
    timeout: "1 minute",
    handle: ({ values }: Batch<number>) => Console.log(`sum ${values.reduce((sum, value) => sum + value, 0)}`)
  })
  return Pipeline.start({
    name: "readings",
    producer,
    batchers: [sums],
    handle: (text) => {
      const value = Number(text)
      return Number.isNaN(value) ? Effect.fail("not a number" as const) : Effect.succeed(sums.to(value))
    },
    acknowledge
  })
}

const scenario = Effect.scoped(Effect.gen(function*() {
  const dummy = yield* DummyProducer.make<string, "not a number">()
  yield* readings(dummy.producer, dummy.acknowledge)
  const one = yield* testMessage(dummy, "7")
  yield* Console.log(`ok: ${one.ok.join()}`)
  const many = yield* testBatch(dummy, ["1", "two", "3"], { batchMode: "flush" })
  yield* Console.log(`ok: ${many.ok.join()}; refused: ${many.rejected.map(({ message }) => message).join()}`)
}))

/** A producer of your own: the contract makes a source anew for each promise. */
const source = Effect.map(Queue.bounded<string>(100), (queue): ProducerContract.Source<string, never> => ({
  producer: Producer.fromPull((demand) => Queue.takeBetween(queue, 1, demand)),
  send: (text) => Queue.offer(queue, text),
  textOf: (message) => message,
  acknowledge: () => Effect.void,
  isRedelivering: false
}))

await Effect.runPromise(Effect.gen(function*() {
  yield* scenario
  for (const { check, name } of ProducerContract.cases(source)) {
    yield* check
    yield* Console.log(`it ${name}`)
  }
}))
