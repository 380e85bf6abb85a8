/**
 * What core publishes about pollers and devices, told in one sentence each.
 *
 * The wording is that of the writers before, because people search for it.
 */
import { type JsonObject, textValue } from "../../decode/Json.ts"
import { int4 } from "../../decode/Scalar.ts"

export interface CoreEvent {
  readonly message: string
  /** As syslog counts: 3 error, 5 notice, 6 informational. */
  readonly level: number
  readonly severity: string
  readonly host: string | null
}

/** Blanks around a value say nothing. */
const text = (object: JsonObject, key: string): string => textValue(object[key])?.trim() ?? ""

const healthLevels: Readonly<Record<string, readonly [level: number, severity: string]>> = {
  unhealthy: [3, "error"],
  healthy: [6, "info"],
  unknown: [5, "notice"]
}

/** Without poller or state it tells nothing, and is an event like any other. */
const pollerHealth = (data: JsonObject): CoreEvent | undefined => {
  const poller = text(data, "poller_id")
  const state = text(data, "current_state")
  if (poller === "" || state === "") return undefined
  const before = text(data, "previous_state")
  const [level, severity] = (Object.hasOwn(healthLevels, state) ? healthLevels[state] : undefined) ?? [6, "info"]
  return {
    message: `Poller ${poller} state changed ${before === "" ? "" : `from ${before} `}to ${state}`,
    level,
    severity,
    host: textValue(data["host"])
  }
}

/** `label a→b`, `label b` when it is new, `label removed (was a)` when it is gone, nothing when neither is known. */
const change = (label: string, before: string, after: string): ReadonlyArray<string> => {
  if (before === "" && after === "") return []
  if (before === "") return [`${label} ${after}`]
  return [after === "" ? `${label} removed (was ${before})` : `${label} ${before}→${after}`]
}

const aliasChanges = (metadata: JsonObject): string => {
  const parts = [
    ...change("service", text(metadata, "previous_service_id"), text(metadata, "alias_current_service_id")),
    ...change("ip", text(metadata, "previous_ip"), text(metadata, "alias_current_ip")),
    ...change("collector", text(metadata, "previous_collector_ip"), text(metadata, "alias_collector_ip"))
  ]
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`
}

const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null

const deviceLifecycle = (data: JsonObject): CoreEvent | undefined => {
  const device = text(data, "device_id")
  if (device === "") return undefined
  const action = text(data, "action").toLowerCase() || "updated"
  const actor = text(data, "actor")
  const metadata = isObject(data["metadata"]) ? data["metadata"] : {}
  const level = data["level"]
  return {
    message: action === "alias_updated"
      ? `Device ${device} alias updated${aliasChanges(metadata)}`
      : `Device ${device} ${action}${actor === "" ? "" : ` by ${actor}`}`,
    level: (typeof level === "number" || typeof level === "string" ? int4(level) : undefined) ?? 5,
    severity: text(data, "severity") || "Medium",
    host: device
  }
}

/** The version that core's events have in all writers' tables. */
export const version = "1.1"

/** None when the event is not one of core's. */
export const describe = (type: string | undefined, subject: string, data: JsonObject): CoreEvent | undefined => {
  if (type === "com.carverauto.serviceradar.poller.health" || subject === "events.poller.health") {
    return pollerHealth(data)
  }
  return type === "com.carverauto.serviceradar.device.lifecycle" || subject === "events.devices.lifecycle"
    ? deviceLifecycle(data)
    : undefined
}
