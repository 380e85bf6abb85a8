import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { SupervisionTree } from "../../../src/services/supervision/SupervisionTree.ts"
import * as LogPublication from "../../../src/services/telemetry/LogPublication.ts"
import { collecting } from "./published.ts"

const options = { program: "poller", newId: () => "0b9ff1f4-6e0c-4b44-9a5c-0a7d1f7b5f10" }

const logging = (
  extra: Partial<LogPublication.LogPublicationOptions>,
  test: (publisher: ReturnType<typeof collecting>) => Effect.Effect<void>
) => {
  const publisher = collecting()
  const layer = LogPublication.layer({ ...options, ...extra }).pipe(
    Layer.provide(publisher.layer),
    Layer.provideMerge(Logger.layer([]))
  )
  return test(publisher).pipe(Effect.provide(layer))
}

const messagesOf = (publisher: ReturnType<typeof collecting>) =>
  Effect.map(publisher.taken, (taken) => taken.map(({ document }) => document["message"]))

describe("LogPublication", () => {
  it.effect("publishes warnings and what is worse, with cause and annotations", () =>
    logging({}, (publisher) =>
      Effect.gen(function*() {
        yield* Effect.logInfo("all is well")
        yield* Effect.annotateLogs(Effect.logWarning("core is away", { waiting: 3 }), {
          supervisor: "Poller",
          tries: 2
        })

        const taken = yield* publisher.taken
        assert.lengthOf(taken, 1)
        assert.strictEqual(taken[0]?.subject, "logs.internal.poller")
        assert.deepInclude(taken[0]?.document, {
          message: "core is away {\"waiting\":3}",
          severity: "Medium",
          log_level: "warn",
          unmapped: { supervisor: "Poller", tries: 2 }
        })
      })))

  it.effect("publishes more when it is asked to", () =>
    logging({ level: "Info" }, (publisher) =>
      Effect.gen(function*() {
        yield* Effect.logInfo("all is well")
        yield* Effect.logDebug("in detail")

        assert.deepStrictEqual(yield* messagesOf(publisher), ["all is well"])
      })))

  it.effect("keeps to itself what the way of these lines says about itself", () =>
    logging({}, (publisher) =>
      Effect.gen(function*() {
        yield* Effect.provideService(Effect.logError("NATS is away"), LogPublication.isPublished, false)

        assert.deepStrictEqual(yield* messagesOf(publisher), [])
      })))

  it.effect("does not pass on a flood", () =>
    logging({}, (publisher) =>
      Effect.gen(function*() {
        yield* Effect.repeat(Effect.logError("again"), { times: 9_999 })

        assert.isBelow((yield* publisher.taken).length, 300)
      })))

  it.effect("tells which children are restarted", () => {
    const publisher = collecting()
    return Effect.gen(function*() {
      const tree = yield* SupervisionTree
      yield* Effect.forkChild(LogPublication.publishRestarts(options), { startImmediately: true })
      tree.publish({ _tag: "ChildStarted", path: "Up/Core", at: 1, child: "PostgreSQL" })
      tree.publish({ _tag: "ChildRestarting", path: "Up/Core", at: 2, child: "PostgreSQL", attempts: 1 })
      yield* Effect.yieldNow

      assert.deepStrictEqual(yield* messagesOf(publisher), [
        "Up/Core/PostgreSQL is restarted, 1 in the current period"
      ])
    }).pipe(Effect.provide([SupervisionTree.layer, publisher.layer]))
  })
})
