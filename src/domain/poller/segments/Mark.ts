/**
 * How far core has come, as it stands among the statuses.
 *
 * What is in flight is marked before it is sent: after a crash the same statuses go again as the same report, and a core
 * that had it knows it by its id.
 */
import * as Position from "./Position.ts"

export interface Mark {
  /** Core has everything up to here, or it was given up. */
  readonly settled: Position.Position
  /** The report that is being sent ends here; as `settled` when none is. */
  readonly inFlight: Position.Position
}

export const start: Mark = { settled: Position.start, inFlight: Position.start }

const bytesOfMark = 24

export const encode = ({ inFlight, settled }: Mark): Uint8Array => {
  const bytes = new Uint8Array(bytesOfMark)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(settled.segment))
  view.setUint32(8, settled.ordinal)
  view.setBigUint64(12, BigInt(inFlight.segment))
  view.setUint32(20, inFlight.ordinal)
  return bytes
}

/** Undefined for bytes that are none. */
export const decode = (bytes: Uint8Array): Mark | undefined => {
  if (bytes.length !== bytesOfMark) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    settled: { segment: Number(view.getBigUint64(0)), ordinal: view.getUint32(8) },
    inFlight: { segment: Number(view.getBigUint64(12)), ordinal: view.getUint32(20) }
  }
}

/** Marks only ever go forward. */
export const latest = (one: Mark, other: Mark): Mark =>
  Position.isAfter(other.settled, one.settled) ||
    (!Position.isAfter(one.settled, other.settled) && Position.isAfter(other.inFlight, one.inFlight))
    ? other
    : one
