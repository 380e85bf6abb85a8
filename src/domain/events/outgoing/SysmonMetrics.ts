/**
 * The numbers inside the document of a `sysmon` check: cores, memory, disks, load.
 *
 * Go agents send the same document without load and uptime. What cannot be read is left out: a number less, never none
 * of the others.
 */
import { Option, Schema } from "effect"

export interface Sample {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What names the series beside the name. */
  readonly tags: Readonly<Record<string, string>>
}

const amount = { used_bytes: Schema.Finite, total_bytes: Schema.Finite }

const part = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Sysmon = Schema.fromJsonString(Schema.Struct({
  status: Schema.Struct({
    cpus: part(Schema.Array(Schema.Struct({ core_id: Schema.Finite, usage_percent: Schema.Finite }))),
    memory: part(Schema.Struct(amount)),
    disks: part(Schema.Array(Schema.Struct({ mount_point: Schema.String, ...amount }))),
    load_average: part(Schema.Array(Schema.Finite)),
    uptime_seconds: part(Schema.Finite)
  })
}))

const decode = Schema.decodeUnknownOption(Sysmon)

const usage = (
  what: "memory" | "disk",
  { total_bytes, used_bytes }: { readonly used_bytes: number; readonly total_bytes: number },
  tags: Sample["tags"]
): ReadonlyArray<Sample> => [
  { name: `${what}_used_bytes`, value: used_bytes, unit: "By", tags },
  { name: `${what}_total_bytes`, value: total_bytes, unit: "By", tags }
]

const loadMinutes = ["1", "5", "15"] as const

const samples = ({ status }: typeof Sysmon.Type): ReadonlyArray<Sample> => {
  const { cpus, disks, load_average, memory, uptime_seconds } = status
  return [
    ...(cpus ?? []).map((core): Sample => ({
      name: "cpu_usage_percent",
      value: core.usage_percent,
      unit: "%",
      tags: { core: String(core.core_id) }
    })),
    ...(memory === undefined || memory === null ? [] : usage("memory", memory, {})),
    ...(disks ?? []).flatMap((disk) => usage("disk", disk, { mount_point: disk.mount_point })),
    ...loadMinutes.flatMap((minutes, index): ReadonlyArray<Sample> => {
      const value = load_average?.[index]
      return value === undefined ? [] : [{ name: "load_average", value, unit: "1", tags: { minutes } }]
    }),
    ...(uptime_seconds === undefined || uptime_seconds === null
      ? []
      : [{ name: "uptime_seconds", value: uptime_seconds, unit: "s", tags: {} }])
  ]
}

/** None of a document that is not sysmon's. */
export const read = (document: string): ReadonlyArray<Sample> =>
  Option.match(decode(document), { onNone: () => [], onSome: samples })
