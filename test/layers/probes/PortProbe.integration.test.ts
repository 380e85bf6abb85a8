import { assert, describe, it } from "@effect/vitest"
import { Clock, Duration, Effect } from "effect"
import type { LookupAddress } from "node:dns"
import * as net from "node:net"
import { Worker } from "node:worker_threads"
import * as NameLookup from "../../../src/layers/probes/NameLookup.ts"
import * as PortProbe from "../../../src/layers/probes/PortProbe.ts"
import { checkWithin } from "../../../src/services/monitoring/Prober.ts"
import { document, listening, portOf, probe } from "./probing.ts"

/**
 * Listens and never accepts: its thread sleeps for ever, and its queue of connections is full. From then on the kernel
 * drops every further attempt without a word, as a firewall does.
 */
const silent = Effect.acquireRelease(
  Effect.callback<{ readonly worker: Worker; readonly port: number; readonly wake: () => void }>((resume) => {
    const lock = new Int32Array(new SharedArrayBuffer(4))
    const worker = new Worker(
      `
      const { parentPort, workerData } = require("node:worker_threads")
      const server = require("node:net").createServer((socket) => socket.on("error", () => {}))
      server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
        parentPort.postMessage(server.address().port)
        setImmediate(() => Atomics.wait(workerData, 0, 0))
      })
      `,
      { eval: true, workerData: lock }
    )
    const wake = () => {
      Atomics.store(lock, 0, 1)
      Atomics.notify(lock, 0)
    }
    worker.once("message", (port: unknown) => resume(Effect.succeed({ worker, wake, port: Number(port) })))
  }),
  ({ worker }) => Effect.promise(() => worker.terminate())
).pipe(Effect.tap(({ port }) => fillQueue(port)))

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

/** A probe for which `many.test` has these addresses. */
const probeMany = (addresses: ReadonlyArray<LookupAddress>, port: number) =>
  Effect.gen(function*() {
    const names = yield* NameLookup.make(() => Effect.succeed(addresses))
    const checker = yield* PortProbe.prepare({ ...names, refusal: () => undefined })({
      serviceType: "port",
      serviceName: "it",
      details: `many.test:${port}`,
      port: 0,
      agentId: "a",
      pollerId: "p"
    })
    const result = yield* checkWithin(checker, checker.timeout)
    return { ...result, document: document(result.message) }
  })

const v4 = (address: string): LookupAddress => ({ address, family: 4 })

describe("PortProbe of a name with several addresses", () => {
  it.live("is up when any of them answers, and says which", () =>
    Effect.gen(function*() {
      const { port } = yield* silent
      yield* listening(() => net.createServer(), "127.0.0.2", port)

      const result = yield* probeMany([v4("127.0.0.1"), { address: "::1", family: 6 }, v4("127.0.0.2")], port)

      assert.deepInclude(result.document, { host: "many.test", address: "127.0.0.2" })
    }).pipe(Effect.scoped))

  it.live("gives a slow one the whole time, also when the others refuse long before", () =>
    Effect.gen(function*() {
      const { port, wake } = yield* silent
      setTimeout(wake, 500)

      const result = yield* probeMany([v4("127.0.0.1"), v4("127.0.0.2")], port)

      assert.isTrue(result.available, result.message)
      assert.strictEqual(result.document["address"], "127.0.0.1")
      assert.isAbove(Number(result.responseTimeNanos), 250e6)
    }).pipe(Effect.scoped))

  it.live("says why each of them refuses", () =>
    Effect.gen(function*() {
      const result = yield* probeMany([v4("127.0.0.1"), { address: "::1", family: 6 }], 1)

      assert.deepStrictEqual(result.document, {
        error: "Port 1 is not accessible: 127.0.0.1: connection refused; ::1: connection refused"
      })
    }).pipe(Effect.scoped))
})

describe("PortProbe", () => {
  it.live.each(["127.0.0.1", "::1", "localhost"])(
    "finds an open port at %s and its connect time",
    (host) =>
      Effect.gen(function*() {
        const server = yield* listening(() => net.createServer(), host)
        const port = portOf(server)

        const result = yield* probe("port", host === "::1" ? `[::1]:${port}` : `${host}:${port}`)

        assert.isTrue(result.available)
        assert.isTrue(result.responseTimeNanos > 0n)
        const { address, ...others } = result.document
        assert.deepStrictEqual(others, { host, port, response_time: Number(result.responseTimeNanos) })
        assert.strictEqual(address, host === "localhost" ? "127.0.0.1" : undefined)
      }).pipe(Effect.scoped)
  )

  it.live("takes the request's port where the details name only a host", () =>
    Effect.gen(function*() {
      const port = portOf(yield* listening(() => net.createServer()))

      assert.isTrue((yield* probe("port", "127.0.0.1", { port })).available)
    }).pipe(Effect.scoped))

  it.live("says that a port refuses", () =>
    Effect.gen(function*() {
      const result = yield* probe("port", "127.0.0.1:1")

      assert.isFalse(result.available)
      assert.deepStrictEqual(result.document, { error: "Port 1 is not accessible: connection refused" })
    }))

  it.live("says that a name does not exist", () =>
    Effect.gen(function*() {
      const result = yield* probe("port", "no-such-host.invalid:22")

      assert.isFalse(result.available)
      assert.match(result.message, /no such host|could not be resolved/)
    }))

  it.live("gives a port that swallows everything up at its limit, not before and not much later", () =>
    Effect.gen(function*() {
      const { port } = yield* silent
      const startedNanos = yield* Clock.monotonicTimeNanos

      const result = yield* probe("port", `127.0.0.1:${port}`, { limit: Duration.millis(400) })
      const elapsedMillis = Number((yield* Clock.monotonicTimeNanos) - startedNanos) / 1e6

      assert.isFalse(result.available)
      assert.deepStrictEqual(result.document, { error: `Port ${port} is not accessible: timed out after 400ms` })
      assert.isTrue(result.responseTimeNanos >= 395_000_000n)
      assert.isAtMost(elapsedMillis, 3000)
    }).pipe(Effect.scoped))
})
