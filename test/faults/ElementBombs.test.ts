import { assert, describe, it } from "@effect/vitest"
import * as grpc from "@grpc/grpc-js"
import { Effect, Fiber, type Scope } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { PollerServiceService, type ServiceStatus } from "../../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../../src/layers/grpc/GrpcClient.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

const setUp = Effect.gen(function*() {
  const folder = yield* temporaryFolder
  const ports = { grpc: yield* Program.freePort, http: yield* Program.freePort }
  const config = path.join(folder, "core.json")
  yield* Effect.promise(() =>
    fs.writeFile(
      config,
      JSON.stringify({
        listen_addr: `127.0.0.1:${ports.http}`,
        grpc_addr: `127.0.0.1:${ports.grpc}`,
        data_dir: path.join(folder, "pg")
      })
    )
  )
  const core = yield* Program.start(["core", "--config", config])
  const target = `127.0.0.1:${ports.grpc}`
  const poller = yield* GrpcClient.make(PollerServiceService, { target })
  yield* Program.eventually("a report taken", Effect.asSome(poller.reportStatus(reportOf([status("ready")]))), {
    within: "30 seconds",
    programs: [core]
  })
  return { core, poller, target }
})

const status = (serviceName: string): ServiceStatus => ({
  serviceName,
  serviceType: "port",
  available: true,
  message: Buffer.from(`{"name":${JSON.stringify(serviceName)}}`),
  responseTime: 1n,
  agentId: "agent-1",
  pollerId: "poller-1",
  partition: "default",
  source: "getStatus",
  kvStoreId: ""
})

const reportOf = (services: Array<ServiceStatus>) => ({
  services,
  pollerId: "poller-1",
  agentId: "",
  timestamp: 0n,
  partition: "default",
  sourceIp: "127.0.0.1",
  kvStoreId: ""
})

/** `services`, empty, over and over: two bytes make a whole object of the generated code. */
const emptyStatuses = (bytes: number): Buffer => {
  const bomb = Buffer.alloc(bytes - (bytes % 2))
  for (let at = 0; at < bomb.length; at += 2) bomb[at] = 0x0a
  return bomb
}

const raw = (bytes: Buffer) => bytes

/** A client of its own connection, as each of `protobomb.mjs`. */
const connect = (target: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      new grpc.Client(target, grpc.credentials.createInsecure(), {
        "grpc.use_local_subchannel_pool": 1,
        "grpc.max_send_message_length": -1
      })
    ),
    (client) => Effect.sync(() => client.close())
  )

/** The status code of one message to `ReportStatus`. */
const send = (target: string, bytes: Buffer): Effect.Effect<number, never, Scope.Scope> =>
  Effect.flatMap(connect(target), (client) =>
    Effect.callback<number>((resume) => {
      client.makeUnaryRequest(
        "/monitoring.PollerService/ReportStatus",
        raw,
        raw,
        bytes,
        { deadline: Date.now() + 30_000 },
        (error) => resume(Effect.succeed(error?.code ?? grpc.status.OK))
      )
    }))

/** The status code of a stream of such chunks. */
const stream = (target: string, chunks: ReadonlyArray<Buffer>): Effect.Effect<number, never, Scope.Scope> =>
  Effect.flatMap(connect(target), (client) =>
    Effect.callback<number>((resume) => {
      const call = client.makeClientStreamRequest(
        "/monitoring.PollerService/StreamStatus",
        raw,
        raw,
        { deadline: Date.now() + 30_000 },
        (error) => resume(Effect.succeed(error?.code ?? grpc.status.OK))
      )
      call.on("error", () => undefined)
      for (const chunk of chunks) call.write(chunk)
      call.end()
    }))

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

/** The neighbour's 99th percentile while nothing else happens: what a busy machine costs by itself. */
const quietP99 = Effect.fnUntraced(function*(poller: Poller) {
  const took: Array<number> = []
  yield* Effect.timeoutOption(neighbour(poller, took), "1 second")
  return p99(took)
})

const p99 = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.POSITIVE_INFINITY

describe("Core under messages of very many elements", () => {
  it.live("refuses them at once, in little memory, while a neighbour is served", () =>
    Effect.gen(function*() {
      const { core, poller, target } = yield* setUp
      const before = yield* peakMebibytes(core.pid)
      const bomb = emptyStatuses(4 * 2 ** 20 - 100)
      // poller_id "bomb", timestamp; then the next index.
      const head = Buffer.from([0x12, 4, ...Buffer.from("bomb"), 0x2a, 1, 0x64])
      const chunks = Array.from({ length: 6 }, (_, index) => Buffer.concat([head, bomb, Buffer.from([0x40, index])]))
      const quiet = yield* quietP99(poller)
      const took: Array<number> = []
      const beside = yield* Effect.forkChild(neighbour(poller, took))

      const codes = yield* Effect.all([
        ...Array.from({ length: 8 }, () => send(target, bomb)),
        stream(target, chunks)
      ], { concurrency: "unbounded" })
      const tail = yield* Effect.exit(Effect.timeoutOption(Fiber.join(beside), "500 millis"))
      yield* Fiber.interrupt(beside)
      const after = yield* peakMebibytes(core.pid)

      assert.deepStrictEqual([...new Set<number>(codes)], [grpc.status.INVALID_ARGUMENT], core.output())
      assert.strictEqual(tail._tag, "Success")
      assert.isAtLeast(took.length, 10)
      assert.isBelow(p99(took), 300 + quiet)
      assert.isBelow(after - before, 200)
    }))

  it.live("reads as many as it takes without keeping a neighbour waiting, and no more of one peer than its share", () =>
    Effect.gen(function*() {
      const { core, poller, target } = yield* setUp
      const before = yield* peakMebibytes(core.pid)
      const most = Buffer.concat([Buffer.from([0x12, 4, ...Buffer.from("bomb")]), emptyStatuses(99_000)])
      const quiet = yield* quietP99(poller)
      const took: Array<number> = []
      const beside = yield* Effect.forkChild(neighbour(poller, took))

      const codes = yield* Effect.all(Array.from({ length: 12 }, () => send(target, most)), {
        concurrency: "unbounded"
      })
      yield* Fiber.interrupt(beside)
      const after = yield* peakMebibytes(core.pid)

      assert.includeMembers(codes, [grpc.status.OK, grpc.status.RESOURCE_EXHAUSTED])
      assert.isBelow(p99(took), 300 + quiet)
      assert.isBelow(after - before, 400)
    }))

  it.live("takes a large report a slice at a time: a neighbour does not notice", () =>
    Effect.gen(function*() {
      const { core, poller, target } = yield* setUp
      const quiet = yield* quietP99(poller)
      const took: Array<number> = []
      const beside = yield* Effect.forkChild(neighbour(poller, took))
      const services = Array.from({ length: 25_000 }, (_, index) => status(`service-${index}`))
      const bytes = PollerServiceService.reportStatus.requestSerialize(reportOf(services))

      const code = yield* send(target, bytes)
      yield* Fiber.interrupt(beside)

      assert.strictEqual(code, grpc.status.OK, core.output())
      assert.isBelow(bytes.length, 4 * 2 ** 20)
      assert.isAtLeast(took.length, 10)
      assert.isBelow(p99(took), 300 + quiet)
    }))
})
