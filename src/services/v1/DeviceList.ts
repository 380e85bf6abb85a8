/** Devices as whoever asks may see them, with what checks them. */
import { Effect, Option } from "effect"
import { Device } from "../../domain/inventory/devices/Device.ts"
import type { Stored } from "../../domain/records/Record.ts"
import * as E from "../../domain/resource/expression/Expression.ts"
import { namesOf } from "../../domain/resource/Names.ts"
import * as DeviceViews from "../../domain/v1/DeviceViews.ts"
import { type Asker, Records } from "../records/Records.ts"
import { CheckedDevices } from "./CheckedDevices.ts"

export const names = namesOf("record", Device.attributes)

export const { definition } = Device

interface DeviceQuery {
  readonly where: E.Condition
  readonly limit: number
  readonly offset?: number
  readonly isCounted?: boolean
}

/** Those that have not been taken out of it. */
export const isThere = E.differs(names.lifecycle, "decommissioned")

/** Whether a text is a part of what it is called. */
export const isCalled = (search: string): E.Condition => {
  const text = search.toLowerCase()
  return E.or(
    ...[names.uid, names.hostname, names.name, names.ip, names.mac].map((of) => E.contains(E.lower(of), text))
  )
}

const shown = (asker: Asker, records: ReadonlyArray<Stored>) =>
  Effect.map(
    CheckedDevices.use((devices) => devices.of(asker)),
    (checked) => records.flatMap(({ values }) => Option.toArray(DeviceViews.make(values, checked)))
  )

const page = (asker: Asker, { where, ...query }: DeviceQuery) =>
  Records.use((records) => records.list({ definition, action: "read", asker, where: where.node, order: [], ...query }))

/** By their ids. */
export const list = Effect.fnUntraced(function*(asker: Asker, query: DeviceQuery) {
  const { hasMore, records, total } = yield* page(asker, query)
  return { devices: yield* shown(asker, records), hasMore, total: total ?? 0 }
})

export const count = (asker: Asker, where: E.Condition) =>
  Effect.map(page(asker, { where, limit: 1, isCounted: true }), ({ total = 0 }) => total)

const partitionOrder = [{ of: names.partitionId.node, isDescending: false }]

/** The partition that comes next in the alphabet, of devices like these. */
export const partitionAfter = (asker: Asker, where: E.Condition, last: string | undefined) => {
  const isNext = last === undefined ? where : E.and(where, E.greaterThan(names.partitionId, last))
  return Records.use((records) =>
    records.list({ definition, action: "read", asker, where: isNext.node, order: partitionOrder, limit: 1 })
  ).pipe(Effect.map(({ records: [found] }) => {
    const partition = found?.values["partitionId"]
    return typeof partition === "string" ? partition : undefined
  }))
}

const byAddress = /^([^:]+):([0-9a-fA-F.:]+)$/

/** By its id, or as the existing core once named devices: by partition and address. */
export const find = Effect.fnUntraced(function*(asker: Asker, id: string) {
  const records = yield* Records
  const found = yield* records.find({ definition, action: "read", asker, key: id }).pipe(
    Effect.map((stored) => [stored]),
    Effect.catchTag("NotFound", () => {
      const [, partition, ip] = byAddress.exec(id) ?? []
      return partition === undefined || ip === undefined
        ? Effect.succeed([])
        : Effect.map(
          page(asker, { where: E.and(E.equals(names.partitionId, partition), E.equals(names.ip, ip)), limit: 1 }),
          ({ records }) => records
        )
    })
  )
  const [device] = yield* shown(asker, found)
  return Option.fromUndefinedOr(device)
})

/** Of one answer. */
export const devicesMax = 500

/** The devices that are checked in a way, as far as an answer can hold them. */
export const checked = Effect.fnUntraced(function*(asker: Asker) {
  const all = yield* CheckedDevices.use((devices) => devices.of(asker))
  if (all.length === 0) return []
  const uids = [...new Set(all.flatMap(({ uid }) => uid === "" ? [] : [uid]))].slice(0, devicesMax)
  const ips = [...new Set(all.flatMap(({ ip, uid }) => uid === "" && ip !== "" ? [ip] : []))].slice(0, devicesMax)
  const where = E.and(isThere, E.or(E.oneOf(names.uid, uids), E.oneOf(names.ip, ips)))
  const { devices } = yield* list(asker, { where, limit: devicesMax })
  return devices.filter(({ checked }) => checked.length > 0)
})
