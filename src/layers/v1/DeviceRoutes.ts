/** Devices of the inventory, one by one and in lists, and what was measured of them. */
import { Effect, Option, Schema } from "effect"
import { DeviceAliasState } from "../../domain/inventory/devices/DeviceAliasState.ts"
import * as E from "../../domain/resource/expression/Expression.ts"
import { namesOf } from "../../domain/resource/Names.ts"
import * as AliasHistory from "../../domain/v1/AliasHistory.ts"
import { isOf } from "../../domain/v1/Checked.ts"
import * as DeviceMetrics from "../../domain/v1/DeviceMetrics.ts"
import * as DeviceViews from "../../domain/v1/DeviceViews.ts"
import { kindOf } from "../../domain/v1/Measured.ts"
import * as Parameters from "../../domain/v1/Parameters.ts"
import * as SysmonViews from "../../domain/v1/SysmonViews.ts"
import { Records } from "../../services/records/Records.ts"
import * as DeviceList from "../../services/v1/DeviceList.ts"
import * as OwnStatuses from "../../services/v1/OwnStatuses.ts"
import { readingsMax } from "./MetricRoutes.ts"
import { type Call, type Handle, Refused, type Route } from "./Route.ts"
import * as Times from "./Times.ts"
import * as V1Answers from "./V1Answers.ts"
import * as WebDevices from "./WebDevices.ts"

const limits = { usual: 100, most: DeviceList.devicesMax }
const pages = { usual: 1, most: 1_000_000 }
/** Beyond it no page is looked for. */
const offsetMax = 1_000_000
/** Characters of a search. */
const searchMax = 256

const noDevice = new Refused({ status: 404, words: "Device not found" })

const found = Effect.fnUntraced(function*({ asker, at }: Call) {
  const device = yield* DeviceList.find(asker, at["id"] ?? "")
  return Option.isNone(device) ? yield* Effect.fail(noDevice) : device.value
})

const list: Handle = Effect.fnUntraced(function*({ asker, query }) {
  const limit = Parameters.number(query.get("limit"), limits)
  const offset = (Parameters.number(query.get("page"), pages) - 1) * limit
  if (offset > offsetMax) return V1Answers.json([])
  const search = (query.get("search") ?? "").trim().slice(0, searchMax)
  const status = query.get("status")
  const where = E.and(
    DeviceList.isThere,
    ...(search === "" ? [] : [DeviceList.isCalled(search)]),
    ...(status === "online" || status === "offline"
      ? [E.equals(DeviceList.names.isAvailable, status === "online")]
      : [])
  )
  const { devices } = yield* DeviceList.list(asker, { where, limit, offset })
  return V1Answers.json(devices.map(DeviceViews.entry))
})

const aliasNames = namesOf("record", DeviceAliasState.attributes)
/** Of a device, of all kinds together. */
const aliasesMax = 500

const aliases = ({ asker }: Call, { ip, uid }: DeviceViews.Device) =>
  Records.use((records) =>
    records.list({
      definition: DeviceAliasState.definition,
      action: "read",
      asker,
      where: E.and(
        E.equals(aliasNames.deviceId, uid),
        E.oneOf(aliasNames.state, ["detected", "confirmed", "updated", "stale"])
      ).node,
      order: [{ of: aliasNames.lastSeenAt.node, isDescending: true }],
      limit: aliasesMax
    })
  ).pipe(Effect.map(({ records }) => AliasHistory.make(records.map(({ values }) => values), ip)))

const one: Handle = Effect.fnUntraced(function*(call) {
  const device = yield* found(call)
  const history = yield* aliases(call, device)
  return V1Answers.json({
    ...DeviceViews.whole(device),
    ...(history === undefined ? {} : { alias_history: history })
  })
})

/** Taken out of the inventory it is kept with its history, and shown as deleted. */
const remove: Handle = Effect.fnUntraced(function*(call) {
  const { lifecycle, uid } = yield* found(call)
  if (lifecycle !== "decommissioned") {
    yield* Records.use((records) =>
      records.write({
        definition: DeviceList.definition,
        action: "decommission",
        asker: call.asker,
        key: uid,
        input: { values: {}, form: "values" }
      })
    )
  }
  return V1Answers.json({ device_id: uid, message: "Device deleted successfully" })
})

