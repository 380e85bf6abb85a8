/**
 * What the seven processors have in common: from a message and its context to rows and refused elements, or a problem.
 *
 * A message is JSON or protobuf, bare or in a CloudEvent, and has one element or many. Synchronous and without state, so
 * that it runs as well in a worker thread as in the pipeline.
 */
import { Result } from "effect"
import * as CloudEvent from "../../../domain/events/decode/CloudEvent.ts"
import { fail, type Problem } from "../../../domain/events/decode/DecodeError.ts"
import { Collector, type Elements } from "../../../domain/events/decode/Elements.ts"
import { isObject, type JsonObject, parse, parseBytes, trimEnd } from "../../../domain/events/decode/Json.ts"
import type { TableRows } from "../../../domain/events/rows/Tables.ts"
import type { EventMessage, RowContext } from "../../../domain/events/stream/EventMessage.ts"

/** What distinguishes a stream's processor. */
export interface Reader<Row extends object> {
  /** The row of one object; `index` is the place of the element in the message. */
  readonly object: (element: CloudEvent.Element, context: RowContext, index: number) => Result.Result<Row, Problem>
  /** Takes the elements of an object that is a whole request in JSON; says whether it is one. */
  readonly request?: (value: JsonObject, out: Collector<Row>, context: RowContext) => boolean
  /** Takes the elements of a message in protobuf, or none of them when it is no such message. */
  readonly protobuf?: (data: Uint8Array, out: Collector<Row>, context: RowContext) => Result.Result<void, Problem>
  /** Whether a message without a byte is a valid one, as an empty request is in protobuf. */
  readonly isEmptyValid?: (subject: string) => boolean
}

type Headers = EventMessage["headers"]
type Path = Problem["path"]

/** `headers` are those of the message, by lower-case name. */
export type Read<Row> = (
  data: Uint8Array,
  context: RowContext,
  headers?: Headers
) => Result.Result<Elements<Row>, Problem>

/** The rows with the name of their table. */
export type Processor = (
  data: Uint8Array,
  context: RowContext,
  headers?: Headers
) => Result.Result<TableRows & Elements<unknown>, Problem>

/** Blanks that JSON may begin with, and the bytes of a byte order mark. */
const blanks: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf])

const isBracket = (byte: number | undefined): boolean => byte === 0x7b || byte === 0x5b

const looksLikeJson = (data: Uint8Array): boolean => {
  let at = 0
  while (blanks.has(data[at])) at++
  return isBracket(data[at])
}

const isTextType = (contentType: string | undefined): boolean =>
  contentType !== undefined && /^text\/|\bjson\b/i.test(contentType)

const strictUtf8 = new TextDecoder("utf-8", { fatal: true })

