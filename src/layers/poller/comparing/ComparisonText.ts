/** Two pollers side by side as a person reads it: a table of checks, then what differs. */
import type { CheckComparison, SideSummary } from "../../../domain/poller/comparing/PollerComparison.ts"
import type { Compared } from "../../../services/poller/comparing/PollerComparing.ts"
import * as TerminalStyle from "../../terminal/Style.ts"
import * as TextTable from "../../terminal/TextTable.ts"

const availability = ({ available, samples }: SideSummary): string =>
  samples === 0 ? "–" : `${Math.round(available / samples * 1000) / 10} % of ${samples}`

const millis = (value: number): string => value < 10 ? value.toFixed(2) : value.toFixed(0)

const latency = ({ latencyMillis }: SideSummary): string =>
  latencyMillis === null ? "–" : `${millis(latencyMillis.p50)} / ${millis(latencyMillis.p95)} ms`

const columns: ReadonlyArray<TextTable.Column<CheckComparison>> = [
  { title: "AGENT", text: ({ agentId }) => agentId, columnsMax: 24 },
  { title: "CHECK", text: ({ serviceName, serviceType }) => `${serviceType} ${serviceName}`, columnsMax: 32 },
  { title: "LEFT UP", text: ({ left }) => availability(left), columnsMax: 18, isRight: true },
  { title: "RIGHT UP", text: ({ right }) => availability(right), columnsMax: 18, isRight: true },
  { title: "LEFT P50 / P95", text: ({ left }) => latency(left), columnsMax: 20, isRight: true },
  { title: "RIGHT P50 / P95", text: ({ right }) => latency(right), columnsMax: 20, isRight: true },
  { title: "DIFFERS", text: ({ differences }) => differences.join(", ") || "–", columnsMax: 40 }
]

const shown = (text: string | undefined): string => text === undefined ? "–" : TerminalStyle.clean(text)

/** Paths of one check that are shown. */
const pathsMax = 10

const details = (
  style: TerminalStyle.Style,
  { agentId, payload, serviceName, serviceType }: CheckComparison
): ReadonlyArray<string> =>
  payload.length === 0 ? [] : [
    "",
    style.bold(TerminalStyle.clean(`${agentId}: ${serviceType} ${serviceName}`)),
    ...payload.slice(0, pathsMax).map(({ kind, left, path, right, state }) =>
      `  ${TerminalStyle.clean(path) || "the message"} (${state}): ${
        kind === "value" || kind === "type"
          ? `${kind} ${shown(left)} on the left, ${shown(right)} on the right`
          : kind
      }`
    ),
    ...(payload.length > pathsMax ? [`  and ${payload.length - pathsMax} more, see --json`] : [])
  ]

export const isEqual = ({ differences }: CheckComparison): boolean => differences.length === 0

export const draw = (
  { checks, range }: Compared,
  options: { readonly style: TerminalStyle.Style; readonly columns: number }
): ReadonlyArray<string> => {
  const { style } = options
  const differing = checks.filter((one) => !isEqual(one)).length
  const paint = (one: CheckComparison, line: string) => isEqual(one) ? style.good(line) : style.bad(line)
  return [
    ...TextTable.draw(columns, checks, { ...options, paint }),
    ...checks.flatMap((one) => details(style, one)),
    "",
    style.dim(`from ${new Date(range.firstMillis).toISOString()} to ${new Date(range.lastMillis).toISOString()}`),
    `${checks.length} checks, ${differing} of them ${differing === 1 ? "differs" : "differ"}`
  ]
}
