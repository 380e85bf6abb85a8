import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as crypto from "node:crypto"
import * as SweepPointer from "../../../../src/domain/inventory/SweepPointer.ts"
import { SweepAssignment } from "../../../../src/services/agent/sweep/SweepAssignment.ts"
import {
  type Content,
  SweepConfigReader,
  SweepConfigUnavailable
} from "../../../../src/services/agent/sweep/SweepConfigReader.ts"

const contentOf = (text: string): Content => {
  const bytes = Buffer.from(text)
  return { bytes, sha256: crypto.createHash("sha256").update(bytes).digest("hex") }
}

const document = (targets: number): string =>
  JSON.stringify({ device_targets: Array.from({ length: targets }, (_, at) => ({ network: `198.18.0.${at}/32` })) })

const pointerTo = (objectKey: string, { bytes, sha256 }: Content): Content =>
  contentOf(
    SweepPointer.render({ objectKey, sha256, bytes: bytes.length, chunks: 1, updatedAt: 0, overrides: Option.none() })
  )

/** An agent beside a store that says what it is told to. */
const setup = Effect.gen(function*() {
  const values = yield* Queue.unbounded<Option.Option<Content> | "away">()
  const objects = new Map<string, Content>()
  const asked: Array<string> = []
  const reader = Layer.succeed(SweepConfigReader, {
    values: (key) =>
      Stream.fromQueue(values).pipe(
        Stream.mapEffect((value) =>
          value === "away" ? Effect.fail(new SweepConfigUnavailable({ key, detail: "away" })) : Effect.succeed(value)
        )
      ),
    object: (key) => {
      asked.push(key)
      const object = objects.get(key)
      return object === undefined
        ? Effect.fail(new SweepConfigUnavailable({ key, detail: "there is no such object" }))
        : Effect.succeed(object)
    }
  })
  const context = yield* Layer.build(SweepAssignment.layer("agent-a").pipe(Layer.provide(reader)))
  const { keep, state } = yield* Effect.provide(SweepAssignment, context)
  yield* Effect.forkScoped(keep)
  /** What it stands for once it has heard this. */
  const after = (value: Option.Option<Content> | "away") =>
    Effect.gen(function*() {
      yield* Queue.offer(values, value)
      yield* TestClock.adjust("5 seconds")
      const { current, problem } = yield* state
      return { targets: Option.getOrUndefined(Option.map(current, ({ targets }) => targets)), problem }
    })
  return { after, asked, objects }
})

describe("SweepAssignment", () => {
  it.effect("follows pointers and takes documents as they are", () =>
    Effect.gen(function*() {
      const { after, objects } = yield* setup
      objects.set("objects/one", contentOf(document(3)))

      assert.deepStrictEqual(yield* after(Option.some(pointerTo("objects/one", contentOf(document(3))))), {
        targets: 3,
        problem: ""
      })
      assert.deepStrictEqual(yield* after(Option.some(contentOf(document(1)))), { targets: 1, problem: "" })
    }).pipe(Effect.scoped))

  it.effect("keeps what it has when the next one is gone, is no document, or is another than its pointer says", () =>
    Effect.gen(function*() {
      const { after, objects } = yield* setup
      objects.set("objects/cut", contentOf(document(9).slice(0, 40)))
      yield* after(Option.some(contentOf(document(2))))

      const bad = [
        [Option.none(), "deleted"],
        [Option.some(contentOf("{\"interval\":5}")), "interval"],
        [Option.some(pointerTo("objects/cut", contentOf(document(9)))), "the pointer says"],
        [Option.some(pointerTo("objects/gone", contentOf(document(9)))), "no such object"]
      ] as const
      for (const [value, problem] of bad) {
        const now = yield* after(value)
        assert.strictEqual(now.targets, 2)
        assert.include(now.problem, problem)
      }
      assert.deepStrictEqual(yield* after(Option.some(contentOf(document(4)))), { targets: 4, problem: "" })
    }).pipe(Effect.scoped))

  it.effect("goes on when the store was away", () =>
    Effect.gen(function*() {
      const { after } = yield* setup
      assert.include((yield* after("away")).problem, "away")
      assert.deepStrictEqual(yield* after(Option.some(contentOf(document(1)))), { targets: 1, problem: "" })
    }).pipe(Effect.scoped))
})
