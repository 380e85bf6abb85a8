/** A check's result on a terminal, or as JSON for a script. */
import { Duration, Option, Schema } from "effect"
import * as GoDuration from "../../domain/config/GoDuration.ts"
import * as PrintableText from "../../domain/config/PrintableText.ts"
import * as Style from "../../layers/terminal/Style.ts"
import * as TimingBars from "../../layers/terminal/TimingBars.ts"

export interface Line {
  readonly serviceName: string
  readonly serviceType: string
  readonly available: boolean
  readonly responseTimeNanos: number
  readonly message: unknown
  readonly at: string
}

export interface Form {
  readonly json: boolean
  readonly explain: boolean
  readonly watch: boolean
  readonly style: Style.Style
}

const valueColumnsMax = 100

const decodeTimed = Schema.decodeUnknownOption(
  Schema.Struct({ timings: Schema.Record(Schema.String, Schema.Finite) })
)
const decodeFailed = Schema.decodeUnknownOption(Schema.Struct({ error: Schema.String }))
const decodeMembers = Schema.decodeUnknownOption(Schema.Record(Schema.String, Schema.Unknown))

const timeOf = ({ responseTimeNanos }: Line): string => GoDuration.format(Duration.nanos(BigInt(responseTimeNanos)))

const statusOf = ({ available }: Line, style: Style.Style): string =>
  available ? style.good("available") : style.bad("not available")

const aligned = (rows: ReadonlyArray<readonly [string, string]>, columns: number): ReadonlyArray<string> =>
  rows.map(([name, value]) => `${name.padEnd(columns)}${value}`)

/** The steps of the check, or all of it as one where it has none. */
const bars = ({ message, responseTimeNanos }: Line, style: Style.Style): ReadonlyArray<string> =>
  TimingBars.draw(
    Option.match(decodeTimed(message), {
      onNone: () => ({ total: responseTimeNanos }),
      onSome: ({ timings }) => timings
    }),
    style
  )

/** Each key of the message on a line of its own, and the steps as bars. */
const explained = (line: Line, style: Style.Style): ReadonlyArray<string> => {
  const members = Object.entries(Option.getOrElse(decodeMembers(line.message), () => ({ message: line.message })))
    .filter(([name]) => name !== "timings" && name !== "response_time")
    .map(([name, value]): readonly [string, string] => [
      Style.clean(name),
      Style.fit(Style.clean(typeof value === "string" ? value : JSON.stringify(value)), valueColumnsMax)
    ])
  const columns = Math.max(0, ...members.map(([name]) => name.length)) + 2
  return ["", ...aligned(members, columns), "", ...bars(line, style)]
}

const table = (line: Line, { explain, style }: Form): string =>
  [
    ...aligned([
      ["check", `${line.serviceType} ${Style.clean(line.serviceName)}`],
      ["status", statusOf(line, style)],
      ["time", timeOf(line)],
      ["at", line.at]
    ], 9),
    ...(explain ? explained(line, style) : aligned([["message", PrintableText.json(line.message)]], 9))
  ].join("\n")

const oneLine = (line: Line, { explain, style }: Form): string => {
  const reason = Option.match(decodeFailed(line.message), {
    onNone: () => "",
    onSome: ({ error }) => Style.clean(error)
  })
  const first = [line.at, Style.padEnd(statusOf(line, style), "not available".length), timeOf(line), reason]
  return [first.join("  ").trimEnd(), ...(explain ? bars(line, style) : [])].join("\n")
}

export const render = (line: Line, form: Form): string => {
  if (form.watch) return form.json ? PrintableText.json(line) : oneLine(line, form)
  return form.json ? PrintableText.json([line]) : table(line, form)
}
