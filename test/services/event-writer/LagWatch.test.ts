import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as LagWatch from "../../../src/services/event-writer/LagWatch.ts"
import { StreamRecords } from "../../../src/services/event-writer/StreamRecords.ts"
import { EventSource } from "../../../src/services/events/EventSource.ts"
import { StreamStatuses } from "../../../src/services/events/StreamStatus.ts"

const watched = (pending: () => number) =>
  Layer.effectDiscard(Effect.forkScoped(LagWatch.keep())).pipe(
    Layer.provideMerge(Layer.mock(EventSource, {
      lag: () => Effect.sync(() => ({ pending: pending(), ackPending: 0, oldestMillis: 0 }))
    })),
    Layer.provideMerge(StreamRecords.layerStatuses),
    Layer.provideMerge(StreamRecords.layer)
  )

describe("LagWatch", () => {
  it.effect("is not ready when messages wait and none is settled, and says which stream", () =>
    Effect.gen(function*() {
      yield* StreamRecords.use((records) => records.of("LOGS"))
      yield* TestClock.adjust("25 seconds")
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(LagWatch.flowing())))

      yield* TestClock.adjust("10 seconds")
      const error = yield* Effect.flip(LagWatch.flowing())
      assert.match(error.message, /^LOGS: 7 messages wait and none has been settled for 3\d/)
    }).pipe(Effect.provide(watched(() => 7))))

  it.effect("is ready while messages are settled", () =>
    Effect.gen(function*() {
      const record = yield* StreamRecords.use((records) => records.of("LOGS"))
      for (let second = 0; second < 60; second++) {
        record.stored += 10
        yield* TestClock.adjust("1 second")
      }

      assert.isTrue(Exit.isSuccess(yield* Effect.exit(LagWatch.flowing())))
      const [status] = yield* StreamStatuses.use((statuses) => statuses.all)
      assert.strictEqual(status?.lag?.pending, 7)
      assert.closeTo(status?.messagesPerSecond ?? 0, 10, 2)
    }).pipe(Effect.provide(watched(() => 7))))
})
