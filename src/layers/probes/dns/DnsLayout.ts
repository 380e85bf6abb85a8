/**
 * How the records of an answer lie in its bytes. `dns-packet` reads the address of a record whatever its length, also beyond
 * the end of the message, so that is looked at before.
 */

const headerBytes = 12
/** Type, class, time to live and length, behind a record's name. */
const fixedBytes = 10
const addressBytes: ReadonlyMap<number, number> = new Map([[1, 4], [28, 16]])

/** Behind a name: labels until an empty one, or until a pointer, which ends it. */
const behindName = (bytes: Buffer, from: number): number => {
  let at = from
  for (;;) {
    const length = bytes[at]
    // Beyond the end: so is all that follows.
    if (length === undefined) return bytes.length + 1
    if (length >= 0xc0) return at + 2
    if (length === 0) return at + 1
    at += 1 + length
  }
}

/** Why the records of its answer cannot be what they say; nothing when they can. */
export const problemOf = (bytes: Buffer): string | undefined => {
  if (bytes.length < headerBytes) return "it ends within its header"
  let at = headerBytes
  for (let question = bytes.readUInt16BE(4); question > 0 && at <= bytes.length; question--) {
    at = behindName(bytes, at) + 4
  }
  for (let record = bytes.readUInt16BE(6); record > 0; record--) {
    at = behindName(bytes, at)
    if (at + fixedBytes > bytes.length) return "it ends within a record"
    const type = bytes.readUInt16BE(at)
    const length = bytes.readUInt16BE(at + 8)
    const expected = addressBytes.get(type)
    if (expected !== undefined && length !== expected) {
      return `a record of ${expected === 4 ? "an IPv4" : "an IPv6"} address has ${length} bytes`
    }
    at += fixedBytes + length
    if (at > bytes.length) return "it ends within a record"
  }
  return undefined
}
