/**
 * IP addresses and networks as bits, so that containment, masking and order are arithmetic.
 *
 * An IPv4 address mapped into IPv6 is the IPv4 address; IPv6 text is written as RFC 5952 asks. An IPv4 network never
 * contains an IPv6 address and the other way round.
 */
import { Option } from "effect"
import * as IpAddress from "../monitoring/IpAddress.ts"

export interface IpBits {
  readonly version: 4 | 6
  /** 32 bits each, most significant first: one for IPv4, four for IPv6. */
  readonly words: ReadonlyArray<number>
}

export interface IpNetwork extends IpBits {
  /** Leading bits that count; `words` are masked to them. */
  readonly prefixLength: number
}

export const bitsIn = (version: 4 | 6): number => version === 4 ? 32 : 128

const wordOfV4 = (text: string): number =>
  text.split(".").reduce((word, octet) => ((word << 8) | Number(octet)) >>> 0, 0)

const groupsOf = (text: string): ReadonlyArray<number> =>
  text === "" ? [] : text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)]
    const word = wordOfV4(group)
    return [word >>> 16, word & 0xffff]
  })

const wordsOfV6 = (text: string): ReadonlyArray<number> => {
  const [head = "", tail] = text.split("::")
  const left = groupsOf(head)
  const right = tail === undefined ? [] : groupsOf(tail)
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right]
  return [0, 2, 4, 6].map((at) => (((groups[at] ?? 0) << 16) | (groups[at + 1] ?? 0)) >>> 0)
}

/** The address, or none when the text is none; zones (`%eth0`) are not accepted. */
export const parseAddress = (text: string): Option.Option<IpBits> =>
  Option.map(IpAddress.parse(text), (address) => {
    if (IpAddress.isV4(address)) return { version: 4, words: [wordOfV4(address)] }
    const words = wordsOfV6(address)
    const [first, second, third, last = 0] = words
    const isMapped = first === 0 && second === 0 && third === 0xffff
    return isMapped ? { version: 4, words: [last] } : { version: 6, words }
  })

const maskOf = (bits: number): number => bits <= 0 ? 0 : bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0

/** The network of an address: host bits are cleared. */
export const masked = (address: IpBits, prefixLength: number): IpNetwork => ({
  version: address.version,
  words: address.words.map((word, index) => (word & maskOf(prefixLength - index * 32)) >>> 0),
  prefixLength
})

/** Without leading zeros, which some read as octal. */
const cidr = /^([^/]+)\/(0|[1-9]\d{0,2})$/

/** `10.0.0.0/8` or `2001:db8::/32`, host bits cleared; none for anything else, a bare address included. */
export const parseNetwork = (text: string): Option.Option<IpNetwork> => {
  const [, host = "", length = ""] = cidr.exec(text) ?? []
  const prefixLength = Number(length)
  // A mapped address keeps the length of the notation it is written in.
  const offset = host.includes(":") ? 96 : 0
  return Option.flatMap(parseAddress(host), (address) => {
    const own = address.version === 4 ? prefixLength - offset : prefixLength
    return length !== "" && own >= 0 && own <= bitsIn(address.version)
      ? Option.some(masked(address, own))
      : Option.none()
  })
}

export const bitAt = (address: IpBits, index: number): 0 | 1 =>
  ((address.words[index >>> 5] ?? 0) >>> (31 - (index & 31))) & 1 ? 1 : 0

const formatV4 = (word: number): string => [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff).join(".")

/** The longest run of two or more zero groups, the first of equals; undefined when there is none. */
const longestZeros = (groups: ReadonlyArray<number>) => {
  let best: { readonly start: number; readonly length: number } | undefined
  for (let at = 0; at < groups.length; at++) {
    let length = 0
    while (groups[at + length] === 0) length++
    if (length > 1 && length > (best?.length ?? 0)) best = { start: at, length }
    at += length
  }
  return best
}

const formatV6 = (words: ReadonlyArray<number>): string => {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff])
  const zeros = longestZeros(groups)
  const text = (part: ReadonlyArray<number>) => part.map((group) => group.toString(16)).join(":")
  return zeros === undefined
    ? text(groups)
    : `${text(groups.slice(0, zeros.start))}::${text(groups.slice(zeros.start + zeros.length))}`
}

export const formatAddress = (address: IpBits): string =>
  address.version === 4 ? formatV4(address.words[0] ?? 0) : formatV6(address.words)

export const formatNetwork = (network: IpNetwork): string => `${formatAddress(network)}/${network.prefixLength}`

/** The text of an address in its one usual form; none when it is no address. The common IPv4 form costs one test. */
export const canonicalAddress = (text: string): Option.Option<string> =>
  IpAddress.isV4(text) ? Option.some(text) : Option.map(parseAddress(text), formatAddress)

/** The network that holds exactly this address: `/32`, or `/128` for IPv6. */
export const hostNetwork = (address: string): string => `${address}/${address.includes(":") ? 128 : 32}`
