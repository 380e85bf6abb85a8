import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as http2 from "node:http2"
import { PollerServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as CoreProcess from "../support/coreProcess.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const messageBytes = 4 * 2 ** 20 - 1_024
const resourceExhausted = "8"

const report = (serviceName: string, bytes = 2) =>
  CoreProcess.wireReport(0n, [
    CoreProcess.wireStatus({ serviceName, message: Buffer.from(JSON.stringify("x".repeat(bytes))) })
  ])

const residentMebibytes = (pid: number) =>
  Effect.map(
    Effect.promise(() => fs.readFile(`/proc/${pid}/status`, "utf8")),
    (text) => Number(/^VmHWM:\s+(\d+)/m.exec(text)?.[1]) / 1_024
  )

/** Sends all but the last byte of a large message, and then nothing: the status that it was given, or "waiting". */
const slowSender = (target: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const session = http2.connect(`http://${target}`)
      session.on("error", () => {})
      const stream = session.request({
        ":method": "POST",
        ":path": "/monitoring.PollerService/ReportStatus",
        "content-type": "application/grpc",
        te: "trailers"
      })
      const state = { status: "sending" }
      const note = (headers: http2.IncomingHttpHeaders) => {
        const status = headers["grpc-status"]
        if (status !== undefined) state.status = String(status)
      }
      stream.on("response", note).on("trailers", note).on("error", () => {}).resume()
      const head = Buffer.alloc(5)
      head.writeUInt32BE(messageBytes, 1)
      stream.write(Buffer.concat([head, Buffer.alloc(messageBytes - 1)]), () => {
        if (state.status === "sending") state.status = "waiting"
      })
      return { session, state }
    }),
    ({ session }) => Effect.sync(() => session.destroy())
  )

describe("Core beside 100 slow senders of large messages", () => {
  it.live("holds a bounded part of them, turns the others away, and serves their neighbour", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const { config, ports } = yield* CoreProcess.configured(folder)
      const core = yield* Program.start(["core", "--config", config])
      const target = `127.0.0.1:${ports.grpc}`
      const poller = yield* GrpcClient.make(PollerServiceService, { target })
      const within = { within: "30 seconds", programs: [core] } as const
      yield* Program.eventually("a report taken", Effect.asSome(poller.reportStatus(report("ready"))), within)
      const before = yield* residentMebibytes(core.pid)

      yield* Effect.scoped(Effect.gen(function*() {
        const senders = yield* Effect.all(Array.from({ length: 100 }, () => slowSender(target)))
        const count = (status: string) => senders.filter(({ state }) => state.status === status).length
        yield* Program.eventually(
          "every sender refused or held",
          Effect.sync(() => Option.liftPredicate(count("sending"), (sending) => sending === 0)),
          within
        )

        assert.isAtLeast(count(resourceExhausted), 80, JSON.stringify(senders.map(({ state }) => state.status)))
        assert.strictEqual(count(resourceExhausted) + count("waiting"), 100)
        assert.isTrue((yield* poller.reportStatus(report("neighbour"))).received)
        assert.isBelow((yield* residentMebibytes(core.pid)) - before, 200)
      }))

      const large = poller.reportStatus(report("large", messageBytes - 1_024))
      const taken = yield* Program.eventually("room for a large report again", Effect.option(large), within)
      assert.isTrue(taken.received)
    }))
})
