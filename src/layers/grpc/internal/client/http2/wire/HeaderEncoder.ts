/**
 * Writes header blocks (RFC 7541). What is the same for many calls is told the peer once, and a number of one byte from then
 * on; nothing is ever forgotten, so what finds no room in the table is written out each time.
 */
import type { OutgoingHttpHeaders } from "node:http2"
import * as HeaderTable from "./HeaderTable.ts"

/** The same for many calls: the value too, or the name alone. */
const kept = new Set([
  ":authority",
  ":path",
  "te",
  "content-type",
  "user-agent",
  "grpc-accept-encoding",
  "grpc-timeout"
])
const keptNames = new Set(["traceparent"])

const fixedNames = new Map<string, number>()
const fixedValues = new Map<string, number>()
for (const [index, { name, value }] of HeaderTable.fixed.entries()) {
  if (!fixedNames.has(name)) fixedNames.set(name, index + 1)
  if (value !== "") fixedValues.set(`${name} ${value}`, index + 1)
}

/** By names: each value that the peer knows, with its place from the beginning. */
interface Known {
  readonly values: Map<string, number>
  readonly place: number
}

/** What one encoder writes is read before another writes, so that one place is enough for all. */
let buffer = Buffer.allocUnsafeSlow(4_096)

export class HeaderEncoder {
  #known = new Map<string, Known>()
  #count = 0
  #tableBytes = 0
  #tableBytesMax = HeaderTable.tableBytesDefault
  /** To be told the peer before the next headers. */
  #isResized = false
  #at = 0

  /** The peer keeps no more than this. */
  resize(bytes: number): void {
    const next = Math.min(bytes, HeaderTable.tableBytesDefault)
    if (next === this.#tableBytesMax && !this.#isResized) return
    this.#tableBytesMax = next
    this.#isResized = true
    this.#known = new Map()
    this.#count = 0
    this.#tableBytes = 0
  }

  /** The bytes count until any encoder writes again. */
  encode(headers: OutgoingHttpHeaders): Buffer {
    this.#at = 0
    if (this.#isResized) {
      this.#isResized = false
      // Down to nothing first: the peer forgets what this side has forgotten.
      this.#number(0x20, 5, 0)
      this.#number(0x20, 5, this.#tableBytesMax)
    }
    for (const name in headers) {
      const value = headers[name]
      if (typeof value === "string") this.#header(name, value)
      else if (Array.isArray(value)) { for (const one of value) this.#header(name, one) }
      else if (value !== undefined) this.#header(name, String(value))
    }
    return buffer.subarray(0, this.#at)
  }

  #header(name: string, value: string): void {
    const known = this.#known.get(name)
    const place = known?.values.get(value)
    if (place !== undefined) return this.#number(0x80, 7, this.#indexOf(place))
    const isNameKept = keptNames.has(name) && known === undefined
    if (isNameKept || kept.has(name)) return this.#keep(name, value, known)
    const fixed = name.charCodeAt(0) === 0x3a ? fixedValues.get(`${name} ${value}`) : undefined
    if (fixed !== undefined) return this.#number(0x80, 7, fixed)
    this.#literal(name, value, known, 0, 4)
  }

  #keep(name: string, value: string, known: Known | undefined): void {
    const bytes = HeaderTable.bytesOf(name, value)
    if (this.#tableBytes + bytes > this.#tableBytesMax) return this.#literal(name, value, known, 0, 4)
    this.#literal(name, value, known, 0x40, 6)
    this.#tableBytes += bytes
    const values = known?.values ?? new Map<string, number>()
    if (kept.has(name)) values.set(value, this.#count)
    this.#known.set(name, known ?? { values, place: this.#count })
    this.#count += 1
  }

  #indexOf(place: number): number {
    return HeaderTable.fixed.length + this.#count - place
  }

  #literal(name: string, value: string, known: Known | undefined, flags: number, bits: number): void {
    const index = known === undefined ? fixedNames.get(name) ?? 0 : this.#indexOf(known.place)
    this.#number(flags, bits, index)
    if (index === 0) this.#text(name)
    this.#text(value)
  }

  #number(flags: number, bits: number, value: number): void {
    this.#room(8)
    const most = 2 ** bits - 1
    if (value < most) {
      buffer[this.#at++] = flags | value
      return
    }
    buffer[this.#at++] = flags | most
    let left = value - most
    for (; left >= 0x80; left = Math.floor(left / 0x80)) buffer[this.#at++] = left % 0x80 | 0x80
    buffer[this.#at++] = left
  }

  #text(text: string): void {
    this.#number(0, 7, text.length)
    this.#room(text.length)
    this.#at += buffer.write(text, this.#at, "latin1")
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafeSlow(2 * (this.#at + bytes))
    larger.set(buffer.subarray(0, this.#at))
    buffer = larger
  }
}
