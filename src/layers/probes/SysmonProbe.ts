/**
 * `sysmon`: CPU, memory, disks, load and processes of the host that this agent runs on.
 *
 * The checker remembers its last reading, so usage is that of the time since the previous check; the first check takes
 * two readings a quarter of a second apart. `load_average` and `uptime_seconds` are ours; core ignores them.
 */
import { Clock, DateTime, Duration, Effect, type FileSystem, Schema } from "effect"
import * as os from "node:os"
import * as Payload from "../../domain/monitoring/checks/details/Payload.ts"
import * as ProbeResult from "../../domain/monitoring/checks/ProbeResult.ts"
import type { KernelUnits } from "../../domain/monitoring/host/AuxiliaryVector.ts"
import * as HostStats from "../../domain/monitoring/host/HostStats.ts"
import type { ProcessStat } from "../../domain/monitoring/host/ProcessTable.ts"
import type { Prepare } from "../../services/monitoring/Prober.ts"
import type * as ProcessTable from "../process/ProcessTable.ts"
import * as HostReader from "./HostReader.ts"
import type { Kind } from "./ProbeKit.ts"

export interface SysmonOptions {
  /** The processes of this host; read once with others that want them. */
  readonly processTable: ReturnType<typeof ProcessTable.read>
  readonly hostIp: string
  readonly partition: string
}

const timeout = Duration.seconds(5)
const firstInterval = Duration.millis(250)
/** The busiest ones; a host with thousands would fill every report. */
const processesMax = 100

const stateNames: Readonly<Record<string, string>> = {
  R: "Running",
  S: "Sleeping",
  D: "DiskSleep",
  I: "Idle",
  T: "Stopped",
  t: "Tracing",
  Z: "Zombie",
  X: "Dead"
}

interface Previous {
  readonly cpus: ReadonlyArray<HostStats.CpuCounters>
  readonly ticksByPid: ReadonlyMap<number, number>
  readonly atNanos: bigint
}

const processRows = (
  { pageBytes, ticksPerSecond }: KernelUnits,
  reading: HostReader.HostReading,
  previous: Previous,
  atNanos: bigint,
  nowMillis: number
) => {
  const seconds = Number(atNanos - previous.atNanos) / 1e9
  const bootMillis = nowMillis - reading.uptimeSeconds * 1000
  const used = (one: ProcessStat): number => {
    const earlier = previous.ticksByPid.get(one.pid)
    const ticks = earlier === undefined ? 0 : Math.max(0, one.cpuTicks - earlier)
    return seconds <= 0 ? 0 : Math.round(ticks / ticksPerSecond / seconds * 10_000) / 100
  }
  return reading.processes
    .map((one) => ({ one, cpu: used(one) }))
    .toSorted((a, b) => b.cpu - a.cpu || b.one.residentPages - a.one.residentPages)
    .slice(0, processesMax)
    .map(({ cpu, one }) => ({
      pid: one.pid,
      name: one.name,
      cpu_usage: cpu,
      memory_usage: one.residentPages * pageBytes,
      status: stateNames[one.state] ?? one.state,
      start_time: DateTime.formatIso(DateTime.makeUnsafe(bootMillis + one.startTicks / ticksPerSecond * 1000))
    }))
}

export const prepare = (fs: FileSystem.FileSystem, { processTable, ...options }: SysmonOptions): Prepare =>
  Effect.fnUntraced(function*() {
    const units = yield* HostReader.readUnits(fs)
    let previous: Previous | undefined

    const first = Effect.gen(function*() {
      const cpus = yield* HostReader.readCpus
      const atNanos = yield* Clock.monotonicTimeNanos
      yield* Effect.sleep(firstInterval)
      return { cpus, ticksByPid: new Map<number, number>(), atNanos } satisfies Previous
    })

    const check = Effect.gen(function*() {
      const before: Previous = previous ?? (yield* first)
      const startedNanos = yield* Clock.monotonicTimeNanos
      const reading = yield* HostReader.read(processTable)
      const atNanos = yield* Clock.monotonicTimeNanos
      const now = yield* DateTime.now
      previous = {
        cpus: reading.cpus,
        ticksByPid: new Map(reading.processes.map((one) => [one.pid, one.cpuTicks])),
        atNanos
      }
      const elapsedNanos = atNanos - startedNanos
      return {
        available: true,
        responseTimeNanos: elapsedNanos,
        message: JSON.stringify({
          available: true,
          response_time: Number(elapsedNanos),
          status: {
            timestamp: DateTime.formatIso(now),
            host_id: os.hostname(),
            host_ip: options.hostIp,
            partition: options.partition,
            cpus: HostStats.cpuUsage(before.cpus, reading.cpus),
            disks: reading.disks,
            memory: reading.memory,
            processes: processRows(units, reading, before, atNanos, now.epochMilliseconds),
            load_average: reading.load,
            uptime_seconds: reading.uptimeSeconds
          }
        })
      }
    })

    return {
      timeout,
      check,
      failed: (reason) => ({
        ...ProbeResult.failed(reason),
        message: JSON.stringify({ available: false, response_time: 0, error: reason })
      })
    }
  })

const Core = Schema.Struct({
  core_id: Payload.measure("count", "from 0"),
  usage_percent: Payload.measure("percent", "since the check before")
})

const Disk = Schema.Struct({
  mount_point: Payload.text("a mounted file system with space of its own, at most 64"),
  used_bytes: Payload.measure("bytes", "used"),
  total_bytes: Payload.measure("bytes", "in all")
})

const Memory = Schema.Struct({
  used_bytes: Payload.measure("bytes", "used"),
  total_bytes: Payload.measure("bytes", "in all")
})

const Process = Schema.Struct({
  pid: Payload.measure("count", "process id"),
  name: Payload.text("the kernel's name for it"),
  cpu_usage: Payload.measure("percent", "of one core, since the check before"),
  memory_usage: Payload.measure("bytes", "resident"),
  status: Payload.text("such as `Sleeping`"),
  start_time: Payload.text("ISO 8601")
})

const Status = Schema.Struct({
  timestamp: Payload.text("when it was read, ISO 8601"),
  host_id: Payload.text("the host's name"),
  host_ip: Payload.text("`host_ip` of the agent's file, or the first address of the host"),
  partition: Payload.text("of the agent"),
  cpus: Payload.value(Schema.Array(Core), "each core"),
  disks: Payload.value(Schema.Array(Disk), "each file system"),
  memory: Payload.value(Memory, "of the host"),
  processes: Payload.value(Schema.Array(Process), "the 100 busiest"),
  load_average: Payload.value(Schema.Array(Schema.Finite), "over 1, 5 and 15 minutes"),
  uptime_seconds: Payload.measure("seconds", "since the host was started")
})

const payload = Schema.Struct({
  available: Payload.flag("whether the host could be read"),
  status: Payload.value(Status, "what was read"),
  ...Payload.common
})

export const kind: Kind = {
  about: "What does the host that the agent runs on use: cores, memory, disks, processes?",
  notes:
    "A check of type `grpc` with a name that begins with `sysmon` and no address is the same check: core stores the " +
    "metrics of that type only, and the poller sends this one as that.",
  details: { bareForm: "nothing" },
  payload,
  examples: [{ details: "", about: "What is used here?" }],
  prepare: ({ config, fs, hostIp, processTable }) => prepare(fs, { hostIp, partition: config.partition, processTable })
}
