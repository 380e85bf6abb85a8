/**
 * The text of a body as it arrives: unpacked, and read in the charset that it is in.
 *
 * A byte order mark decides, then the header, then what an HTML or XML document says of itself in its first kilobyte;
 * else it is UTF-8. Nothing is kept, so a body without end costs no more than its window.
 */
import { Bytes, Effect, Result, Schema, Stream } from "effect"
import type { Readable, Transform } from "node:stream"
import * as zlib from "node:zlib"
import * as Reason from "../Reason.ts"

export class BodyError extends Schema.TaggedError<BodyError>()("BodyError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

/** What has arrived is given on even when the end is missing. */
const partial = { flush: zlib.constants.Z_SYNC_FLUSH, finishFlush: zlib.constants.Z_SYNC_FLUSH }

const unpackers: ReadonlyMap<string, () => Transform> = new Map([
  ["gzip", () => zlib.createGunzip(partial)],
  ["x-gzip", () => zlib.createGunzip(partial)],
  ["br", () => zlib.createBrotliDecompress({ finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH })],
  ["zstd", () => zlib.createZstdDecompress({ finishFlush: zlib.constants.ZSTD_e_flush })]
])

/** With or without the zlib header around it: both are sent under this name. */
const inflater = (first: Uint8Array): Transform => {
  const [cmf = 0, flg = 0] = first
  const hasHeader = (cmf & 0x0f) === 8 && (cmf * 256 + flg) % 31 === 0
  return hasHeader ? zlib.createInflate(partial) : zlib.createInflateRaw(partial)
}

const failure = (what: string) => (error: unknown) => new BodyError({ reason: `${what}: ${Reason.describe(error)}` })

const through = (source: Readable, transform: Transform): Readable => {
  source.on("error", (error) => transform.destroy(error))
  transform.on("close", () => source.destroy())
  return source.pipe(transform)
}

const unpacked = Effect.fnUntraced(function*(source: Readable, encoding: string) {
  if (encoding === "identity") return source
  if (encoding === "deflate") {
    const first = yield* Effect.tryPromise({ try: () => firstBytes(source), catch: failure("reading the body failed") })
    return first === undefined ? source : through(source, inflater(first))
  }
  const make = unpackers.get(encoding)
  if (make === undefined) return yield* new BodyError({ reason: `content-encoding ${encoding} is not known` })
  return through(source, make())
})

/** Stays in the stream; undefined of an empty one. */
const firstBytes = (source: Readable): Promise<Uint8Array | undefined> =>
  new Promise((resolve, reject) => {
    const look = () => {
      const part: unknown = source.read()
      if (!(part instanceof Uint8Array)) return
      source.off("readable", look)
      source.unshift(part)
      resolve(part)
    }
    source.once("error", reject)
    source.once("end", () => resolve(undefined))
    source.on("readable", look)
  })

const marks: ReadonlyArray<readonly [string, ReadonlyArray<number>]> = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]]
]

const headLength = 1_024
const declarations = [
  /<meta[^>]*\bcharset\s*=\s*["']?\s*([\w:.-]+)/i,
  /^\s*<\?xml[^>]*\bencoding\s*=\s*["']([\w:.-]+)/i
]

const parameterOf = (contentType: string): string | undefined =>
  /;\s*charset\s*=\s*"?\s*([^\s";]+)/i.exec(contentType)?.[1]

const declaredIn = (head: Uint8Array): string | undefined => {
  const text = Buffer.from(head.subarray(0, headLength)).toString("latin1")
  return declarations.flatMap((pattern) => pattern.exec(text)?.[1] ?? [])[0]
}

/** Undefined for a charset that nobody knows. */
const decoderOf = (label: string | undefined): Decoder | undefined =>
  label === undefined
    ? undefined
    : Result.getOrElse(Result.try((): Decoder | undefined => new TextDecoder(label)), () => undefined)

type Decoder = InstanceType<typeof TextDecoder>

const decoderFor = (contentType: string, head: Uint8Array): Decoder => {
  const marked = marks.find(([, mark]) => mark.every((byte, index) => head[index] === byte))?.[0]
  return decoderOf(marked) ?? decoderOf(parameterOf(contentType)) ?? decoderOf(declaredIn(head)) ?? new TextDecoder()
}

/** What comes within this time is looked at together. */
const gather = "50 millis"
const partsMax = 4

type Headers = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

const first = (value: Headers[string]): string => typeof value === "string" ? value : value?.[0] ?? ""

/** In pieces, as they come; the response ends with the stream. */
export const read = (response: Readable, headers: Headers): Stream.Stream<string, BodyError> => {
  const contentType = first(headers["content-type"])
  const encodings = first(headers["content-encoding"]).toLowerCase().split(",")
    .map((name) => name.trim()).filter((name) => name !== "").toReversed()
  const source = Effect.reduce(encodings, (): Readable => response, unpacked)
  return Stream.unwrap(Effect.map(source, (readable) =>
    Stream.suspend(() => {
      let decoder: Decoder | undefined
      return Stream.fromAsyncIterable<Uint8Array, BodyError>(readable, failure("reading the body failed")).pipe(
        Stream.groupedWithin(partsMax, gather),
        Stream.map((parts) => {
          const bytes = Bytes.concat(parts)
          decoder ??= decoderFor(contentType, bytes)
          return decoder.decode(bytes, { stream: true })
        })
      )
    })))
}
