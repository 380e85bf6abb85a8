/**
 * One reading of this host's counters: cores, memory, disks, processes.
 *
 * The kernel counts in its own units, ticks and pages, and tells every program at its start what they are. Its files are
 * made as they are read, so they are read where we are (as in `ProcessTable`); only the file systems are asked elsewhere,
 * because one that hangs takes its time.
 */
import { Effect, type FileSystem, Result } from "effect"
import { readFileSync } from "node:fs"
import { statfs } from "node:fs/promises"
import * as os from "node:os"
import * as AuxiliaryVector from "../../domain/monitoring/host/AuxiliaryVector.ts"
import * as HostStats from "../../domain/monitoring/host/HostStats.ts"
import type { ProcessStat } from "../../domain/monitoring/host/ProcessTable.ts"
import type * as ProcessTable from "../process/ProcessTable.ts"

/** More mounts than this are not looked at. */
const disksMax = 64

const readOrEmpty = (file: string): Effect.Effect<string> =>
  Effect.sync(() => Result.getOrElse(Result.try(() => readFileSync(file, "utf8")), () => ""))

export interface Disk {
  readonly mount_point: string
  readonly used_bytes: number
  readonly total_bytes: number
}

const diskAt = (mountPoint: string): Effect.Effect<ReadonlyArray<Disk>> =>
  Effect.tryPromise(() => statfs(mountPoint)).pipe(
    Effect.map((stats) => [{
      mount_point: mountPoint,
      used_bytes: (stats.blocks - stats.bfree) * stats.bsize,
      total_bytes: stats.blocks * stats.bsize
    }]),
    // Not every mount point may be looked at by this user.
    Effect.orElseSucceed(() => [])
  )

const readDisks = Effect.gen(function*() {
  const mountPoints = HostStats.parseMounts(yield* readOrEmpty("/proc/mounts")).slice(0, disksMax)
  const disks = yield* Effect.forEach(mountPoints, diskAt, { concurrency: 4 })
  return disks.flat().filter((disk) => disk.total_bytes > 0)
})

export interface HostReading {
  readonly cpus: ReadonlyArray<HostStats.CpuCounters>
  readonly memory: ReturnType<typeof HostStats.parseMemory>
  readonly disks: ReadonlyArray<Disk>
  readonly load: ReadonlyArray<number>
  readonly uptimeSeconds: number
  readonly processes: ReadonlyArray<ProcessStat>
}

const narrowArchitectures: ReadonlySet<string> = new Set(["arm", "ia32", "mips", "mipsel"])

/** What ticks and pages are on this host. */
export const readUnits = (fs: FileSystem.FileSystem): Effect.Effect<AuxiliaryVector.KernelUnits> =>
  fs.readFile("/proc/self/auxv").pipe(
    Effect.map((vector) =>
      AuxiliaryVector.parse(vector, {
        bytes: narrowArchitectures.has(os.arch()) ? 4 : 8,
        isLittleEndian: os.endianness() === "LE"
      })
    ),
    Effect.orElseSucceed(() => AuxiliaryVector.usualUnits)
  )

/** The counters alone, for the first of two readings. */
export const readCpus = Effect.map(readOrEmpty("/proc/stat"), HostStats.parseCpus)

export const read = (table: ReturnType<typeof ProcessTable.read>) =>
  Effect.gen(function*() {
    return {
      cpus: yield* readCpus,
      memory: HostStats.parseMemory(yield* readOrEmpty("/proc/meminfo")),
      disks: yield* readDisks,
      load: HostStats.parseLoad(yield* readOrEmpty("/proc/loadavg")),
      uptimeSeconds: HostStats.parseUptimeSeconds(yield* readOrEmpty("/proc/uptime")),
      processes: yield* Effect.orElseSucceed(table, () => [])
    } satisfies HostReading
  })
