/**
 * Devices from a file: CSV with a header line, or NDJSON, by the ending of its name. For every inventory that can be
 * exported, and the proof that a source is one file and a line in the table of `SourceTable`.
 *
 * Fields: `id` (the first address when there is none), `ip` (one or several, separated by commas), `hostname`, `mac`,
 * `tags`, `last_seen`; any other becomes metadata, but for what core takes for an order. A file that is written to while
 * it is read is not complete.
 */
import { parse as parseCsv } from "csv-parse"
import { Duration, Effect, Option, Result, Schema, Stream } from "effect"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import { pipeline, Readable } from "node:stream"
import * as PrintableText from "../../../domain/config/PrintableText.ts"
import * as IpNetwork from "../../../domain/inventory/IpNetwork.ts"
import * as MacAddress from "../../../domain/inventory/MacAddress.ts"
import type { SourceKind } from "../../../domain/inventory/SourceContext.ts"
import type { SourceConfig } from "../../../domain/sync/SyncConfig.ts"
import type { DeviceSource, SourcePage } from "../../../services/sync/DeviceSource.ts"
import * as SourceErrors from "../../../services/sync/SourceError.ts"
import { systemText } from "../../process/SystemText.ts"
import type { Judged } from "./Elements.ts"
import * as Elements from "./Elements.ts"

export const kind: SourceKind = {
  type: "file",
  source: "integration",
  hasDeviceId: true,
  hasAddressList: true,
  sweepsAs: "device_targets"
}

const devicesPerPage = 1_000
const lineBytesMax = 256 * 1024
const known = new Set(["id", "ip", "hostname", "mac", "tags", "last_seen"])

/**
 * Metadata by which core deletes a device or takes it for another one: a column of an inventory may be called so and
 * mean something else.
 */
const isOrder = (name: string): boolean => name === "deleted" || /^_|^canonical_/.test(name)

const Row = Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null]))
const decodeRow = Schema.decodeUnknownResult(Row)

const listOf = (text: string): ReadonlyArray<string> =>
  text.split(/[,; ]+/).map((part) => part.trim()).filter((part) => part !== "")

/** In place of a line that is longer than any device. */
const tooLong = Symbol("a line that is too long")

const judge = (value: unknown): Judged => {
  const decoded = decodeRow(value)
  if (Result.isFailure(decoded)) return Result.fail({ key: undefined, reason: "undecodable" })
  const row = Object.fromEntries(
    Object.entries(decoded.success).map((
      [name, field]
    ) => [name.trim().toLowerCase(), field === null ? "" : String(field)])
  )
  const list = listOf(row["ip"] ?? "")
  const [primary, ...others] = list.flatMap((part) => Option.toArray(IpNetwork.canonicalAddress(part)))
  const id = (row["id"] ?? "") === "" ? primary : row["id"]
  if (id === undefined) return Result.fail({ key: undefined, reason: list.length === 0 ? "no_address" : "bad_address" })
  // Keys are compared as bytes in one place and as text in another: ASCII is the same in both.
  const key = encodeURIComponent(id.toWellFormed())
  if (primary === undefined) return Result.fail({ key, reason: list.length === 0 ? "no_address" : "bad_address" })
  return Result.succeed({
    key,
    observation: {
      id,
      ips: [primary, ...new Set(others.filter((ip) => ip !== primary))],
      hostname: row["hostname"] ?? "",
      mac: Option.getOrElse(MacAddress.first(row["mac"] ?? ""), () => ""),
      tags: listOf(row["tags"] ?? ""),
      seenAt: Date.parse(row["last_seen"] ?? "") || 0,
      metadata: Object.fromEntries(Object.entries(row).filter(([name]) => !known.has(name) && !isOrder(name))),
      networks: [],
      isDevice: true
    }
  })
}

const parseLine = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

/** A line that is no JSON is one bad line: its neighbours are whole. */
const lineOf = (line: string): unknown => Result.getOrElse(parseLine(line), () => line.slice(0, 200))

const newline = 0x0a

/** Lines without their ends, of which no more than `lineBytesMax` is ever held. */
async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<string | typeof tooLong> {
  let parts: Array<Buffer> = []
  let length = 0
  const take = (bytes: Buffer): void => {
    length += bytes.length
    if (length <= lineBytesMax) parts.push(bytes)
    else parts = []
  }
  const line = (): string | typeof tooLong => {
    const whole = length > lineBytesMax ? tooLong : Buffer.concat(parts).toString("utf8")
    parts = []
    length = 0
    return whole
  }
  for await (const bytes of input) {
    let from = 0
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, from)) {
      take(bytes.subarray(from, end))
      from = end + 1
      yield line()
    }
    take(bytes.subarray(from))
  }
  if (length > 0) yield line()
}