/** None when the bytes are no text: not UTF-8, or with control characters that no text has. */
const textIn = (data: Uint8Array): string | undefined => {
  const text = Result.getOrUndefined(Result.try(() => strictUtf8.decode(data)))
  // oxlint-disable-next-line no-control-regex
  return text === undefined || /[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(text) ? undefined : text
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

/** `[1767323045.5, {…}]`: a time and its record, as Fluent Bit publishes them to NATS. */
const recordOfPair = (value: unknown): JsonObject | undefined => {
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [date, record]: ReadonlyArray<unknown> = value
  return typeof date === "number" && isObject(record) ? { date, ...record } : undefined
}

const noHeaders: Headers = new Map()

/** What is read, and where it was found. */
interface Place {
  readonly path: Path
  readonly envelope: CloudEvent.Envelope | undefined
  /** The envelope as it was received, in structured mode. */
  readonly received: JsonObject | undefined
}

class Run<Row extends object> {
  readonly out = new Collector<Row>()
  readonly #reader: Reader<Row>
  readonly #context: RowContext

  constructor(reader: Reader<Row>, context: RowContext) {
    this.#reader = reader
    this.#context = context
  }

  /**
   * Neither JSON nor protobuf announces itself: protobuf may begin with a line feed (field 1), a blank (field 4) or,
   * behind a length, with `{`. So what looks like JSON and cannot be parsed is tried as protobuf. In an envelope, what is
   * neither is text.
   */
  bytes(data: Uint8Array, place: Place): Result.Result<void, Problem> {
    const { envelope } = place
    const { protobuf } = this.#reader
    const tryProtobuf = (): Result.Result<void, Problem> =>
      protobuf === undefined || isTextType(envelope?.contentType)
        ? fail([], "expected JSON")
        : protobuf(data, this.out, this.#context)
    if (looksLikeJson(data)) {
      const value = parseBytes(data)
      if (Result.isSuccess(value)) return this.value(value.success, place)
      return Result.isSuccess(tryProtobuf()) ? Result.void : Result.fail(value.failure)
    }
    if (envelope === undefined && protobuf === undefined) return this.plainJson(data, place)
    const read = tryProtobuf()
    if (envelope === undefined) {
      return Result.isFailure(read) && textIn(trimEnd(data)) !== undefined
        ? fail([], "expected JSON or protobuf, got text")
        : read
    }
    if (Result.isSuccess(read)) return read
    const text = textIn(trimEnd(data))
    return text === undefined ? read : this.value(Result.getOrElse(parse(text), () => text), place)
  }

  private plainJson(data: Uint8Array, place: Place): Result.Result<void, Problem> {
    return Result.flatMap(parseBytes(data), (value) => this.value(value, place))
  }

  /** One element, or an array of them. */
  value(value: unknown, place: Place): Result.Result<void, Problem> {
    if (!Array.isArray(value)) {
      return isObject(value) || place.envelope !== undefined
        ? (this.element(value, place), Result.void)
        : fail([], "expected an object or an array of objects")
    }
    for (let at = 0; at < value.length && !this.out.isOver; at++) {
      this.element(value[at], { ...place, path: [...place.path, at] })
    }
    return Result.void
  }

  private element(given: unknown, place: Place): void {
    const value = recordOfPair(given) ?? given
    if (place.envelope === undefined && CloudEvent.isEvent(value)) return this.event(value, place.path)
    const { envelope, path, received } = place
    if (Array.isArray(value) || (!isObject(value) && envelope === undefined)) {
      return this.out.refuse({ path, reason: "expected an object" }, () => encode(value))
    }
    if (isObject(value) && this.#reader.request?.(value, this.out, this.#context) === true) return
    const element = CloudEvent.element(value, envelope, received)
    const row = this.#reader.object(element, this.#context, this.out.count)
    // In binary mode the envelope is in the headers, which the refused element keeps.
    this.out.take(row, path, () => encode(received === undefined ? value : element.original))
  }

  private event(event: JsonObject, path: Path): void {
    const opened = CloudEvent.unwrap(event)
    const refuse = ({ path: at, reason }: Problem) =>
      this.out.refuse({ path: [...path, ...at], reason }, () => encode(event))
    if (Result.isFailure(opened)) return refuse(opened.failure)
    const { content, envelope } = opened.success
    const place = { path: [...path, "data"], envelope, received: event }
    if ("isMissing" in content) return this.element(undefined, { ...place, path })
    const read = "bytes" in content
      ? this.bytes(content.bytes, { ...place, path: [...path, "data_base64"] })
      : this.value(content.value, place)
    if (Result.isFailure(read)) refuse(read.failure)
  }
}

export const make = <Row extends object>(reader: Reader<Row>): Read<Row> => (data, context, headers = noHeaders) => {
  const run = new Run(reader, context)
  if (data.length === 0) {
    return reader.isEmptyValid?.(context.subject) === true
      ? run.out.finish()
      : fail([], `expected ${reader.protobuf === undefined ? "JSON" : "JSON or protobuf"}, got an empty message`)
  }
  const read = run.bytes(data, { path: [], envelope: CloudEvent.ofHeaders(headers), received: undefined })
  return Result.isFailure(read) ? Result.fail(read.failure) : run.out.finish()
}
