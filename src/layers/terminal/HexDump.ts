/** Bytes as `hexdump -C` shows them: offset, sixteen bytes in hex, and what of them is ASCII. */

const bytesPerLine = 16

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0")

const printable = (byte: number): string => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."

const line = (data: Uint8Array, offset: number): string => {
  const bytes = Array.from(data.subarray(offset, offset + bytesPerLine))
  const pairs = bytes.map((byte, at) => (at === 8 ? " " : "") + hex(byte, 2)).join(" ")
  return `${hex(offset, 8)}  ${pairs.padEnd(bytesPerLine * 3)}  |${bytes.map(printable).join("")}|`
}

/** Lines for the first `bytesMax` bytes. */
export const draw = (data: Uint8Array, bytesMax: number): ReadonlyArray<string> => {
  const length = Math.min(data.length, bytesMax)
  const shown = data.subarray(0, length)
  return Array.from({ length: Math.ceil(length / bytesPerLine) }, (_, at) => line(shown, at * bytesPerLine))
}
