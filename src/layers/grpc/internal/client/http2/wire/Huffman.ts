/**
 * The Huffman code of header texts (RFC 7541, appendix B). It is canonical: symbols with codes of one length have them in
 * the order of their values, so the lengths say it all.
 */

/** In bits, of each byte, and at last of the end of a text, which never stands in one. */
const lengths: ReadonlyArray<number> = [
  [13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  [28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  [6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  [5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  [13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  [7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  [15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  [6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  [20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  [24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  [22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  [21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  [26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  [19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  [20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  [26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
  [30]
].flat()

const endOfText = 256
const bitsMax = 30

/**
 * A tree in pairs: at `2 * node + bit` stands the next node, or below zero `-1 - symbol`. As in every canonical code the
 * first code of a length follows the last of the one before.
 */
const tree = (() => {
  const nodes: Array<number> = [0, 0]
  const add = (code: number, bits: number, symbol: number) => {
    let node = 0
    for (let bit = bits - 1; bit > 0; bit--) {
      const at = 2 * node + (code >>> bit & 1)
      let next = nodes[at] ?? 0
      if (next === 0) {
        next = nodes.length / 2
        nodes[at] = next
        nodes.push(0, 0)
      }
      node = next
    }
    nodes[2 * node + (code & 1)] = -1 - symbol
  }
  let code = 0
  for (let bits = 1; bits <= bitsMax; bits++) {
    for (const [symbol, length] of lengths.entries()) {
      if (length !== bits) continue
      add(code, bits, symbol)
      code += 1
    }
    code *= 2
  }
  return Int16Array.from(nodes)
})()

/** The text in these bytes, a character for each byte of it; undefined when there is none. */
export const decode = (bytes: Uint8Array, start: number, end: number): string | undefined => {
  const codes: Array<number> = []
  let node = 0
  /** Bits since the last symbol, and whether all of them were ones. */
  let open = 0
  let isPadding = true
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0
    for (let bit = 7; bit >= 0; bit--) {
      const one = byte >>> bit & 1
      const next = tree[2 * node + one] ?? 0
      open += 1
      isPadding = isPadding && one === 1
      if (next >= 0) {
        // A place of the tree that no code leads through.
        if (next === 0) return undefined
        node = next
        continue
      }
      const symbol = -1 - next
      if (symbol === endOfText) return undefined
      codes.push(symbol)
      node = 0
      open = 0
      isPadding = true
    }
  }
  return open > 7 || !isPadding ? undefined : String.fromCharCode(...codes)
}