/** There ids of devices are looked up as those of pollers and agents, which no device has. */
const registry: Handle = Effect.fnUntraced(function*(call) {
  const [, kind] = /^serviceradar:(poller|agent):/.exec(call.at["id"] ?? "") ?? []
  const words = kind === undefined
    ? "Device is not a service component (poller/agent/checker)"
    : `${kind === "poller" ? "Poller" : "Agent"} not found in service registry`
  return yield* new Refused({ status: 404, words })
})

const graph: Handle = () => Effect.succeed(V1Answers.json({ result: null }))

/** Of the checks that ask the device, the newest first. */
const measured = Effect.fnUntraced(function*(call: Call, span: Parameters.Times) {
  const device = yield* found(call)
  const keys = device.checked.filter((checked) => isOf(checked, device))
  const statuses = yield* OwnStatuses.ofServices(call.asker, keys, { ...span, limit: readingsMax })
  return { device, statuses: statuses.filter(({ partition }): boolean => partition === device.partition) }
})

const sysmon = (part: SysmonViews.SysmonPart): Handle =>
  Effect.fnUntraced(function*(call) {
    const { statuses } = yield* measured(call, yield* Times.of(call, Times.plain))
    return V1Answers.json(part(statuses.filter((status) => kindOf(status) === "sysmon"), call.query))
  })

const metrics: Handle = Effect.fnUntraced(function*(call) {
  const type = call.query.get("type") ?? ""
  const { device, statuses } = yield* measured(call, yield* Times.of(call, Times.plain))
  const rows = DeviceMetrics.rows(device, statuses).filter((row) => type === "" || row.type === type)
  return V1Answers.json(rows.length === 0 ? null : rows)
})

const metricsStatus: Handle = ({ asker }) =>
  Effect.map(
    DeviceList.checked(asker),
    (devices) => V1Answers.json({ device_ids: devices.map(({ uid }) => uid) })
  )

const decodeIds = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ deviceIds: Schema.optionalKey(Schema.Array(Schema.String)) }))
)

const snmpStatus: Handle = Effect.fnUntraced(function*({ asker, body }) {
  const asked = decodeIds(body)
  if (Option.isNone(asked)) return yield* new Refused({ status: 400, words: "invalid request" })
  const ids = [...new Set(asked.value.deviceIds ?? [])]
  if (ids.length === 0) return yield* new Refused({ status: 400, words: "deviceIds array cannot be empty" })
  if (ids.length > DeviceList.devicesMax) {
    return yield* new Refused({ status: 400, words: `at most ${DeviceList.devicesMax} deviceIds at once` })
  }
  const where = E.oneOf(DeviceList.names.uid, ids)
  const { devices } = yield* DeviceList.list(asker, { where, limit: DeviceList.devicesMax })
  const byId = new Map(devices.map((device) => [device.uid, device]))
  return V1Answers.json({
    statuses: Object.fromEntries(
      ids.map((id) => [id, { hasMetrics: byId.get(id)?.checked.some(({ kind }) => kind === "snmp") === true }])
    )
  })
})

const shown = { method: "GET", role: "viewer", style: "json" } as const

export const deviceRoutes: ReadonlyArray<Route> = [
  { ...shown, path: "/api/devices", handle: list, ofSession: WebDevices.list },
  { ...shown, path: "/api/devices/ocsf/export", handle: WebDevices.exported, isOfSession: true },
  { ...shown, path: "/api/devices/{id}", handle: one, ofSession: WebDevices.one },
  { ...shown, path: "/api/devices/{id}", method: "DELETE", role: "operator", handle: remove },
  { ...shown, path: "/api/devices/{id}/registry", handle: registry },
  { ...shown, path: "/api/devices/{id}/graph", handle: graph },
  { ...shown, path: "/api/devices/{id}/metrics", handle: metrics },
  { ...shown, path: "/api/devices/metrics/status", handle: metricsStatus },
  { ...shown, path: "/api/devices/snmp/status", method: "POST", isRead: true, handle: snmpStatus },
  ...Object.entries(SysmonViews.parts).map(([name, part]): Route => ({
    ...shown,
    path: `/api/devices/{id}/sysmon/${name}`,
    handle: sysmon(part)
  }))
]
