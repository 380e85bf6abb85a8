import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect } from "effect"
import * as net from "node:net"
import { Worker } from "node:worker_threads"
import { listening, portOf, probe } from "./probing.ts"

/**
 * Listens and never accepts: its thread sleeps for ever, and its queue of connections is full. From then on the kernel
 * drops every further attempt without a word, as a firewall does.
 */
const silentPort = Effect.acquireRelease(
  Effect.callback<{ readonly worker: Worker; readonly port: number }>((resume) => {
    const worker = new Worker(
      `
      const { parentPort } = require("node:worker_threads")
      const server = require("node:net").createServer()
      server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
        parentPort.postMessage(server.address().port)
        setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
      })
      `,
      { eval: true }
    )
    worker.once("message", (port: unknown) => resume(Effect.succeed({ worker, port: Number(port) })))
  }),
  ({ worker }) => Effect.promise(() => worker.terminate())
).pipe(Effect.tap(({ port }) => fillQueue(port)), Effect.map(({ port }) => port))

const connects = (port: number) =>
  Effect.acquireRelease(
    Effect.sync(() => net.connect({ host: "127.0.0.1", port })),
    (socket) => Effect.sync(() => socket.destroy())
  ).pipe(
    Effect.flatMap((socket) =>
      Effect.callback<boolean>((resume) => {
        socket.on("error", () => resume(Effect.succeed(false)))
        socket.once("connect", () => resume(Effect.succeed(true)))
      })
    ),
    Effect.timeoutOrElse({ duration: "300 millis", orElse: () => Effect.succeed(false) })
  )

/** Connections are kept open until one more is not answered. */
const fillQueue = (port: number) =>
  Effect.gen(function*() {
    for (let open = 0; open < 64; open++) {
      if (!(yield* connects(port))) return
    }
    assert.fail("the queue of connections does not fill up")
  })

describe("PortProbe", () => {
  it.live.each(["127.0.0.1", "::1", "localhost"])(
    "finds an open port at %s and its connect time",
    (host) =>
      Effect.gen(function*() {
        const server = yield* listening(() => net.createServer(), host)
        const port = portOf(server)

        const outcome = yield* probe("port", host === "::1" ? `[::1]:${port}` : `${host}:${port}`)

        assert.isTrue(outcome.available)
        assert.isTrue(outcome.responseTimeNanos > 0n)
        assert.deepStrictEqual(outcome.document, { host, port, response_time: Number(outcome.responseTimeNanos) })
      }).pipe(Effect.scoped)
  )

  it.live("takes the request's port where the details name only a host", () =>
    Effect.gen(function*() {
      const port = portOf(yield* listening(() => net.createServer()))

      assert.isTrue((yield* probe("port", "127.0.0.1", { port })).available)
    }).pipe(Effect.scoped))

  it.live("says that a port refuses", () =>
    Effect.gen(function*() {
      const outcome = yield* probe("port", "127.0.0.1:1")

      assert.isFalse(outcome.available)
      assert.deepStrictEqual(outcome.document, { error: "Port 1 is not accessible: connection refused" })
    }))

  it.live("says that a name does not exist", () =>
    Effect.gen(function*() {
      const outcome = yield* probe("port", "no-such-host.invalid:22")

      assert.isFalse(outcome.available)
      assert.match(outcome.message, /no such host|could not be resolved/)
    }))

  it.live("gives a port that swallows everything up at its limit, not before and not much later", () =>
    Effect.gen(function*() {
      const port = yield* silentPort
      const startedNanos = yield* Clock.monotonicTimeNanos

      const outcome = yield* probe("port", `127.0.0.1:${port}`, { limit: Duration.millis(400) })
      const elapsedMillis = Number((yield* Clock.monotonicTimeNanos) - startedNanos) / 1e6

      assert.isFalse(outcome.available)
      assert.deepStrictEqual(outcome.document, { error: `Port ${port} is not accessible: timed out after 400ms` })
      assert.isTrue(outcome.responseTimeNanos >= 395_000_000n)
      assert.isAtMost(elapsedMillis, 3000)
    }).pipe(Effect.scoped))
})
