import { describe } from "@effect/vitest"
import { Effect, Queue, Stream } from "effect"
import { Producer } from "../../../src/services/pipeline/index.ts"
import type { Source } from "../../../src/services/pipeline/testing/ProducerContract.ts"
import { passesContract } from "./testing/contract.ts"

const overQueue = (
  producer: (queue: Queue.Queue<string>) => Producer.Producer<string, never, never>
): Effect.Effect<Source<string, never>> =>
  Effect.map(Queue.bounded<string>(1_000), (queue) => ({
    producer: producer(queue),
    send: (text) => Effect.asVoid(Queue.offer(queue, text)),
    textOf: (text) => text,
    acknowledge: () => Effect.void,
    isRedelivering: false
  }))

describe("Producer.fromPull", () => {
  passesContract(overQueue((queue) => Producer.fromPull((demand) => Queue.takeBetween(queue, 1, demand))))
})

describe("Producer.fromConnect", () => {
  passesContract(
    overQueue((queue) => Producer.fromConnect(Effect.succeed((demand: number) => Queue.takeBetween(queue, 1, demand))))
  )
})

describe("Producer.fromStream", () => {
  passesContract(overQueue((queue) => Producer.fromStream(Stream.fromQueue(queue))))
})
