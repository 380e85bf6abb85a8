import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { DatabaseHealth } from "../../../src/services/event-writer/DatabaseHealth.ts"
import { HeldDeliveries } from "../../../src/services/event-writer/HeldDeliveries.ts"
import { StreamRecord } from "../../../src/services/event-writer/StreamRecord.ts"
import * as StreamSource from "../../../src/services/event-writer/StreamSource.ts"
import {
  EventSource,
  EventSourceError,
  SourceMissing,
  SourceReplaced,
  SourceUnavailable
} from "../../../src/services/events/EventSource.ts"

const [unavailable, missing, replaced] = [
  (detail: string) => new SourceUnavailable({ detail }),
  (detail: string) => new SourceMissing({ detail }),
  (detail: string) => new SourceReplaced({ detail })
]

/** What the log says while each pull fails for the next of these reasons, before one works. */
const toldOf = Effect.fnUntraced(function*(reasons: ReadonlyArray<EventSourceError["reason"]>) {
  const left = [...reasons]
  const lines: Array<string> = []
  const source = Layer.succeed(EventSource, {
    lag: () => Effect.succeed({ pending: 0, ackPending: 0, oldestMillis: undefined }),
    subscribe: () =>
      Effect.succeed({
        ackWait: Duration.seconds(30),
        pull: () => {
          const reason = left.shift()
          return reason === undefined
            ? Effect.succeed([])
            : Effect.fail(new EventSourceError({ stream: "LOGS", reason }))
        }
      })
  })
  const record = new StreamRecord("LOGS", 0, () => Effect.void)
  const { connect } = StreamSource.make({ stream: "LOGS", inFlightMax: 1, held: new HeldDeliveries(1), record })
  yield* Effect.gen(function*() {
    yield* Effect.forkScoped((yield* DatabaseHealth).keep)
    const pull = yield* connect
    for (let count = 0; count <= reasons.length; count++) {
      const pulled = yield* Effect.forkChild(pull(1))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(pulled)
    }
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.merge(source, DatabaseHealth.layer(Effect.void))),
    Effect.provide(Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]))
  )
  assert.strictEqual(record.problem, "")
  return lines
})

describe("StreamSource", () => {
  it.effect("tells of an outage once, whatever is said of it in turn, and of its end", () =>
    Effect.gen(function*() {
      const reasons = ["no answer within 2 s", "the server closed the connection", "timeout"].map(unavailable)

      assert.deepStrictEqual(yield* toldOf(reasons), [
        "Stream LOGS: no answer within 2 s: trying on",
        "LOGS: messages are fetched again"
      ])
    }))

  it.effect("tells of each reason that waiting does not mend, and of no other connection", () =>
    Effect.gen(function*() {
      const reasons = [replaced("another"), unavailable("timeout"), missing("no stream"), missing("no permission")]

      assert.deepStrictEqual(yield* toldOf(reasons), [
        "Stream LOGS: timeout: trying on",
        "Stream LOGS: no stream: trying on",
        "Stream LOGS: no permission: trying on",
        "LOGS: messages are fetched again"
      ])
    }))
})
