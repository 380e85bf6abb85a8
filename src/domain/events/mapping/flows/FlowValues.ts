/** Single values of flows in JSON, in the many forms that exporters and their converters give them. */
import { Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import * as Address from "../../decode/Address.ts"
import type { Reading } from "../../decode/Reading.ts"
import * as Scalar from "../../decode/Scalar.ts"

type Value = Scalar.Scalar

/** Text with or without port or zone, a number of 32 bits, or bytes in base64, as protobuf's JSON has them. */
const address = (value: Value): string | undefined => {
  if (typeof value === "number") return Address.fromNumber(value)
  if (typeof value !== "string") return undefined
  return Address.inText(value.trim()) ?? fromBase64(value)
}

const fromBase64 = (text: string): string | undefined => {
  const bytes = Base64.decode(text)
  return Result.isSuccess(bytes) ? Address.fromBytes(bytes.success) : undefined
}

export const ip = (reading: Reading, key: string, value: Value): string | null =>
  reading.read(key, value, address, "an IP address")

const upTo = (maximum: number) => (value: Value): number | undefined => {
  if (typeof value === "number") return value >= 0 && value <= maximum ? Math.trunc(value) : undefined
  const read = Scalar.count(value)
  return read === undefined || read > BigInt(maximum) ? undefined : Number(read)
}

const upTo8 = upTo(0xff)
const upTo16 = upTo(0xffff)
const upTo32 = upTo(0xffff_ffff)

/** Zero is how an exporter says that there is none, here and below. */
export const port = (reading: Reading, key: string, value: Value): number | null =>
  reading.read(key, value, upTo16, "a port") || null

/** The number of an interface. */
export const unsigned32 = (reading: Reading, key: string, value: Value): number | null =>
  reading.read(key, value, upTo32, "a whole number of at most 32 bits") || null

const asMax = 2n ** 32n - 1n

const as = (value: Value): bigint | undefined => {
  const read = typeof value === "string" ? asOfText(value) : Scalar.count(value)
  return read === undefined || read > asMax ? undefined : read
}

const asOfText = (text: string): bigint | undefined => {
  const [, high = "", low] = /^\s*(?:AS)?\s*(\d{1,10})(?:\.(\d{1,5}))?\s*$/i.exec(text) ?? []
  if (high === "") return undefined
  return low === undefined ? BigInt(high) : BigInt(high) * 65_536n + BigInt(low)
}

/** As number, `AS64512` or in dotted form. */
export const asNumber = (reading: Reading, key: string, value: Value): bigint | null => {
  const read = reading.read(key, value, as, "an AS number")
  return read === 0n ? null : read
}

const noMac = "000000000000"

const macDigits = (value: Value): string | undefined => {
  if (typeof value === "number") {
    return Number.isInteger(value) && value >= 0 && value < 2 ** 48 ? value.toString(16).padStart(12, "0") : undefined
  }
  if (typeof value !== "string") return undefined
  const text = value.trim()
  const groups = text.split(/[:.-]/)
  if (groups.length === 6) {
    return groups.every((group) => group.length === 1 || group.length === 2)
      ? groups.map((group) => group.padStart(2, "0")).join("")
      : undefined
  }
  if (groups.length > 1) {
    return groups.every((group) => group.length * groups.length === 12)
      ? groups.join("")
      : undefined
  }
  if (/^[\da-f]{12}$/i.test(text)) return text
  const number = Scalar.count(text)
  return number !== undefined && number < 2n ** 48n ? number.toString(16).padStart(12, "0") : undefined
}

const macOf = (value: Value): string | undefined => {
  const found = macDigits(value)?.toUpperCase()
  return found !== undefined && /^[\dA-F]{12}$/.test(found) ? found : undefined
}

/** Twelve upper-case hex digits, of a number or of text in any of the usual forms. */
export const mac = (reading: Reading, key: string, value: Value): string | null => {
  const digits = reading.read(key, value, macOf, "a MAC address")
  return digits === noMac ? null : digits
}

const protocols: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  ipencap: 4,
  tcp: 6,
  egp: 8,
  igp: 9,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  icmp6: 58,
  ipv6icmp: 58,
  eigrp: 88,
  ospf: 89,
  ospfigp: 89,
  pim: 103,
  ipcomp: 108,
  vrrp: 112,
  l2tp: 115,
  sctp: 132,
  udplite: 136
}

export interface Protocol {
  readonly number: number | null
  /** A word that stands for no number that is known here. */
  readonly word: string | null
}

/** As number, hex or word. */
export const protocol = (reading: Reading, key: string, value: Value): Protocol => {
  if (typeof value === "string" && /[a-z]/i.test(value) && Scalar.count(value) === undefined) {
    const number = protocols[value.trim().toLowerCase().replace(/[^a-z0-9]/g, "")]
    return number === undefined ? { number: null, word: value.trim() } : { number, word: null }
  }
  return { number: reading.read(key, value, upTo8, "a protocol") || null, word: null }
}

const flagBits: Readonly<Record<string, number>> = {
  fin: 1,
  syn: 2,
  rst: 4,
  psh: 8,
  push: 8,
  ack: 16,
  urg: 32,
  ece: 64,
  cwr: 128
}
const letterBits: Readonly<Record<string, number>> = { f: 1, s: 2, r: 4, p: 8, a: 16, u: 32, e: 64, c: 128 }

const flagWords = (text: string): number | undefined => {
  const words = text.toLowerCase().split(/[\s|,/+]+/).filter((word) => word !== "")
  const bits = words.map((word) => flagBits[word])
  if (bits.every((bit) => bit !== undefined)) return bits.reduce<number>((sum, bit) => sum | (bit ?? 0), 0)
  // `.AP.SF`: a letter or a dot for each flag.
  const letters = [...text.trim().toLowerCase()].filter((letter) => letter !== ".")
  const each = letters.map((letter) => letterBits[letter])
  return each.every((bit) => bit !== undefined) ? each.reduce<number>((sum, bit) => sum | (bit ?? 0), 0) : undefined
}

const flagsOf = (value: Value): number | undefined =>
  upTo16(value) ?? (typeof value === "string" ? flagWords(value) : undefined)

const isText = (value: unknown): value is string => typeof value === "string"

/** As number, hex, words (`SYN|ACK`, also in a list) or letters (`.A..S.`). */
export const tcpFlags = (reading: Reading, key: string, value: unknown): number | null => {
  const one = Array.isArray(value) && value.every(isText) ? value.join("|") : value
  return Scalar.isScalar(one)
    ? reading.read(key, one, flagsOf, "TCP flags") || null
    : reading.refuse(key, "expected TCP flags")
}

const sources: ReadonlyMap<string, string> = new Map([
  ["sflow_5", "sFlow v5"],
  ["netflow_v5", "NetFlow v5"],
  ["netflow_v9", "NetFlow v9"],
  ["ipfix", "IPFIX"],
  ["1", "sFlow v5"],
  ["2", "NetFlow v5"],
  ["3", "NetFlow v9"],
  ["4", "IPFIX"]
])

/** The name of the wire contract's type of flow. */
export const source = (type: unknown): string | undefined =>
  typeof type === "string" || typeof type === "number" ? sources.get(String(type).toLowerCase()) : undefined
