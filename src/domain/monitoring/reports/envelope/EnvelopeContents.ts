/**
 * What is inside the envelope in which a poller sends a message.
 *
 * An envelope names poller and agent; they make it one, and are not believed. The document keeps its text where the
 * envelope has the usual order (`data` last), so that numbers beyond 2^53 survive; otherwise it is written anew.
 */
import { Option, Result, Schema } from "effect"
import * as ExactJson from "../../ExactJson.ts"

const Envelope = Schema.Struct({
  poller_id: Schema.String.check(Schema.isMinLength(1)),
  agent_id: Schema.String.check(Schema.isMinLength(1)),
  data: Schema.Unknown
})

const decodeEnvelope = Schema.decodeUnknownOption(Envelope)

const parse = (text: string): Option.Option<unknown> => Result.getSuccess(Result.try(() => ExactJson.parse(text)))

export interface EnvelopeContents {
  /** The document, as JSON text. */
  readonly data: string
}

const dataKey = /"data"\s*:\s*/
const onlyStringsBefore = /^\s*\{(?:\s*"(?:[^"\\]|\\.)*"\s*:\s*"(?:[^"\\]|\\.)*"\s*,)*\s*$/

/** The text after `"data":` up to the closing brace, when everything before it is plain strings. */
const slice = (text: string, data: unknown): string => {
  const found = dataKey.exec(text)
  const fallback = () => ExactJson.stringify(data)
  if (found === null || !onlyStringsBefore.test(text.slice(0, found.index))) return fallback()
  const document = text.slice(found.index + found[0].length, text.lastIndexOf("}")).trim()
  return isSame(document, data) ? document : fallback()
}

/** False when more keys follow `data`: the text up to the brace is then no document of its own. */
const isSame = (document: string, data: unknown): boolean =>
  Option.match(parse(document), {
    onNone: () => false,
    onSome: (parsed) => JSON.stringify(parsed) === JSON.stringify(data)
  })

/** An error per text that is no object at all costs more than the whole of one that is. */
const isObject = (text: string): boolean => /^\s*\{/.test(text)

/** None when the text is no envelope: an inventory, a heartbeat, or what an older peer sends. */
export const open = (text: string): Option.Option<EnvelopeContents> =>
  isObject(text)
    ? Option.map(Option.flatMap(parse(text), decodeEnvelope), ({ data }) => ({ data: slice(text, data) }))
    : Option.none()
