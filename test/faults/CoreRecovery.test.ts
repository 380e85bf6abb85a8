import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { PollerServiceService } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as ProcessTable from "../../src/layers/process/ProcessTable.ts"
import * as CoreProcess from "../support/coreProcess.ts"
import { get } from "../support/http.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const setUp = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const { config, data, ports } = yield* CoreProcess.configured(folder)
  const poller = yield* GrpcClient.make(PollerServiceService, { target: `127.0.0.1:${ports.grpc}` })
  const report = (serviceName: string) =>
    poller.reportStatus(CoreProcess.wireReport(1_700_000_000n, [CoreProcess.wireStatus({ serviceName })]))
  const names = Effect.map(get(`127.0.0.1:${ports.http}`, "/api/services"), ({ body }) => JSON.stringify(body))
  return { config, data, report, names }
})

/** Once the report is acknowledged, which is after its commit. */
const accepted = <E>(what: string, report: Effect.Effect<unknown, E>, core: Program.Program) =>
  Program.eventually(what, Effect.asSome(report), { within: "20 seconds", programs: [core] })

const postmaster = (data: string) =>
  Effect.map(
    Effect.promise(() => fs.readFile(path.join(data, "postmaster.pid"), "utf8")),
    (text) => Number(text.split("\n")[0])
  )

/** A zombie, which only its missing parent would bury, does not run. */
const isRunning = (pid: number) =>
  Effect.map(ProcessTable.startTicks(pid), Option.isSome).pipe(Effect.provide(NodeFileSystem.layer))

/** What else the machine does only adds to a time. */
const bestOfThree = { retry: 2, timeout: 120_000 }

describe("Core as a process of its own", () => {
  it.live("keeps what it accepted when it is killed, and leaves no server behind", () =>
    Effect.gen(function*() {
      const { config, data, names, report } = yield* setUp
      const first = yield* Program.start(["core", "--config", config])
      yield* accepted("first report", report("before"), first)
      const orphan = yield* postmaster(path.join(data, "data"))
      yield* first.kill("SIGKILL")
      yield* first.exited
      yield* Program.eventually(
        "the end of the killed program's server",
        Effect.map(isRunning(orphan), (running) => running ? Option.none() : Option.some(true)),
        { within: "10 seconds" }
      )

      const second = yield* Program.start(["core", "--config", config])
      const startedAt = yield* Clock.currentTimeMillis
      yield* accepted("report after the return", report("after"), second)
      const millis = (yield* Clock.currentTimeMillis) - startedAt

      assert.include(yield* names, `"serviceName":"before"`)
      assert.isBelow(millis, 5_000)
    }), bestOfThree)

  it.live("goes on when its PostgreSQL is killed, and stops it when it is told to stop", () =>
    Effect.gen(function*() {
      const { config, data, names, report } = yield* setUp
      const core = yield* Program.start(["core", "--config", config])
      yield* accepted("first report", report("before"), core)
      const killed = yield* postmaster(path.join(data, "data"))

      yield* Effect.sync(() => process.kill(killed, "SIGKILL"))
      const killedAt = yield* Clock.currentTimeMillis
      const next = yield* Program.eventually(
        "another server",
        postmaster(path.join(data, "data")).pipe(
          Effect.catchDefect(() => Effect.succeed(killed)),
          Effect.map((pid) => pid === killed ? Option.none<number>() : Option.some(pid))
        ),
        { within: "10 seconds", programs: [core] }
      )
      yield* accepted("report after the return", report("after"), core)
      const millis = (yield* Clock.currentTimeMillis) - killedAt
      const services = yield* names
      yield* core.kill("SIGTERM")
      const code = yield* core.exited

      assert.isBelow(millis, 5_000)
      assert.include(services, `"serviceName":"before"`)
      assert.include(services, `"serviceName":"after"`)
      assert.strictEqual(code, 0)
      assert.isFalse(yield* isRunning(next))
    }), bestOfThree)
})
