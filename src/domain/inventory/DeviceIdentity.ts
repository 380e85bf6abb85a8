/**
 * When devices of two sources are one, and what the one looks like.
 *
 * Decided by the strongest identifier that both have: the source's own id (when both read the same endpoint), then the
 * MAC address, then, for a device that has neither, the primary address; always within one partition. Two devices of
 * one source are never made one: a source knows its own. Where sources disagree, the one that comes first in the order
 * of precedence is right, field by field, and what an earlier one leaves empty a later one fills.
 */
import type { Device } from "./DeviceRecord.ts"
import type { DeviceUpdate } from "./DeviceUpdate.ts"
import type { SourceContext } from "./SourceContext.ts"

/** Texts by which a device can be found again, strongest first. */
export const identifiers = (device: Device, context: SourceContext): ReadonlyArray<string> => {
  const strong = context.kind.idKey === undefined
    ? []
    : [`${context.partition}|${context.kind.idKey}|${context.endpoint}|${device.id}`]
  const mac = device.mac === "" ? [] : [`${context.partition}|mac|${device.mac}`]
  return [...strong, ...mac, `${context.partition}|ip|${device.ips[0]}`]
}

/**
 * By which of them it may be joined to a device of another source. An address alone says little: only a device that has
 * nothing better is joined by it.
 */
export const joiningIdentifiers = (device: Device, context: SourceContext): ReadonlyArray<string> => {
  const all = identifiers(device, context)
  return all.length === 1 ? all : all.slice(0, -1)
}

/** One source's view of a device. */
export interface View {
  readonly source: string
  readonly update: DeviceUpdate
}

/** Metadata keys of a joined device: which sources know it, and which of them gave a field that the first left empty. */
const sourcesKey = "merged_sources"
const provenanceKey = "field_sources"

/** The views of one device, in order of precedence, as one. A single view stays as it is. */
export const join = (first: View, others: ReadonlyArray<View>): DeviceUpdate => {
  if (others.length === 0) return first.update
  const provenance: Array<string> = []
  const fill = (name: string, own: string, read: (update: DeviceUpdate) => string): string => {
    if (own !== "") return own
    const giver = others.find(({ update }) => read(update) !== "")
    if (giver === undefined) return own
    provenance.push(`${name}=${giver.source}`)
    return read(giver.update)
  }
  const hostname = fill("hostname", first.update.hostname, (update) => update.hostname)
  const mac = fill("mac", first.update.mac, (update) => update.mac)
  const metadata: Record<string, string> = { ...first.update.metadata }
  for (const { source, update } of others) {
    for (const [key, value] of Object.entries(update.metadata)) {
      if (value === "" || (metadata[key] ?? "") !== "") continue
      metadata[key] = value
      provenance.push(`${key}=${source}`)
    }
  }
  return {
    ...first.update,
    hostname,
    mac,
    metadata: {
      ...metadata,
      [sourcesKey]: [first, ...others].map(({ source }) => source).join(","),
      ...(provenance.length === 0 ? {} : { [provenanceKey]: provenance.toSorted().join(",") })
    }
  }
}
