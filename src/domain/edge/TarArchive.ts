/** An archive as `tar` unpacks it: POSIX ustar, of regular files that belong to nobody in particular. */
import type { BundleFile } from "./Bundle.ts"

const blockBytes = 512

/** Where each field of a header is, and how long. */
const fields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 6],
  version: [263, 2]
} as const

const encoder = new TextEncoder()

/** As many octal digits as fit before the byte that ends them. */
const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`

const headerOf = (name: string, mode: number, size: number, mtimeSeconds: number): Uint8Array => {
  const header = new Uint8Array(blockBytes)
  const put = ([at, length]: readonly [number, number], text: string) =>
    header.set(encoder.encode(text).subarray(0, length), at)
  put(fields.name, name)
  put(fields.mode, octal(mode, 8))
  put(fields.uid, octal(0, 8))
  put(fields.gid, octal(0, 8))
  put(fields.size, octal(size, 12))
  put(fields.mtime, octal(mtimeSeconds, 12))
  // Counts as spaces in its own sum.
  put(fields.checksum, " ".repeat(8))
  put(fields.type, "0")
  put(fields.magic, "ustar\0")
  put(fields.version, "00")
  const sum = header.reduce((total, byte) => total + byte, 0)
  put(fields.checksum, `${sum.toString(8).padStart(6, "0")}\0 `)
  return header
}

/** Names have at most 100 characters. */
export const of = (files: ReadonlyArray<BundleFile>, mtimeSeconds: number): Uint8Array => {
  const parts = files.flatMap(({ mode, name, text }) => {
    const bytes = encoder.encode(text)
    const padding = new Uint8Array((blockBytes - bytes.length % blockBytes) % blockBytes)
    return [headerOf(name, mode, bytes.length, mtimeSeconds), bytes, padding]
  })
  const end = new Uint8Array(2 * blockBytes)
  const archive = new Uint8Array([...parts, end].reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of [...parts, end]) {
    archive.set(part, at)
    at += part.length
  }
  return archive
}
