/** IP addresses as filters write them: networks with their prefix, and ranges. */
import { Option } from "effect"

type Family = 4 | 6

const isFour = (text: string): boolean =>
  /^(\d{1,3}\.){3}\d{1,3}$/.test(text) && text.split(".").every((part) => Number(part) < 256)

const familyOf = (text: string): Family | undefined => isFour(text) ? 4 : isSix(text) ? 6 : undefined

/** Eight groups, or fewer with one `::`; the last two may be written as an address of the other family is. */
const isSix = (text: string): boolean => {
  const last = text.slice(text.lastIndexOf(":") + 1)
  const halves = (isFour(last) ? `${text.slice(0, -last.length)}0:0` : text).split("::")
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => half === "" ? [] : half.split(":"))
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) &&
    (halves.length === 2 ? groups.length < 8 : groups.length === 8)
}

/** `address/prefix`, with whatever host bits it has. */
export const network = (text: string): Option.Option<string> => {
  const [address = "", prefix = "", more] = text.trim().split("/")
  const family = familyOf(address)
  const isPrefix = /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128)
  return family === undefined || more !== undefined || !isPrefix
    ? Option.none()
    : Option.some(`${address}/${Number(prefix)}`)
}

/** Both ends, both part of it. */
export const range = (text: string): Option.Option<readonly [string, string]> => {
  const [first = "", last = "", more] = text.split("-").map((part) => part.trim())
  const family = familyOf(first)
  return family === undefined || familyOf(last) !== family || more !== undefined
    ? Option.none()
    : Option.some([first, last])
}
