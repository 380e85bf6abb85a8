/**
 * The one MAC address of a device out of the list that a source has of it.
 *
 * As Go's `net.ParseMAC` judges: 6, 8 or 20 bytes with `:` or `-` between bytes or `.` between pairs; bare hex is none.
 */
import { Option } from "effect"

const separators = /[,; \t\r\n]+/
const pairs = /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2})*)$/i
const quads = /^[0-9a-f]{4}(?:\.[0-9a-f]{4})+$/i
const digitCounts = new Set([12, 16, 40])

const canonical = (text: string): string | undefined => {
  if (!pairs.test(text) && !quads.test(text)) return undefined
  const digits = text.replaceAll(/[:.-]/g, "")
  if (!digitCounts.has(digits.length)) return undefined
  return (digits.toUpperCase().match(/../g) ?? []).join(":")
}

/** The first valid address of a list, upper case with colons. */
export const first = (list: string): Option.Option<string> => {
  // Lists of a hundred are common and the first entry is nearly always valid.
  const end = list.search(separators)
  const head = canonical(end === -1 ? list : list.slice(0, end))
  if (head !== undefined) return Option.some(head)
  for (const part of list.split(separators)) {
    const found = canonical(part)
    if (found !== undefined) return Option.some(found)
  }
  return Option.none()
}
