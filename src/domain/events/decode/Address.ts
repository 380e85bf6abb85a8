/**
 * IP addresses inside the texts in which publishers wrap them: `10.0.0.1:162`, `[::1]:162`, `default:10.0.0.1`.
 */
import { Option } from "effect"
import * as IpAddress from "../../monitoring/IpAddress.ts"

/**
 * In the one form that RFC 5952 has for each address, as flows in protobuf get it, too: else one host would be two. A zone,
 * such as the interface behind a link-local address, means something to its sender only.
 */
const ip = (text: string): string | undefined => {
  if (IpAddress.isV4(text)) return text
  const zone = text.indexOf("%")
  const bytes = Option.getOrUndefined(IpAddress.toBytes(zone < 0 ? text : text.slice(0, zone)))
  return bytes === undefined ? undefined : fromBytes(Uint8Array.from(bytes))
}

/** IPv4 as a number of 32 bits. */
export const fromNumber = (value: number): string | undefined =>
  Number.isInteger(value) && value >= 0 && value < 2 ** 32
    ? [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".")
    : undefined

const bracketed = /^\[([^\]]+)\](?::\d+)?$/

/** The address itself, without port or partition; none when there is none. */
export const inText = (text: string): string | undefined => {
  const whole = ip(text)
  if (whole !== undefined) return whole
  const inner = bracketed.exec(text)?.[1]
  if (inner !== undefined) return ip(inner)
  const first = text.indexOf(":")
  if (first < 0) return undefined
  return ip(text.slice(0, text.lastIndexOf(":"))) ?? ip(text.slice(first + 1)) ??
    inTextAfterPartition(text.slice(first + 1))
}

const inTextAfterPartition = (text: string): string | undefined => {
  const last = text.lastIndexOf(":")
  return bracketed.test(text) ? ip(bracketed.exec(text)?.[1] ?? "") : last < 0 ? undefined : ip(text.slice(0, last))
}

/** Text of 4 or 16 bytes in network order; other lengths are no address. IPv4 mapped into IPv6 is IPv4. */
export const fromBytes = (bytes: Uint8Array): string | undefined => {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  if (bytes.length !== 16) return undefined
  return isMapped(bytes) ? `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}` : v6(bytes)
}

const isMapped = (bytes: Uint8Array): boolean => {
  if (bytes[10] !== 0xff || bytes[11] !== 0xff) return false
  for (let at = 0; at < 10; at++) if (bytes[at] !== 0) return false
  return true
}

const v6 = (bytes: Uint8Array): string => {
  const groups: Array<number> = []
  for (let at = 0; at < 16; at += 2) groups.push((bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0))
  const { start, length } = longestZeros(groups)
  const hex = (part: ReadonlyArray<number>) => part.map((group) => group.toString(16)).join(":")
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}

const longestZeros = (groups: ReadonlyArray<number>): { readonly start: number; readonly length: number } => {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let at = 0; at <= groups.length; at++) {
    if (groups[at] === 0) continue
    if (at - start > best.length) best = { start, length: at - start }
    start = at + 1
  }
  return best
}
