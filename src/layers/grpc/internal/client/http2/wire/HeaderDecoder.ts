/**
 * Reads header blocks (RFC 7541). It keeps what the peer has numbered, so every block of a connection is to be read, in
 * order; one that cannot be read ends the connection.
 */
import * as HeaderTable from "./HeaderTable.ts"
import * as Huffman from "./Huffman.ts"

/** No header needs a longer number. */
const numberMax = 2 ** 24

export class HeaderDecoder {
  readonly #listBytesMax: number
  /** The newest is the last. */
  readonly #entries: Array<HeaderTable.Entry> = []
  #tableBytes = 0
  #tableBytesMax = HeaderTable.tableBytesDefault
  #bytes: Uint8Array = new Uint8Array()
  #at = 0
  #isBroken = false

  /** `listBytesMax`: of the headers of one block, as a table counts them. */
  constructor(listBytesMax: number) {
    this.#listBytesMax = listBytesMax
  }

  /** Names and values in turn; undefined when it cannot be read, or holds too much. */
  decode(block: Uint8Array): ReadonlyArray<string> | undefined {
    this.#bytes = block
    this.#at = 0
    const list: Array<string> = []
    let listBytes = 0
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0
      if ((first & 0xe0) === 0x20) {
        // Another size of the table stands before the first header, and is at most what it was told.
        const size = this.#number(5)
        if (this.#isBroken || list.length > 0 || size > HeaderTable.tableBytesDefault) return undefined
        this.#tableBytesMax = size
        this.#evict()
        continue
      }
      const found = (first & 0x80) !== 0 ? this.#entry(this.#number(7)) : this.#literal(first)
      if (found === undefined || this.#isBroken) return undefined
      listBytes += HeaderTable.bytesOf(found.name, found.value)
      if (listBytes > this.#listBytesMax) return undefined
      list.push(found.name, found.value)
    }
    return list
  }

  #literal(first: number): HeaderTable.Entry | undefined {
    const isKept = (first & 0x40) !== 0
    const index = this.#number(isKept ? 6 : 4)
    const name = index === 0 ? this.#text() : this.#entry(index)?.name
    const value = this.#text()
    if (name === undefined || name === "" || value === undefined) return undefined
    const entry = { name, value }
    if (isKept) {
      this.#entries.push(entry)
      this.#tableBytes += HeaderTable.bytesOf(name, value)
      this.#evict()
    }
    return entry
  }

  #entry(index: number): HeaderTable.Entry | undefined {
    const own = index - HeaderTable.fixed.length
    return own > 0 ? this.#entries[this.#entries.length - own] : HeaderTable.fixed[index - 1]
  }

  #evict(): void {
    while (this.#tableBytes > this.#tableBytesMax) {
      const oldest = this.#entries.shift()
      if (oldest === undefined) return
      this.#tableBytes -= HeaderTable.bytesOf(oldest.name, oldest.value)
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    this.#at += 1
    if (byte === undefined) this.#isBroken = true
    return byte ?? 0
  }

  /** In the last bits of a byte, and those behind it where they are not enough. */
  #number(bits: number): number {
    const most = 2 ** bits - 1
    let value = this.#byte() & most
    if (value < most) return value
    let factor = 1
    for (let byte = 0x80; (byte & 0x80) !== 0; factor *= 0x80) {
      byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (value > numberMax || factor > numberMax) this.#isBroken = true
      if (this.#isBroken) return 0
    }
    return value
  }

  #text(): string | undefined {
    const isCoded = ((this.#bytes[this.#at] ?? 0) & 0x80) !== 0
    const length = this.#number(7)
    const start = this.#at
    const end = start + length
    if (this.#isBroken || end > this.#bytes.length) return undefined
    this.#at = end
    if (isCoded) return Huffman.decode(this.#bytes, start, end)
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, length).toString("latin1")
  }
}
