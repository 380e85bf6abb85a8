/**
 * Devices for whoever has signed in with a browser, in the shapes of the later web application: it says what is wrong as
 * `{"error", "details"}`, and `{"errors": {"detail": "Not Found"}}`.
 */
import { DateTime, Effect, Option } from "effect"
import * as E from "../../domain/resource/expression/Expression.ts"
import * as Parameters from "../../domain/v1/Parameters.ts"
import * as WebViews from "../../domain/v1/WebViews.ts"
import * as DeviceList from "../../services/v1/DeviceList.ts"
import type { Handle } from "./Route.ts"
import * as V1Answers from "./V1Answers.ts"

const limits = { usual: 100, most: 500 }
const exportLimits = { usual: 100, most: 1000 }
const offsetMax = 100_000
const offsets = { usual: 0, most: offsetMax }
const pages = { usual: 1, most: offsetMax }
const searchMax = 256

const nothing = V1Answers.json({ errors: { detail: "Not Found" } }, 404)

const availability = new Map([["online", true], ["available", true], ["offline", false], ["unavailable", false]])

const whereOf = (query: URLSearchParams): E.Condition => {
  const { names } = DeviceList
  const search = (query.get("search") ?? "").trim().slice(0, searchMax)
  const isAvailable = availability.get(query.get("status") ?? "")
  const poller = query.get("poller_id") ?? ""
  const type = query.get("device_type") ?? ""
  return E.and(
    DeviceList.isThere,
    ...(search === "" ? [] : [DeviceList.isCalled(search)]),
    ...(isAvailable === undefined ? [] : [E.equals(names.isAvailable, isAvailable)]),
    ...(poller === "" ? [] : [E.equals(names.pollerId, poller)]),
    ...(type === "" ? [] : [E.equals(names.deviceType, type)])
  )
}

const placeOf = (query: URLSearchParams, bounds: Parameters.Bounds) => {
  const limit = Parameters.number(query.get("limit"), bounds)
  const offset = query.has("offset")
    ? Parameters.number(query.get("offset"), offsets, 0)
    : Math.min(offsetMax, (Parameters.number(query.get("page"), pages) - 1) * limit)
  return { limit, offset }
}

export const list: Handle = Effect.fnUntraced(function*({ asker, query }) {
  const place = placeOf(query, limits)
  const { devices, hasMore } = yield* DeviceList.list(asker, { where: whereOf(query), ...place })
  const next = place.offset + place.limit
  return V1Answers.json({
    data: devices.map(WebViews.device),
    pagination: { ...place, next_offset: hasMore && next <= offsetMax ? next : null }
  })
})

const uid = /^[A-Za-z0-9][A-Za-z0-9:._-]{0,199}$/

export const one: Handle = Effect.fnUntraced(function*({ asker, at }) {
  const id = at["id"] ?? ""
  const device = uid.test(id) ? yield* DeviceList.find(asker, id) : Option.none()
  return Option.match(device, {
    onNone: () => nothing,
    onSome: (found) => V1Answers.json({ data: WebViews.device(found) })
  })
})

export const exported: Handle = Effect.fnUntraced(function*({ asker, now, query }) {
  const place = placeOf(query, exportLimits)
  const { devices } = yield* DeviceList.list(asker, { where: whereOf(query), ...place })
  return V1Answers.json({
    ocsf_version: "1.7.0",
    class_uid: 5001,
    class_name: "Device Inventory Info",
    exported_at: DateTime.formatIso(now),
    count: devices.length,
    devices: devices.map(WebViews.device)
  })
})
