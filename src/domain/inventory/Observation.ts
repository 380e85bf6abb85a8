/**
 * One sight of a device by its source: what one element of one page said, normalised.
 */
import { Schema } from "effect"

export const Observation = Schema.Struct({
  /** The source's own id of the device, decimal for Armis and NetBox. */
  id: Schema.String,
  /** At least one, each valid and in its usual form; the first is the primary. */
  ips: Schema.NonEmptyArray(Schema.String),
  /** Empty when the source has no name. */
  hostname: Schema.String,
  /** Upper case with colons; empty when there is none. */
  mac: Schema.String,
  tags: Schema.Array(Schema.String),
  /** When the source last saw the device, Unix milliseconds; 0 when it does not say. The newest sight wins. */
  seenAt: Schema.Finite,
  /** What goes into the device's metadata beside the keys that all kinds have. */
  metadata: Schema.Record(Schema.String, Schema.String),
  /** Networks to sweep in place of the primary address. */
  networks: Schema.Array(Schema.String),
  /** `false` for what is only swept and no device, such as a prefix. */
  isDevice: Schema.Boolean
})
export type Observation = typeof Observation.Type

/**
 * Characters of one observation. Of eight, each of which may take six bytes a character once it is escaped, a device of
 * the served list still fits into a message.
 */
const lengthMax = 64 * 1024

const lengthOf = (texts: ReadonlyArray<string>): number => texts.reduce((sum, text) => sum + text.length + 1, 0)

/** Whether it is longer than anything that is said of a device. */
export const isTooLong = ({ hostname, id, ips, mac, metadata, networks, tags }: Observation): boolean =>
  lengthOf([id, hostname, mac]) + lengthOf(ips) + lengthOf(tags) + lengthOf(networks) +
      lengthOf(Object.keys(metadata)) + lengthOf(Object.values(metadata)) > lengthMax
