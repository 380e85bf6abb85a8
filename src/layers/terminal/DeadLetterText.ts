/**
 * Dead letters as a person reads them: many as a table, one with everything about it.
 *
 * A payload is shown as indented JSON when it is JSON, as text when it is text, and else as a hex dump of its beginning.
 */
import { DateTime, Option, Result } from "effect"
import { parse } from "../../domain/events/decode/Json.ts"
import type { DeadLetter, DeadLetterSummary } from "../../domain/events/stream/DeadLetter.ts"
import * as Elapsed from "./Elapsed.ts"
import * as HexDump from "./HexDump.ts"
import * as JsonText from "./JsonText.ts"
import * as Style from "./Style.ts"
import * as TextTable from "./TextTable.ts"

const hexBytesMax = 4_096

const columnsAt = (nowMillis: number): ReadonlyArray<TextTable.Column<DeadLetterSummary>> => [
  // Whole, because it is copied into the next command.
  { title: "ID", text: (letter) => letter.id, columnsMax: Number.POSITIVE_INFINITY },
  {
    title: "AGE",
    text: (letter) => Elapsed.format(nowMillis - letter.deadLetteredAtMillis),
    columnsMax: 10,
    isRight: true
  },
  { title: "REASON", text: (letter) => letter.failure.reason, columnsMax: 9 },
  { title: "SUBJECT", text: (letter) => letter.subject, columnsMax: 36 },
  { title: "PLACE", text: (letter) => letter.failure.place, columnsMax: 24 },
  { title: "ERROR", text: (letter) => letter.failure.error, columnsMax: 160 }
]

export interface DrawOptions {
  readonly style: Style.Style
  readonly nowMillis: number
  /** Lines are cut here. */
  readonly columns: number
}

export const table = (
  letters: ReadonlyArray<DeadLetterSummary>,
  { columns, nowMillis, style }: DrawOptions
): ReadonlyArray<string> => TextTable.draw(columnsAt(nowMillis), letters, { style, columns })

/** With microseconds, which `Date` cannot hold. */
const isoOfMicros = (micros: number): string => {
  const moment = DateTime.make(Math.floor(micros / 1_000_000) * 1_000)
  if (Option.isNone(moment)) return `${micros} µs`
  const fraction = (Math.floor(micros) % 1_000_000).toString().padStart(6, "0")
  return DateTime.formatIso(moment.value).replace(/\.\d+Z$/, `.${fraction}Z`)
}

const isoOfMillis = (millis: number): string => isoOfMicros(millis * 1_000)

const number = (value: number): string => value.toLocaleString("en-US")

const plural = (count: number, one: string, many: string): string => `${number(count)} ${count === 1 ? one : many}`

type Payload =
  | { readonly kind: "json" | "text"; readonly text: string }
  | { readonly kind: "binary" }

const decoder = new TextDecoder("utf-8", { fatal: true })
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g

const payloadOf = (data: Uint8Array): Payload => {
  const text = Result.try(() => decoder.decode(data))
  if (Result.isFailure(text)) return { kind: "binary" }
  // Refuses deep nesting, which indented would be larger than a string can be.
  const value = parse(text.success)
  if (Result.isSuccess(value)) return { kind: "json", text: text.success }
  return text.success.search(control) < 0 ? { kind: "text", text: text.success } : { kind: "binary" }
}

const payloadLines = (data: Uint8Array): ReadonlyArray<string> => {
  const payload = payloadOf(data)
  switch (payload.kind) {
    case "json":
      return JsonText.indent(payload.text).replaceAll(control, "").split("\n")
    case "text":
      return payload.text.split("\n")
    case "binary":
      return [
        ...HexDump.draw(data, hexBytesMax),
        ...(data.length > hexBytesMax ? [`… and ${number(data.length - hexBytesMax)} more bytes: --raw has all`] : [])
      ]
  }
}

const kindNames = { json: "JSON", text: "text", binary: "binary" } as const

/** Everything about one dead letter, and its payload. */
export const details = (letter: DeadLetter, style: Style.Style): ReadonlyArray<string> => {
  const { data, failure, headers } = letter
  const facts: ReadonlyArray<readonly [string, string]> = [
    ["id", letter.id],
    ["subject", letter.subject],
    ["stream", letter.stream === "" ? "none: no stream stores this subject" : letter.stream],
    ["sequence", `${letter.sequence} of ${letter.jetStream}`],
    ["stored", isoOfMicros(letter.storedAtMicros)],
    [
      "set aside",
      `${isoOfMillis(letter.deadLetteredAtMillis)}, after ${plural(letter.deliveries, "delivery", "deliveries")}`
    ],
    ["reason", failure.reason],
    ["place", failure.place === "" ? "-" : failure.place],
    ["error", failure.error]
  ]
  const nameColumns = Math.max(...headers.map(([name]) => Style.width(Style.clean(name))), 0)
  return [
    ...facts.map(([name, value]) => `${style.bold(name.padEnd(10))}${Style.clean(value)}`),
    "",
    style.bold(headers.length === 0 ? "no headers" : "headers"),
    ...headers.map(([name, value]) => `  ${Style.padEnd(Style.clean(name), nameColumns)}  ${Style.clean(value)}`),
    "",
    style.bold(`payload, ${plural(data.length, "byte", "bytes")}, ${kindNames[payloadOf(data).kind]}`),
    ...payloadLines(data)
  ]
}

/** One line of JSON for each dead letter. */
export const summaryJson = (letter: DeadLetterSummary): Record<string, unknown> => ({
  id: letter.id,
  stream: letter.stream,
  subject: letter.subject,
  jetStream: letter.jetStream,
  sequence: letter.sequence,
  storedAt: isoOfMicros(letter.storedAtMicros),
  deadLetteredAt: isoOfMillis(letter.deadLetteredAtMillis),
  deliveries: letter.deliveries,
  reason: letter.failure.reason,
  place: letter.failure.place,
  error: letter.failure.error,
  bytes: letter.bytes
})

/** The payload in base64, and as text where it is text. */
export const detailsJson = (letter: DeadLetter): Record<string, unknown> => {
  const payload = payloadOf(letter.data)
  return {
    ...summaryJson(letter),
    headers: letter.headers,
    dataBase64: Buffer.from(letter.data).toString("base64"),
    ...(payload.kind === "binary" ? {} : { text: payload.text })
  }
}
