/**
 * Sync from two fake sources to the served set, agents' configs and readers.
 *
 *   npm run bench -- sync [--devices 100000]
 *
 * A run of its own gives time and CPU; a service that cycles without a pause gives memory, with three full streams at
 * once after its second cycle; then the sources are stopped and readers alone are measured, a fast and a slow one.
 */
import { Effect, Stream } from "effect"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { AgentServiceService, type ResultsChunk } from "../src/gen/monitoring/monitoring.ts"
import * as GrpcClient from "../src/layers/grpc/GrpcClient.ts"
import * as FreePort from "../src/layers/process/endpoint/FreePort.ts"
import * as FakeDataService from "../test/fixtures/FakeDataService.ts"
import * as Peers from "./sync/Peers.ts"
import type { Row } from "./Table.ts"

const request = {
  serviceName: "sync",
  serviceType: "sync",
  agentId: "",
  pollerId: "bench",
  details: "",
  lastSequence: "",
  completionStatus: undefined
}
const statusRequest = { serviceName: "sync", serviceType: "sync", agentId: "", pollerId: "bench", details: "", port: 0 }

const reading = <A>(
  port: number,
  body: (client: GrpcClient.GrpcClient<typeof AgentServiceService>) => Effect.Effect<A, unknown>
) =>
  Effect.runPromise(
    Effect.scoped(Effect.flatMap(GrpcClient.make(AgentServiceService, { target: `127.0.0.1:${port}` }), body))
  )

/** Bytes of all chunks' data. */
const streamAll = (port: number, perChunk: (chunk: ResultsChunk) => Effect.Effect<void> = () => Effect.void) =>
  reading(port, (client) =>
    Stream.runFoldEffect(
      client.streamResults(request),
      () => 0,
      (sum, chunk) => Effect.as(perChunk(chunk), sum + chunk.data.length)
    ))

const statusOf = (port: number): Promise<{ readonly sequence: string; readonly devices: number }> =>
  reading(
    port,
    (client) => Effect.map(client.getStatus(statusRequest), ({ message }) => JSON.parse(message.toString("utf8")))
  )

const round = (value: number, digits = 1): number => Math.round(value * 10 ** digits) / 10 ** digits

/** As the log tells them, of the source that had the fewest. */
const committedRuns = (log: string): number =>
  Math.min(...["armis", "netbox"].map((source) => log.split(`Source ${source}: `).length - 1))

const until = async (what: string, isTrue: () => Promise<boolean>): Promise<void> => {
  const deadline = performance.now() + 1_200_000
  while (!await isTrue().catch(() => false)) {
    if (performance.now() > deadline) throw new Error(`not within 20 minutes: ${what}`)
    await sleep(200)
  }
}

