/**
 * Cores, disks, memory and processes of hosts, as the system checker tells them and the existing core shows them: one entry for
 * each reading, the newest first.
 */
import { DateTime, Option, Schema } from "effect"
import type { PastStatus } from "../core/PastStatus.ts"
import { reader } from "./Measured.ts"

const finite = Schema.Finite
const orNull = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Cpu = Schema.Struct({
  core_id: finite,
  usage_percent: finite,
  frequency_hz: orNull(finite),
  label: orNull(Schema.String),
  cluster: orNull(Schema.String)
})

const Cluster = Schema.Struct({ name: Schema.String, frequency_hz: orNull(finite) })
const Disk = Schema.Struct({ mount_point: Schema.String, used_bytes: finite, total_bytes: finite })
const Memory = Schema.Struct({ used_bytes: finite, total_bytes: finite })

const Process = Schema.Struct({
  pid: finite,
  name: Schema.String,
  cpu_usage: finite,
  memory_usage: finite,
  status: Schema.String,
  start_time: Schema.String
})

const Reading = Schema.Struct({
  status: Schema.Struct({
    timestamp: orNull(Schema.String),
    host_id: orNull(Schema.String),
    cpus: orNull(Schema.Array(Cpu)),
    clusters: orNull(Schema.Array(Cluster)),
    disks: orNull(Schema.Array(Disk)),
    memory: orNull(Memory),
    processes: orNull(Schema.Array(Process))
  })
})

const read = reader(Reading)

const decodeTime = Schema.decodeUnknownOption(Schema.DateTimeUtcFromString)

/** A checker's clock is believed as far as this. */
const clockSlackMillis = 10 * 60_000

const timeOf = (text: string | null | undefined, reportedAt: DateTime.Utc): string =>
  Option.match(decodeTime(text), {
    onNone: () => DateTime.formatIso(reportedAt),
    onSome: (at) =>
      DateTime.formatIso(
        Math.abs(DateTime.toEpochMillis(at) - DateTime.toEpochMillis(reportedAt)) < clockSlackMillis ? at : reportedAt
      )
  })

interface Origin {
  readonly timestamp: string
  readonly host_id: string
  readonly agent_id: string
}

const readings = <A>(
  statuses: ReadonlyArray<PastStatus>,
  view: (status: typeof Reading.Type["status"], origin: Origin) => A | undefined
): ReadonlyArray<A> =>
  statuses.flatMap((one) =>
    Option.match(read(one), {
      onNone: () => [],
      onSome: ({ status }) => {
        const timestamp = timeOf(status.timestamp, one.reportedAt)
        const shown = view(status, { timestamp, host_id: status.host_id ?? "", agent_id: one.agentId })
        return shown === undefined ? [] : [shown]
      }
    })
  )

const present = <A>(name: string, value: A | null | undefined): Readonly<Record<string, A>> =>
  value === undefined || value === null || value === "" ? {} : { [name]: value }

const many = <A>(list: ReadonlyArray<A> | null | undefined): ReadonlyArray<A> => list ?? []

const cpus = (statuses: ReadonlyArray<PastStatus>) =>
  readings(statuses, ({ clusters, cpus }, origin) =>
    many(cpus).length === 0 ? undefined : {
      timestamp: origin.timestamp,
      cpus: many(cpus).map(({ cluster, core_id, frequency_hz, label, usage_percent }) => ({
        core_id,
        usage_percent,
        frequency_hz: frequency_hz ?? 0,
        ...origin,
        ...present("label", label),
        ...present("cluster", cluster)
      })),
      ...(many(clusters).length === 0 ? {} : {
        clusters: many(clusters).map(({ frequency_hz, name }) => ({
          name,
          frequency_hz: frequency_hz ?? 0,
          ...origin
        }))
      })
    })

const disks = (statuses: ReadonlyArray<PastStatus>, query: URLSearchParams) => {
  const mountPoint = query.get("mount_point") ?? ""
  return readings(statuses, ({ disks }, origin) => {
    const shown = many(disks).filter(({ mount_point }) => mountPoint === "" || mount_point === mountPoint)
    return shown.length === 0
      ? undefined
      : { timestamp: origin.timestamp, disks: shown.map((disk) => ({ ...disk, ...origin })) }
  })
}

const memory = (statuses: ReadonlyArray<PastStatus>) =>
  readings(statuses, ({ memory }, origin) =>
    memory === undefined || memory === null
      ? undefined
      : { timestamp: origin.timestamp, memory: { ...memory, ...origin } })

const processes = (statuses: ReadonlyArray<PastStatus>) =>
  readings(statuses, ({ processes }, origin) =>
    many(processes).length === 0 ? undefined : {
      timestamp: origin.timestamp,
      processes: many(processes).map((process) => ({ ...process, ...origin }))
    })

export type SysmonPart = (statuses: ReadonlyArray<PastStatus>, query: URLSearchParams) => ReadonlyArray<unknown>

/** By the last part of their addresses. */
export const parts: Readonly<Record<"cpu" | "disk" | "memory" | "processes", SysmonPart>> = {
  cpu: cpus,
  disk: disks,
  memory,
  processes
}
