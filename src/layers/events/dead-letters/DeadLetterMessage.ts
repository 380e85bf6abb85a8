/**
 * A dead letter as messages of its stream: the original payload as it was, and in headers what is known about it.
 *
 * What does not fit into one message (the original may be as large as a message can be, and the headers come on top) goes
 * into further messages below its subject. They are written first, so a letter that is there is whole.
 */
import { Option, Result, Schema } from "effect"
import { escapeName } from "../../../domain/events/stream/ConsumerPlan.ts"
import type { DeadLetter, DeadLetterSummary } from "../../../domain/events/stream/DeadLetter.ts"
import { streamNames } from "../../../domain/events/stream/Streams.ts"

export const subjectRoot = "dlq"

/** Of letters of messages that belong to no stream. */
const noStream = "none"

export const letterHeader = "Dlq-Letter"
const headersHeader = "Dlq-Headers"

const textMax = 2_048
/** Original headers up to this size stand in a header; longer ones in a further message. */
const headersMax = 16_384
/** For the names of headers and whatever a client adds of its own. */
const frameBytes = 2_048
const roomMin = 1_024

const Letter = Schema.fromJsonString(Schema.Struct({
  stream: Schema.Literals([...streamNames, ""]),
  subject: Schema.String,
  jetStream: Schema.String,
  sequence: Schema.Int,
  storedAtMicros: Schema.Int,
  element: Schema.optionalKey(Schema.Int),
  deliveries: Schema.Int,
  failure: Schema.Struct({
    reason: Schema.Literals(["decode", "rejected", "exhausted"]),
    error: Schema.String,
    place: Schema.String
  }),
  deadLetteredAtMillis: Schema.Int,
  bytes: Schema.Int,
  /** Further messages, and how many of their bytes at the beginning are the original headers. */
  parts: Schema.Int,
  headerBytes: Schema.Int
}))

const Headers = Schema.fromJsonString(Schema.Array(Schema.Tuple([Schema.String, Schema.String])))

const decodeLetter = Schema.decodeResult(Letter)
const decodeHeaders = Schema.decodeResult(Headers)
const encodeLetter = Schema.encodeSync(Letter)
const encodeHeaders = Schema.encodeSync(Headers)

type Place = Pick<DeadLetterSummary, "stream" | "jetStream" | "sequence" | "storedAtMicros" | "element">

const streamToken = (stream: DeadLetterSummary["stream"]): string => stream === "" ? noStream : stream

/** All letters, or those of one stream. */
export const filter = (stream: DeadLetterSummary["stream"] | undefined): string =>
  `${subjectRoot}.${stream === undefined ? "*" : streamToken(stream)}.*.*`

const behind = (separator: string, element: number | undefined): string =>
  element === undefined ? "" : `${separator}${element}`

export const idOf = ({ element, jetStream, sequence, storedAtMicros, stream }: Place): string =>
  `${streamToken(stream)}.${escapeName(jetStream)}.${sequence}.${storedAtMicros}${behind(".", element)}`

const subjectFor = ({ element, jetStream, sequence, storedAtMicros, stream }: Place): string =>
  `${subjectRoot}.${streamToken(stream)}.${escapeName(jetStream)}.${sequence}-${storedAtMicros}${behind("-", element)}`

const idForm = /^([A-Za-z_]+)\.([A-Za-z0-9_=-]+)\.(\d+)\.(\d+)(?:\.(\d+))?$/

/** None for a text that is no id: it could otherwise mean many letters. */
export const subjectOf = (id: string): Option.Option<string> => {
  const [, stream, jetStream, sequence, storedAtMicros, element] = idForm.exec(id) ?? []
  return stream === undefined
    ? Option.none()
    : Option.some(
      `${subjectRoot}.${stream}.${jetStream}.${sequence}-${storedAtMicros}${element === undefined ? "" : `-${element}`}`
    )
}

type HeaderValues = ReadonlyArray<readonly [name: string, value: string]>

/** One message to publish. */
export interface LetterPart {
  readonly subject: string
  readonly headers: HeaderValues
  readonly data: Uint8Array
}

export interface EncodedLetter {
  /** To be published before the letter. */
  readonly parts: ReadonlyArray<LetterPart>
  readonly letter: LetterPart
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

const slices = (data: Uint8Array, size: number): ReadonlyArray<Uint8Array> =>
  data.length === 0 ? [] : [data.subarray(0, size), ...slices(data.subarray(size), size)]

export const partSubject = (subject: string, at: number): string => `${subject}.${at}`

export const encode = (letter: Omit<DeadLetter, "id">, payloadMax: number): EncodedLetter => {
  const { data, headers, ...summary } = letter
  const subject = subjectFor(letter)
  const headersText = encodeHeaders(headers)
  const isApart = headersText.length > headersMax
  const headerBytes = isApart ? bytesOf(headersText) : new Uint8Array()
  const { error, place, reason } = summary.failure
  const textOf = (parts: number): string =>
    encodeLetter({
      ...summary,
      failure: { reason, error: error.slice(0, textMax), place: place.slice(0, textMax) },
      bytes: data.length,
      parts,
      headerBytes: headerBytes.length
    })
  const frame = bytesOf(textOf(Number.MAX_SAFE_INTEGER) + (isApart ? "" : headersText)).length + frameBytes
  const room = Math.max(roomMin, payloadMax - frame)
  const rest = slices(Buffer.concat([headerBytes, data.subarray(room)]), payloadMax)
  return {
    parts: rest.map((part, at) => ({ subject: partSubject(subject, at), headers: [], data: part })),
    letter: {
      subject,
      headers: [
        [letterHeader, textOf(rest.length)],
        ...(isApart || headers.length === 0 ? [] : [[headersHeader, headersText] as const])
      ],
      data: data.subarray(0, room)
    }
  }
}

export interface DecodedLetter extends DeadLetterSummary {
  readonly parts: number
  readonly headerBytes: number
}

const valueOf = (headers: HeaderValues, name: string): string =>
  headers.find(([header]) => header.toLowerCase() === name.toLowerCase())?.[1] ?? ""

/** From the headers of the letter's message; none when it is not one of ours. */
export const summaryOf = (headers: HeaderValues): Option.Option<DecodedLetter> =>
  Option.map(Result.getSuccess(decodeLetter(valueOf(headers, letterHeader))), (letter) => ({
    ...letter,
    id: idOf(letter)
  }))

/** The original, from the letter's message and the further ones. */
export const originalOf = (
  letter: DecodedLetter,
  message: { readonly headers: HeaderValues; readonly data: Uint8Array },
  parts: ReadonlyArray<Uint8Array>
): Option.Option<Pick<DeadLetter, "data" | "headers">> => {
  const rest = Buffer.concat(parts)
  const headersText = letter.headerBytes > 0
    ? new TextDecoder().decode(rest.subarray(0, letter.headerBytes))
    : valueOf(message.headers, headersHeader)
  const headers = headersText === "" ? Option.some([]) : Result.getSuccess(decodeHeaders(headersText))
  const data = rest.length === 0 ? message.data : Buffer.concat([message.data, rest.subarray(letter.headerBytes)])
  return data.length === letter.bytes ? Option.map(headers, (headers) => ({ data, headers })) : Option.none()
}
