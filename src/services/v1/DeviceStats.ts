/** How many devices there are, by what; kept for a while for each tenant, since each number is counted in the database. */
import { Context, DateTime, Effect, Layer } from "effect"
import * as E from "../../domain/resource/expression/Expression.ts"
import type { MetricKind } from "../../domain/v1/Measured.ts"
import type { StatusStoreError } from "../core/StatusStore.ts"
import type { Asker, ReadError, Records } from "../records/Records.ts"
import type { CheckedDevices } from "./CheckedDevices.ts"
import * as DeviceList from "./DeviceList.ts"

const ageMillis = 10_000
const tenantsMax = 1000
const partitionsMax = 100

interface Stats {
  readonly at: DateTime.Utc
  readonly removed: number
  readonly document: Readonly<Record<string, unknown>>
}

type Failure = Exclude<ReadError, { readonly _tag: "NotFound" }> | StatusStoreError

const { isThere, names } = DeviceList

const isAvailable = E.equals(names.isAvailable, true)
const isActive = E.greaterThan(names.lastSeenTime, E.ago("24 hours"))
const isCollector = E.startsWith(names.uid, "serviceradar:agent:")

const countOf = (asker: Asker) => (condition: E.Condition) => DeviceList.count(asker, E.and(isThere, condition))

/** Where whatever names none is. */
const usual = "default"

/** Partitions of devices beside the usual one, each found behind the last: there are few. */
const partitionsOf = Effect.fnUntraced(function*(asker: Asker) {
  const found: Array<string> = []
  while (found.length < partitionsMax) {
    const next = yield* DeviceList.partitionAfter(
      asker,
      E.and(isThere, E.differs(names.partitionId, usual)),
      found.at(-1)
    )
    if (next === undefined) break
    found.push(next)
  }
  return [usual, ...found].toSorted()
})

const partition = (asker: Asker, id: string) => {
  const isNamed = E.equals(names.partitionId, id)
  const isIn = id === usual ? E.or(isNamed, E.isNull(names.partitionId)) : isNamed
  const count = countOf(asker)
  return Effect.all({
    partition_id: Effect.succeed(id),
    device_count: count(isIn),
    active_count: count(E.and(isIn, isActive)),
    available_count: count(E.and(isIn, isAvailable))
  })
}

const compute = Effect.fnUntraced(function*(asker: Asker) {
  const count = countOf(asker)
  const counts = yield* Effect.all({
    total_devices: count(E.and()),
    available_devices: count(isAvailable),
    unavailable_devices: count(E.equals(names.isAvailable, false)),
    active_devices: count(isActive),
    devices_with_collectors: count(isCollector)
  })
  const checked = yield* DeviceList.checked(asker)
  const withKind = (kind: MetricKind) =>
    checked.filter((device) => device.checked.some((one) => one.kind === kind)).length
  const partitions = yield* Effect.forEach(yield* partitionsOf(asker), (id) => partition(asker, id))
  const at = yield* DateTime.now
  return {
    at,
    removed: yield* DeviceList.count(asker, E.equals(names.lifecycle, "decommissioned")),
    document: {
      timestamp: DateTime.formatIso(at),
      ...counts,
      devices_with_icmp: withKind("icmp"),
      devices_with_snmp: withKind("snmp"),
      devices_with_sysmon: withKind("sysmon"),
      partitions: partitions.filter(({ device_count }) => device_count > 0)
    }
  } satisfies Stats
})

/** Whoever asks within a tenant sees the same devices; a super user's are those of its own, as all reads without a word on it. */
const keyOf = ({ actor }: Asker): string =>
  JSON.stringify([actor["tenantId"], actor["partitionId"] ?? null, actor["isSuperUser"] === true])

export class DeviceStats extends Context.Service<DeviceStats, {
  readonly of: (asker: Asker) => Effect.Effect<Stats, Failure>
}>()("serviceradar/services/v1/DeviceStats") {
  static readonly layer = Layer.effect(
    DeviceStats,
    Effect.gen(function*() {
      const context = yield* Effect.context<Records | CheckedDevices>()
      const kept = new Map<string, Stats>()
      return DeviceStats.of({
        of: Effect.fnUntraced(function*(asker) {
          const key = keyOf(asker)
          const now = yield* DateTime.now
          const known = kept.get(key)
          if (known !== undefined && DateTime.toEpochMillis(now) - DateTime.toEpochMillis(known.at) < ageMillis) {
            return known
          }
          const stats = yield* Effect.provide(compute(asker), context)
          if (kept.size >= tenantsMax) kept.clear()
          kept.set(key, stats)
          return stats
        })
      })
    })
  )
}
