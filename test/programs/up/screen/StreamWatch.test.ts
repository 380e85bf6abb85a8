import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Ref } from "effect"
import { TestClock } from "effect/testing"
import * as StreamWatch from "../../../../src/programs/up/screen/StreamWatch.ts"
import type { StreamStatus } from "../../../../src/services/events/StreamStatus.ts"
import { streamStatus } from "../streamStatus.ts"

const idle = streamStatus("LOGS")
const busy = streamStatus("LOGS", { received: 5, rowsInserted: 5, messagesPerSecond: 1 })

/** The lines that come of states which each last for so many seconds. */
const logged = (states: ReadonlyArray<readonly [seconds: number, status: StreamStatus]>) =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${String(message)}`))
    const current = yield* Ref.make<ReadonlyArray<StreamStatus>>([idle])
    yield* StreamWatch.logLines(Ref.get(current)).pipe(
      Effect.provide(Logger.layer([logger])),
      Effect.forkChild({ startImmediately: true })
    )
    for (const [seconds, status] of states) {
      yield* Ref.set(current, [status])
      yield* TestClock.adjust(`${seconds} seconds`)
    }
    return lines
  })

describe("StreamWatch", () => {
  it.effect("sums up every half minute", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* logged([[65, busy]]), [
        "Info events 1.0 msg/s, lag 0, 5 rows, 0 dead",
        "Info events 1.0 msg/s, lag 0, 5 rows, 0 dead"
      ])
    }))

  it.effect("is silent while nothing has come", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* logged([[300, idle]]), [])
    }))

  it.effect("tells at once that a stream stops and that it goes on, once each", () =>
    Effect.gen(function*() {
      const stopped = { ...idle, problem: "the database is away" }

      assert.deepStrictEqual(yield* logged([[2, stopped], [2, { ...stopped, problem: "still away" }], [5, idle]]), [
        "Info events 0 msg/s, lag 0, 0 rows, 0 dead; LOGS: the database is away",
        "Info events 0 msg/s, lag 0, 0 rows, 0 dead"
      ])
    }))
})