const columnsShown = 200

/** A file that is something else, such as a table with semicolons, is not a file without devices. */
const columnsOf = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const columns = names.map((name) => name.trim().toLowerCase())
  const found = PrintableText.shortened(columns.join(", "), columnsShown)
  if (!columns.includes("ip")) throw new Error(`the header line has no column ip, but: ${found}`)
  const twice = columns.find((name, index) => known.has(name) && columns.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`the header line has the column ${twice} twice: ${found}`)
  return columns
}

const piecesBytes = 64 * 1024

/** Not a stream of the handle: that closes it at its end. */
async function* piecesOf(handle: fs.FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.allocUnsafe(piecesBytes) })
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

async function* rowsOf(path: string, handle: fs.FileHandle): AsyncGenerator<unknown> {
  if (/\.(?:ndjson|jsonl)$/i.test(path)) {
    for await (const line of linesOf(piecesOf(handle))) {
      if (line === tooLong) yield tooLong
      // Also without a mark of the order of bytes.
      else if (line.trim() !== "") yield lineOf(line.trim())
    }
    return
  }
  const csv = parseCsv({
    columns: (names: ReadonlyArray<string>) => [...columnsOf(names)],
    bom: true,
    trim: true,
    relax_column_count: true,
    max_record_size: lineBytesMax
  })
  // A failure of the one is the end of the other; whoever reads the rows is told.
  const input = Readable.from(piecesOf(handle))
  pipeline(input, csv, () => undefined)
  try {
    const rows: AsyncIterable<unknown> = csv
    yield* rows
  } finally {
    input.destroy()
  }
}

const openFlags = constants.O_RDONLY | constants.O_NONBLOCK

/** Opening a pipe would wait for a writer, and reading a device might never end. */
const statOf = async (handle: fs.FileHandle) => {
  const stat = await handle.stat()
  if (stat.isDirectory()) throw new Error("it is a folder, expected a file")
  if (!stat.isFile()) throw new Error("it is no regular file, such as a pipe or a device")
  return stat
}

async function* pagesOf(path: string): AsyncGenerator<SourcePage> {
  const elements = Elements.make(judge)
  let count = 0
  let total = 0
  const page = (isLast = false): SourcePage => {
    const collected = elements.collected()
    elements.reset()
    count = 0
    // Lines may repeat a device, so their number says nothing; that there are none does.
    return { ...collected, query: 0, total: isLast && total === 0 ? 0 : undefined, resume: "" }
  }
  const handle = await fs.open(path, openFlags)
  try {
    // One that is put in the place of this one meanwhile is read the next time; this one is still whole.
    const before = await statOf(handle)
    for await (const row of rowsOf(path, handle)) {
      if (row === tooLong) elements.skip()
      else elements.take(row)
      count += 1
      total += 1
      if (count === devicesPerPage) yield page()
    }
    const after = await handle.stat()
    if (before.mtimeMs !== after.mtimeMs || before.size !== after.size) {
      throw new Error(`the file was written to while its ${total} lines were read`)
    }
    yield page(true)
  } finally {
    await handle.close()
  }
}

/** `/path`, or `file:///path`. */
const pathOf = (endpoint: string): string => endpoint.startsWith("file://") ? new URL(endpoint).pathname : endpoint

export const make = (config: SourceConfig): Effect.Effect<DeviceSource> => {
  const path = pathOf(config.endpoint)
  return Effect.succeed({
    kind,
    queries: [{ label: "", sweepModes: [] }],
    // A file is read from its beginning: repetitions change nothing.
    pages: () =>
      Stream.fromAsyncIterable(
        pagesOf(path),
        (cause) =>
          SourceErrors.make(
            config.name,
            "file",
            `${path}: ${cause instanceof Error ? systemText(cause) : String(cause)}`
          )
      ).pipe(
        // A network file system that is away may never answer.
        Stream.timeoutOrElse({
          duration: config.requestTimeout,
          orElse: () =>
            Stream.fail(
              SourceErrors.make(
                config.name,
                "timeout",
                `${path}: nothing could be read within ${Duration.format(config.requestTimeout)}`
              )
            )
        })
      )
  })
}
