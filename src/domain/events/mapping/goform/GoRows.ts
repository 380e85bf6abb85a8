/**
 * Rows of logs and spans as the Go writer of v1.0.76 makes them, from those of the current form: attributes as
 * `k=v,k=v`, events of spans with numbers for times.
 */
import { Result } from "effect"
import { isObject, parse, textValue } from "../../decode/Json.ts"
import type { LogRow } from "../../rows/Logs.ts"
import type { OtelTraceRow } from "../../rows/OtelTraces.ts"
import * as KeyValueText from "./KeyValueText.ts"

export const log = (row: LogRow): LogRow => ({
  ...row,
  attributes: KeyValueText.ofJson(row.attributes),
  resource_attributes: KeyValueText.ofJson(row.resource_attributes)
})

const listOf = (text: string | null): ReadonlyArray<unknown> => {
  const value = text === null || text === "[]" ? undefined : Result.getOrUndefined(parse(text))
  return Array.isArray(value) ? value : []
}

/** Nanoseconds are more than a number of ours holds, so they are written as the digits that they are. */
const nanos = (value: unknown): string => /^\d+$/.test(textValue(value) ?? "") ? textValue(value) ?? "0" : "0"

const eventText = (event: unknown): string => {
  const { attributes, name, time_unix_nano } = isObject(event) ? event : {}
  const pairs = JSON.stringify(KeyValueText.pairs(attributes))
  return `{"time_unix_nano":${nanos(time_unix_nano)},"name":${
    JSON.stringify(textValue(name) ?? "")
  },"attributes":${pairs}}`
}

const linkText = (link: unknown): string => {
  const { attributes, span_id, trace_id } = isObject(link) ? link : {}
  return JSON.stringify({ trace_id, span_id, attributes: KeyValueText.pairs(attributes) })
}

export const span = (row: OtelTraceRow): OtelTraceRow => ({
  ...row,
  attributes: KeyValueText.ofJson(row.attributes),
  resource_attributes: KeyValueText.ofJson(row.resource_attributes),
  events: `[${listOf(row.events).map(eventText).join(",")}]`,
  links: `[${listOf(row.links).map(linkText).join(",")}]`
})
