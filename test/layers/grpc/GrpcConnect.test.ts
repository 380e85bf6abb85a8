/** Connections that do not come about. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import * as net from "node:net"
import * as GrpcChannel from "../../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcHealth from "../../../src/layers/grpc/GrpcHealth.ts"
import { transports } from "./transports.ts"

describe.each(transports)("over %s,", (transport) => {
  /** A process that listens, says where, and then takes no connection: the kernel drops what its backlog cannot hold. */
  const stuckListener = `
  const server = require("node:net").createServer().listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
    require("node:fs").writeSync(1, String(server.address().port))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)
  })`

  /** A port whose listener does not answer a SYN any more. */
  const blackHole = Effect.gen(function*() {
    const listener = yield* Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, ["-e", stuckListener], { stdio: ["ignore", "pipe", "inherit"] })),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const port = yield* Effect.promise(() =>
      new Promise<number>((resolve) => listener.stdout.once("data", (text) => resolve(Number(String(text)))))
    )
    const connects = Effect.acquireRelease(
      Effect.sync(() => net.connect(port, "127.0.0.1").on("error", () => {})),
      (socket) => Effect.sync(() => socket.destroy())
    ).pipe(
      Effect.flatMap((socket) =>
        Effect.callback<boolean>((resume) => {
          socket.once("connect", () => resume(Effect.succeed(true)))
        })
      ),
      Effect.timeoutOrElse({ duration: "300 millis", orElse: () => Effect.succeed(false) })
    )
    yield* Effect.repeat(connects, { until: (isConnected) => !isConnected })
    return port
  })

  describe("GrpcChannel", () => {
    it.live("gives up an address that does not answer, and not only when the operating system does", () =>
      Effect.gen(function*() {
        const port = yield* blackHole
        const channel = yield* GrpcChannel.make({
          transport,
          target: `127.0.0.1:${port}`,
          connectTimeout: "500 millis"
        })
        const began = performance.now()

        const error = yield* Effect.flip(GrpcHealth.client(channel).check("", { deadline: "20 seconds" }))

        const tookMillis = performance.now() - began
        assert.strictEqual(error._tag, "Unavailable")
        assert.include(error.detail, "no TCP connection within 500 ms")
        assert.isBelow(tookMillis, 10_000)
      }))

    it.live("waits for ever if it is told to", () =>
      Effect.gen(function*() {
        const port = yield* blackHole
        const channel = yield* GrpcChannel.make({ transport, target: `127.0.0.1:${port}`, connectTimeout: Infinity })

        const error = yield* Effect.flip(GrpcHealth.client(channel).check("", { deadline: "1 second" }))

        assert.strictEqual(error._tag, "DeadlineExceeded")
      }))
  })
})
