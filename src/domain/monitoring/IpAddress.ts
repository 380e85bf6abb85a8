/** IP addresses in text, judged as Go judges them: an IPv4 address mapped into IPv6 counts as the IPv4 address. */
import { Option } from "effect"

const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
const v4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)
const mapped = /^::ffff:([\d.]+)$/i
const group = /^[0-9a-f]{1,4}$/i

/** The address in its usual form, or none when the text is no IP address. */
export const parse = (text: string): Option.Option<string> => {
  const dotted = mapped.exec(text)?.[1] ?? text
  if (v4.test(dotted)) return Option.some(dotted)
  return isV6(text) ? Option.some(text) : Option.none()
}

export const isV4 = (text: string): boolean => v4.test(text)

const isV6 = (text: string): boolean => {
  const halves = text.split("::")
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => half === "" ? [] : half.split(":"))
  const last = groups.at(-1) ?? ""
  const tail = v4.test(last) ? 2 : 1
  const count = groups.length - 1 + tail
  const plain = tail === 2 ? groups.slice(0, -1) : groups
  if (groups.length === 0) return text === "::"
  return plain.every((one) => group.test(one)) && (halves.length === 2 ? count < 8 : count === 8)
}

/** 4 bytes of an IPv4 address, 16 of an IPv6 one without zone; a mapped one has 16 here. None for anything else. */
export const toBytes = (text: string): Option.Option<ReadonlyArray<number>> => {
  if (v4.test(text)) return Option.some(text.split(".").map(Number))
  if (!isV6(text)) return Option.none()
  const [head = [], tail] = text.split("::").map((half) => half === "" ? [] : half.split(":").flatMap(groupBytes))
  const zeros = tail === undefined ? 0 : 16 - head.length - tail.length
  return Option.some([...head, ...Array.from({ length: zeros }, () => 0), ...(tail ?? [])])
}

const groupBytes = (group: string): ReadonlyArray<number> => {
  if (v4.test(group)) return group.split(".").map(Number)
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 0xff]
}
