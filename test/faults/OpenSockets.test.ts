import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as net from "node:net"
import * as GrpcChannel from "../../src/layers/grpc/GrpcChannel.ts"
import * as GrpcHealth from "../../src/layers/grpc/GrpcHealth.ts"
import * as AgentProgram from "../support/agentProgram.ts"
import { get } from "../support/http.ts"
import * as Program from "../support/Program.ts"

/** Connections that send nothing, for as long as the scope is open. */
const silentConnections = (port: number, count: number) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      Promise.all(
        Array.from({ length: count }, () =>
          new Promise<net.Socket>((resolve) => {
            const socket = net.connect({ port, host: "127.0.0.1" }, () => resolve(socket))
            socket.on("error", () => resolve(socket))
          }))
      )
    ),
    (sockets) => Effect.sync(() => sockets.forEach((socket) => socket.destroy()))
  )

describe("A program with little room for open files", () => {
  it.live("answers health on HTTP and gRPC beside 400 silent connections to each, and says so", () =>
    Effect.gen(function*() {
      const { isLive, ports, program } = yield* AgentProgram.start({ within: "ulimit -n 256; exec \"$@\"" })
      yield* silentConnections(ports.grpc, 400)
      yield* silentConnections(ports.http, 400)

      const live = yield* isLive
      const channel = yield* GrpcChannel.make({ target: `127.0.0.1:${ports.grpc}` })
      const health = yield* GrpcHealth.client(channel).check("")
      yield* Program.eventually(
        "a line about the connections",
        Effect.sync(() => Option.liftPredicate(program, (one) => /silent ones to make room/.test(one.output()))),
        { within: "30 seconds", programs: [program] }
      )

      assert.isTrue(Option.isSome(live))
      assert.strictEqual(health, "SERVING")
      assert.isTrue(program.isRunning())
    }))

  it.live("answers nobody on the loopback in the name of another host", () =>
    Effect.gen(function*() {
      const { ports } = yield* AgentProgram.start()
      const status = yield* Effect.promise(() =>
        new Promise<string>((resolve) => {
          const socket = net.connect({ port: ports.http, host: "127.0.0.1" }, () => {
            socket.write("GET /api/tree HTTP/1.1\r\nHost: attacker.example\r\nConnection: close\r\n\r\n")
          })
          socket.once("data", (chunk) => resolve(chunk.toString().slice(0, 12)))
        })
      )

      assert.strictEqual(status, "HTTP/1.1 421")
      assert.strictEqual((yield* get(`localhost:${ports.http}`, "/health/live")).status, 200)
    }))
})
