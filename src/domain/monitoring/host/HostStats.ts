/**
 * Reads Linux's `/proc` tables about the host as a whole.
 *
 * CPU usage is the share of time between two readings of counters that only grow; a single reading says nothing.
 */

export interface CpuCounters {
  readonly coreId: number
  readonly busyTicks: number
  readonly totalTicks: number
}

/** The cores of `/proc/stat`, without the sum over all. */
export const parseCpus = (stat: string): ReadonlyArray<CpuCounters> =>
  stat.split("\n").flatMap((line) => {
    const found = /^cpu(\d+) +(.*)$/.exec(line)
    if (found === null) return []
    // user nice system idle iowait irq softirq steal; guest time is contained in user.
    const ticks = (found[2] ?? "").split(" ").slice(0, 8).map(Number)
    const totalTicks = ticks.reduce((sum, each) => sum + each, 0)
    return [{ coreId: Number(found[1]), busyTicks: totalTicks - (ticks[3] ?? 0) - (ticks[4] ?? 0), totalTicks }]
  })

/** Percent of the time between two readings, 0 to 100; cores that came up in between have none yet. */
export const cpuUsage = (
  before: ReadonlyArray<CpuCounters>,
  after: ReadonlyArray<CpuCounters>
): ReadonlyArray<{ readonly core_id: number; readonly usage_percent: number }> => {
  const earlier = new Map(before.map((core) => [core.coreId, core]))
  return after.map((core) => {
    const previous = earlier.get(core.coreId)
    const total = previous === undefined ? 0 : core.totalTicks - previous.totalTicks
    const busy = previous === undefined ? 0 : core.busyTicks - previous.busyTicks
    const share = total <= 0 ? 0 : Math.min(1, Math.max(0, busy / total))
    return { core_id: core.coreId, usage_percent: Math.round(share * 10_000) / 100 }
  })
}

const kibibytes = (meminfo: string, key: string): number => {
  const found = new RegExp(`^${key}: +(\\d+) kB$`, "m").exec(meminfo)
  return Number(found?.[1] ?? 0) * 1024
}

/** Used is what is not available to programs: caches that can be dropped do not count. */
export const parseMemory = (meminfo: string): { readonly used_bytes: number; readonly total_bytes: number } => {
  const total = kibibytes(meminfo, "MemTotal")
  return { used_bytes: Math.max(0, total - kibibytes(meminfo, "MemAvailable")), total_bytes: total }
}

/** File systems on storage of this host. Network ones are left out: asking a server that is away may hang for ever. */
const storageTypes = new Set(
  "ext2 ext3 ext4 xfs btrfs zfs f2fs jfs reiserfs bcachefs ntfs3 vfat exfat overlay".split(" ")
)

const unescapeMount = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** Mount points of `/proc/mounts`, each device once: the bind mounts of containers show the same disk many times. */
export const parseMounts = (mounts: string): ReadonlyArray<string> => {
  const byDevice = new Map<string, string>()
  for (const line of mounts.split("\n")) {
    const [device = "", mountPoint = "", type = ""] = line.split(" ")
    const key = type === "overlay" ? mountPoint : device
    if (storageTypes.has(type) && !byDevice.has(key)) byDevice.set(key, unescapeMount(mountPoint))
  }
  return [...byDevice.values()]
}

/** The averages over 1, 5 and 15 minutes of `/proc/loadavg`. */
export const parseLoad = (loadavg: string): ReadonlyArray<number> => loadavg.split(" ").slice(0, 3).map(Number)

/** Seconds since boot of `/proc/uptime`. */
export const parseUptimeSeconds = (uptime: string): number => Number(uptime.split(" ")[0] ?? 0)