/** A measurement of a million devices takes minutes: where it is goes to stderr. */
const step = (what: string): void => void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${what}\n`)

const measure = async (folder: string, devices: number, dataAddress: string) => {
  const sources = [await Peers.fake("armis", devices / 2), await Peers.fake("netbox", devices / 2)] as const
  const port = await Effect.runPromise(FreePort.next("127.0.0.1", 0))
  const file = path.join(folder, "sync.json")
  await fs.writeFile(
    file,
    JSON.stringify({
      listen_addr: `127.0.0.1:${port}`,
      kv_address: dataAddress,
      discovery_interval: "1s",
      agent_id: "agent-a",
      poller_id: "poller-a",
      spool_dir: path.join(folder, "spool"),
      sources: {
        armis: {
          type: "armis",
          endpoint: sources[0].url,
          credentials: { secret_key: "bench", page_size: "1000" },
          queries: [{ label: "all_devices", query: "in:devices orderBy=id" }]
        },
        netbox: { type: "netbox", endpoint: sources[1].url, agent_id: "agent-b", credentials: { api_token: "t0k3n" } }
      }
    })
  )
  step("one run of its own")
  const once = Peers.command(["sync", "run", "--once", "--json", "--config", file])
  const onceLine = await once.line((text) => text.startsWith("{\"sources\""))
  const report: { seconds: number; cpuSeconds: number; rssMegabytes: number } = JSON.parse(onceLine)
  step(onceLine)
  step("a service that cycles")
  const service = Peers.command(["sync", "--config", file, "--http", "off"])
  try {
    await service.line((text) => text.includes("serves gRPC"))
    await until("two cycles", () => Promise.resolve(committedRuns(service.log()) >= 2))
    step("three streams at once")
    await Promise.all([streamAll(port), streamAll(port), streamAll(port)])
    const secondCycle = Peers.peakMegabytes(service.pid)
    step(`most memory so far: ${Math.round(secondCycle)} MB`)
    for (const source of sources) source.stop()
    step("sources stopped, until it is quiet")
    // What was under way ends, and the sources wait a minute before they try again.
    let before = ""
    await until("it is quiet", async () => {
      const { sequence } = await statusOf(port)
      const isSame = sequence === before
      before = sequence
      await sleep(3_000)
      return isSame
    })
    step("readers alone")
    const proxy = await Peers.countingProxy(port)
    const payload = await streamAll(proxy.port)
    const overhead = (proxy.bytes() - payload) / payload
    const startedAt = performance.now()
    const bytes = await streamAll(port)
    const megabytesPerSecond = bytes / 1e6 / ((performance.now() - startedAt) / 1000)
    step(`wire overhead ${round(overhead * 100, 3)} %, stream ${Math.round(megabytesPerSecond)} MB/s`)
    const restBefore = Peers.residentMegabytes(service.pid)
    let most = restBefore
    const latencies: Array<number> = []
    const slow = streamAll(port, () => Effect.sleep(Math.max(1, 20_000 * 524_288 / bytes)))
    // Over one connection, as pollers have it.
    await reading(port, (client) =>
      Effect.gen(function*() {
        yield* client.getStatus(statusRequest)
        do {
          const asked = performance.now()
          yield* client.getStatus(statusRequest)
          latencies.push(performance.now() - asked)
          most = Math.max(most, Peers.residentMegabytes(service.pid))
        } while ((yield* Effect.promise(() => Promise.race([slow, sleep(100, undefined)]))) === undefined)
      }))
    proxy.stop()
    latencies.sort((a, b) => a - b)
    return {
      devices,
      devices_per_s: Math.round(devices / report.seconds),
      cpu_s_per_100k: round(report.cpuSeconds / (devices / 100_000), 2),
      rss_mb: report.rssMegabytes,
      rss_second_cycle_mb: Math.round(secondCycle),
      stream_mb_per_s: Math.round(megabytesPerSecond),
      slow_reader_added_mb: round(most - restBefore),
      status_beside_slow_reader_ms: round(latencies.at(-1) ?? 0),
      wire_overhead_pct: round(overhead * 100, 3)
    }
  } finally {
    service.child.kill("SIGKILL")
    for (const source of sources) source.stop()
  }
}

const rowsOf = (result: Awaited<ReturnType<typeof measure>>): ReadonlyArray<Row> => [
  { what: "devices", value: result.devices, unit: "" },
  { what: "source to served set and configs", value: result.devices_per_s, unit: "/s", must: "12,000", aim: "30,000" },
  { what: "CPU per 100,000 devices", value: result.cpu_s_per_100k, unit: "s", must: "8", aim: "4" },
  { what: "memory after one run", value: result.rss_mb, unit: "MB" },
  {
    what: "most memory, second cycle and three streams",
    value: result.rss_second_cycle_mb,
    unit: "MB",
    must: "350",
    aim: "200"
  },
  { what: "stream to a fast reader", value: result.stream_mb_per_s, unit: "MB/s", must: "40", aim: "100" },
  { what: "added by a slow reader", value: result.slow_reader_added_mb, unit: "MB", must: "64", aim: "16" },
  { what: "slowest GetStatus meanwhile", value: result.status_beside_slow_reader_ms, unit: "ms", must: "100" },
  { what: "overhead on the wire", value: result.wire_overhead_pct, unit: "%", must: "0.5", aim: "0.1" }
]

export const run = async (options: ReadonlyMap<string, string>) => {
  const devices = Number(options.get("devices") ?? 100_000)
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "serviceradar-bench-"))
  try {
    const result = await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(FakeDataService.serve, ({ address }) => Effect.promise(() => measure(folder, devices, address)))
      )
    )
    return { rows: rowsOf(result), result }
  } finally {
    await fs.rm(folder, { recursive: true, force: true })
  }
}
