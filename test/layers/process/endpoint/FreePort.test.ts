import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as net from "node:net"
import * as FreePort from "../../../../src/layers/process/endpoint/FreePort.ts"

const host = "127.0.0.1"

const listening = (port: number) =>
  Effect.acquireRelease(
    Effect.callback<net.Server>((resume) => {
      const server = net.createServer()
      server.listen({ host, port }, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.promise(() => new Promise((done) => server.close(done)))
  )

describe("A free port", () => {
  it.live("is nobody else's while it is claimed, though nobody listens on it yet", () =>
    Effect.gen(function*() {
      const wanted = yield* FreePort.next(host, 0)
      const first = yield* Scope.make()
      assert.strictEqual(yield* Scope.provide(FreePort.claim(host, wanted), first), wanted)
      const others = yield* Effect.scoped(
        Effect.all([FreePort.claim(host, wanted), FreePort.claim(host, wanted)], { concurrency: 2 })
      )
      assert.strictEqual(new Set([wanted, ...others]).size, 3)

      yield* listening(wanted)
      yield* Scope.close(first, Exit.void)
      assert.notStrictEqual(yield* FreePort.claim(host, wanted), wanted)
    }).pipe(Effect.scoped))

  it.live("can be claimed again when the claim has ended", () =>
    Effect.gen(function*() {
      const wanted = yield* FreePort.next(host, 0)
      const claimed = Effect.scoped(FreePort.claim(host, wanted))
      assert.deepStrictEqual([yield* claimed, yield* claimed], [wanted, wanted])
    }))
})
