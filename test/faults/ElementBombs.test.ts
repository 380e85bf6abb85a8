import { assert, describe, it } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import { Effect, Fiber } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { promisify } from "node:util"
import { PollerServiceService, type ServiceStatus } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as CoreProcess from "../support/coreProcess.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const setUp = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const { config, ports } = yield* CoreProcess.configured(folder)
  const core = yield* Program.start(["core", "--config", config])
  const target = `127.0.0.1:${ports.grpc}`
  const poller = yield* GrpcClient.make(PollerServiceService, { target })
  yield* Program.eventually("a report taken", Effect.asSome(poller.reportStatus(reportOf([status("ready")]))), {
    within: "30 seconds",
    programs: [core]
  })
  return { core, poller, target }
})

const status = (serviceName: string): ServiceStatus =>
  CoreProcess.wireStatus({ serviceName, message: Buffer.from(`{"name":${JSON.stringify(serviceName)}}`) })

const reportOf = (services: Array<ServiceStatus>) => CoreProcess.wireReport(0n, services)

/** As many empty statuses as 4 MiB less a hundred bytes have room for, and less two hundred a chunk. */
const protobomb = (4 * 2 ** 20 - 100) / 2
const streambomb = (4 * 2 ** 20 - 200) / 2

/** The status codes of `count` bombs of so many empty statuses, see `elementBombs.ts`. */
const bombs = (target: string, kind: "unary" | "headless" | "stream", count: number, statuses: number) =>
  Effect.promise(async (signal) => {
    const script = path.join(Program.projectRoot, "test/support/elementBombs.ts")
    const args = [script, target, kind, `${count}`, `${statuses}`]
    const { stdout } = await promisify(execFile)(process.execPath, args, { signal, timeout: 60_000 })
    const codes: unknown = JSON.parse(stdout)
    return Array.isArray(codes) ? codes.map(Number) : []
  })

const peakMebibytes = (pid: number) =>
  Effect.map(
    Effect.promise(() => fs.readFile(`/proc/${pid}/status`, "utf8")),
    (text) => Number(/^VmHWM:\s+(\d+)/m.exec(text)?.[1]) / 1_024
  )

type Poller = Effect.Success<typeof setUp>["poller"]

/** Milliseconds that a small report takes, again and again until interrupted. */
const neighbour = (poller: Poller, took: Array<number>) =>
  Effect.gen(function*() {
    const at = performance.now()
    yield* poller.reportStatus(reportOf([status("neighbour")]))
    took.push(performance.now() - at)
    yield* Effect.sleep("10 millis")
  }).pipe(Effect.forever)

const p99 = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.POSITIVE_INFINITY

/** What the neighbour's 99th percentile is beside the work, and what a busy machine costs by itself. */
const beside = Effect.fnUntraced(function*<A, E, R>(poller: Poller, work: Effect.Effect<A, E, R>) {
  const quiet: Array<number> = []
  yield* Effect.timeoutOption(neighbour(poller, quiet), "1 second")
  const loud: Array<number> = []
  const fiber = yield* Effect.forkChild(neighbour(poller, loud))
  const result = yield* work
  yield* Fiber.interrupt(fiber)
  return { result, slowest: { quiet: p99(quiet), loud: p99(loud) } }
})

/** What else the machine does only adds to a latency. */
const bestOfThree = { retry: 2, timeout: 120_000 }

describe("Core under messages of very many elements", () => {
  it.live(
    "refuses them at once, in little memory, while a neighbour is served (protobomb.mjs, streambomb.mjs)",
    () =>
      Effect.gen(function*() {
        const { core, poller, target } = yield* setUp
        const before = yield* peakMebibytes(core.pid)

        const { result: codes, slowest } = yield* beside(
          poller,
          Effect.all([bombs(target, "headless", 8, protobomb), bombs(target, "stream", 8, streambomb)])
        )

        assert.deepStrictEqual([...new Set(codes.flat())], [grpc.status.INVALID_ARGUMENT], core.output())
        assert.isBelow(slowest.loud, 300 + slowest.quiet)
        assert.isBelow((yield* peakMebibytes(core.pid)) - before, 200)
      }),
    bestOfThree
  )

  it.live(
    "reads as many as it takes without keeping a neighbour waiting, and no more of one peer than its share",
    () =>
      Effect.gen(function*() {
        const { core, poller, target } = yield* setUp
        const before = yield* peakMebibytes(core.pid)

        const { result: codes, slowest } = yield* beside(poller, bombs(target, "unary", 12, 49_000))

        assert.includeMembers([grpc.status.OK, grpc.status.RESOURCE_EXHAUSTED], codes)
        assert.include(codes, grpc.status.OK)
        assert.isBelow(slowest.loud, 300 + slowest.quiet)
        assert.isBelow((yield* peakMebibytes(core.pid)) - before, 400)
      }),
    bestOfThree
  )

  it.live("stores a large report a slice at a time: a neighbour does not notice", () =>
    Effect.gen(function*() {
      const { core, poller } = yield* setUp
      const services = Array.from({ length: 20_000 }, (_, index) => status(`service-${index}`))

      const { result, slowest } = yield* beside(poller, poller.reportStatus(reportOf(services)))

      assert.isTrue(result.received, core.output())
      assert.isBelow(slowest.loud, 300 + slowest.quiet)
    }), bestOfThree)
})
