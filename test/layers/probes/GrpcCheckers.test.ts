import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as AgentConfig from "../../../src/domain/agent/AgentConfig.ts"
import { GrpcCheckers } from "../../../src/layers/probes/GrpcCheckers.ts"
import { secured } from "../../support/secured.ts"

const layer = GrpcCheckers.layer(AgentConfig.fromFile({})).pipe(Layer.provide(secured))

describe("GrpcCheckers", () => {
  it.live("shares a connection by address and name", () =>
    Effect.gen(function*() {
      const checkers = yield* GrpcCheckers

      const first = yield* checkers.connect("a", "127.0.0.1:1")
      const same = yield* checkers.connect("a", "127.0.0.1:1")
      const other = yield* checkers.connect("b", "127.0.0.1:1")

      assert.strictEqual(first, same)
      assert.notStrictEqual(first, other)
    }).pipe(Effect.scoped, Effect.provide(layer)))

  it.live("keeps no more connections than its limit, and says so", () =>
    Effect.gen(function*() {
      const checkers = yield* GrpcCheckers
      const connect = (index: number) => checkers.connect("x", `127.0.0.1:${index + 1}`)

      yield* Effect.forEach(Array.from({ length: 1024 }, (_, index) => index), connect, { discard: true })
      const error = yield* Effect.flip(connect(1024))

      assert.include(error.message, "connected to 1024 external checkers already")
    }).pipe(Effect.scoped, Effect.provide(layer)))
})
