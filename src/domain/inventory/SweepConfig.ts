/**
 * What an agent is told to sweep, as it reads it from its key.
 *
 * Unlike the Go service: an IPv6 host is a `/128` (written as `/32` an agent enumerates 2^96 addresses), networks have
 * no host bits and come once, and a document without targets is never made, because an agent drops all it has for it.
 */
import { Option } from "effect"
import type { Device } from "./DeviceRecord.ts"
import * as DeviceUpdate from "./DeviceUpdate.ts"
import * as GoJson from "./GoJson.ts"
import * as IpNetwork from "./IpNetwork.ts"
import * as SourceContext from "./SourceContext.ts"

/** One element of `device_targets`. */
export const targetJson = (device: Device, context: SourceContext.SourceContext): string => {
  const modes = SourceContext.sweepModesOf(context, device.queries)
  const label = SourceContext.labelOf(context, device.queries)
  const metadata = { ...DeviceUpdate.metadataOf({ ...device, metadata: {} }, context), device_name: device.hostname }
  return `{"network":${GoJson.string(IpNetwork.hostNetwork(device.ips[0]))},` +
    (modes.length === 0 ? "" : `"sweep_modes":${GoJson.strings(modes)},`) +
    (label === "" ? "" : `"query_label":${GoJson.string(label)},`) +
    `"source":${GoJson.string(context.kind.source)},"metadata":${GoJson.stringMap(metadata)}}`
}

/** Entries for `networks`: what the source wants swept, else the primary address; without host bits. */
export const networksOf = (device: Device): ReadonlyArray<string> => {
  const wanted = device.networks.flatMap((text) =>
    Option.toArray(Option.map(IpNetwork.parseNetwork(text), IpNetwork.formatNetwork))
  )
  return wanted.length === 0 ? [IpNetwork.hostNetwork(device.ips[0])] : wanted
}

/** First part of the keys that agents read. */
export const prefixDefault = "agents"

/** The key that an agent reads; below another prefix than `agents` nobody does. */
export const keyOf = (prefix: string, agentId: string): string => `${prefix}/${agentId}/checkers/sweep/sweep.json`

/** Named by its content, so that an upload that breaks off cannot harm an object in use. */
export const objectKeyOf = (prefix: string, agentId: string, sha256Hex: string): string =>
  `${prefix}/${agentId}/checkers/sweep/objects/${sha256Hex}.json`
