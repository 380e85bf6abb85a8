/**
 * What was in a served set, one line for each element: enough to tell what is different in another set, and where the
 * element is in this one. About sixty bytes a device, so several sets can be remembered.
 *
 *   <hash> <offset> <length> <key>[<tab><identifiers as JSON>]
 */
import { Effect, Result, Schema } from "effect"
import * as crypto from "node:crypto"
import * as GoJson from "../../domain/inventory/GoJson.ts"
import type { Section, SectionAbout, ServedElement } from "../../services/sync/ResultsStore.ts"
import type { SpoolError } from "../../services/sync/Spool.ts"
import * as ChunkFile from "./ChunkFile.ts"
import type { SpoolFile } from "./SpoolFiles.ts"

export interface IndexEntry {
  readonly key: string
  /** Of the element without its timestamp, which all of a section have in common. */
  readonly text: string
  readonly place: ChunkFile.Place
  readonly identifiers: ReadonlyArray<string>
}

const flushBytes = 256 * 1024
const readBytes = 64 * 1024

/** 132 bits. */
const hashLength = 22

/** The text of an element of a section without what all of them share. */
const contentOf = (text: string, timestamp: string): string =>
  timestamp === "" ? text : text.replace(`"timestamp":${GoJson.string(timestamp)},`, "")

const hashOf = (text: string): string => crypto.hash("sha1", text, "base64").slice(0, hashLength)

const decodeIdentifiers = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Array(Schema.String)))

/** Without line breaks and tabs, whatever is in them. */
export const identifiersText = (identifiers: ReadonlyArray<string>): string => JSON.stringify(identifiers)

export const identifiersOf = (text: unknown): ReadonlyArray<string> =>
  Result.getOrElse(decodeIdentifiers(text), () => [])

const lineOf = ({ identifiers, key, text }: ServedElement, place: ChunkFile.Place, timestamp: string): string => {
  const note = identifiers === undefined ? "" : `\t${identifiersText(identifiers)}`
  return `${hashOf(contentOf(text, timestamp))} ${place.offset} ${place.length} ${key}${note}\n`
}

const entryOf = (line: string): IndexEntry => {
  const [head = "", note] = line.split("\t")
  const [text = "", offset, length, key = ""] = head.split(" ")
  const identifiers = note === undefined ? [] : identifiersOf(note)
  return { key, text, identifiers, place: { offset: Number(offset), length: Number(length) } }
}

export const writer = Effect.fnUntraced(function*(path: string) {
  const file = yield* ChunkFile.openFile(path, "w")
  const sections: Array<Section> = []
  let about: SectionAbout | undefined
  let begunAt = 0
  let bytes = 0
  let pending: Array<string> = []
  let pendingLength = 0

  const flush = Effect.suspend(() => {
    const text = Buffer.from(pending.join(""))
    pending = []
    pendingLength = 0
    bytes += text.length
    return file.write(text)
  })

  const endSection = Effect.gen(function*() {
    yield* flush
    if (about !== undefined) sections.push({ ...about, offset: begunAt, bytes: bytes - begunAt })
    begunAt = bytes
  })

  return {
    begin: (section: SectionAbout) =>
      Effect.map(endSection, () => {
        about = section
      }),
    append: Effect.fnUntraced(function*(
      elements: ReadonlyArray<ServedElement>,
      places: ReadonlyArray<ChunkFile.Place>
    ) {
      for (const [index, element] of elements.entries()) {
        const line = lineOf(element, places[index] ?? { offset: 0, length: 0 }, about?.timestamp ?? "")
        pending.push(line)
        pendingLength += line.length
      }
      if (pendingLength >= flushBytes) yield* flush
    }),
    end: Effect.gen(function*() {
      yield* endSection
      yield* file.sync
      return sections
    })
  }
})

/** The entries of one section, batch by batch; empty at the end. */
const pullOf = (file: SpoolFile, path: string, section: Section) => {
  let offset = section.offset
  const end = section.offset + section.bytes
  let rest = Buffer.alloc(0)
  const pull: Effect.Effect<ReadonlyArray<IndexEntry>, SpoolError> = Effect.suspend(() => {
    const length = Math.min(readBytes, end - offset)
    if (length <= 0) return Effect.succeed([])
    return Effect.flatMap(ChunkFile.readExactly(file, path, offset, length), (bytes) => {
      offset += length
      const all = Buffer.concat([rest, bytes])
      const whole = all.lastIndexOf(10) + 1
      rest = all.subarray(whole)
      const lines = all.toString("utf8", 0, whole).split("\n")
      lines.pop()
      return lines.length === 0 ? pull : Effect.succeed(lines.map(entryOf))
    })
  })
  return pull
}

/** Stays readable when the file is removed. */
export const reader = Effect.fnUntraced(function*(path: string) {
  const file = yield* ChunkFile.openFile(path, "r")
  return (section: Section) => pullOf(file, path, section)
})
