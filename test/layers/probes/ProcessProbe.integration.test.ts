import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { probe } from "./probing.ts"

describe("ProcessProbe", () => {
  it.live("finds this test's own process and misses one that is not there", () =>
    Effect.gen(function*() {
      const own = yield* probe("process", "node")
      const absent = yield* probe("process", "no-such-process-here")

      assert.deepStrictEqual(own.document, {
        status: "active",
        process_name: "node",
        active: true,
        agent_id: "agent-1",
        poller_id: "poller-1"
      })
      assert.isFalse(absent.available)
      assert.include(absent.message, "Process no-such-process-here is not running")
    }))

  it.live("reads a name as a name, never as a pattern or a program's option", () =>
    Effect.gen(function*() {
      const dots = yield* probe("process", "n.de")
      const refused = yield* Effect.forEach(["n.*", "node|x", "-x", "no de", "n\0de", "a".repeat(257)], (name) =>
        Effect.flip(probe("process", name)))

      assert.isFalse(dots.available)
      assert.deepStrictEqual([
        ...new Set(refused.map((error) =>
          error._tag
        ))
      ], ["InvalidTarget"])
    }))
})
