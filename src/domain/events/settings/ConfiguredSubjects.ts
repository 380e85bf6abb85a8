/**
 * What the list of subjects and tables in a configuration file comes to.
 *
 * Where a message goes follows from its subject alone. So the list selects streams, may choose among the two tables for
 * flows, and may name a schema; a table that is not the subject's is refused rather than ignored. The one exception is
 * `events`, in every file of the first generation: those rows are in `ocsf_events` now.
 */
import type { TableName } from "../rows/Tables.ts"
import * as Subject from "../stream/Subject.ts"

export interface SubjectEntry {
  readonly subject: string
  readonly table: string
}

export const flowTables = ["ocsf_network_activity", "netflow_metrics"] as const
export type FlowTable = typeof flowTables[number]

export const tablesOf: Readonly<Record<Subject.StreamName, ReadonlyArray<TableName>>> = {
  TELEMETRY: ["timeseries_metrics"],
  EVENTS: ["ocsf_events"],
  SWEEP: ["sweep_host_states"],
  NETFLOW: flowTables,
  OTEL_METRICS: ["otel_metrics"],
  OTEL_TRACES: ["otel_traces"],
  LOGS: ["logs"]
}

export interface Selection {
  readonly streams: ReadonlyArray<Subject.StreamName>
  readonly flowTable: FlowTable | undefined
  readonly schema: string | undefined
  /** What a rule engine takes: its results are asked for, these are not. */
  readonly superseded: ReadonlyArray<string>
}

export interface EntryProblem {
  readonly index: number
  readonly key: "subject" | "table"
  readonly expectation: string
}

const eventsTable = "events"

/** `platform.logs` in its parts, quoted or not, as the existing writer splits it. */
const partsOf = (table: string): { readonly schema: string | undefined; readonly name: string } => {
  const parts = table.split(".").map((part) => part.trim().replace(/^"(.*)"$/, "$1")).filter((part) => part !== "")
  return { schema: parts.at(-2), name: parts.at(-1) ?? "" }
}

const routeOf = (subject: string): Subject.Route | undefined => Subject.route(subject.trim().replace(/\.[>*]$/, ""))

const isFlowTable = (name: string): name is FlowTable => flowTables.some((table) => table === name)

const processedSuffix = ".processed"

const supersededBy = (subjects: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...Subject.rawSubjects].filter((raw) => subjects.includes(`${raw}${processedSuffix}`) && !subjects.includes(raw))

export const problems = (entries: ReadonlyArray<SubjectEntry>): ReadonlyArray<EntryProblem> => {
  const schemas = new Set(entries.map(({ table }) => partsOf(table).schema).filter((schema) => schema !== undefined))
  return entries.flatMap(({ subject, table }, index): ReadonlyArray<EntryProblem> => {
    const route = routeOf(subject)
    if (route === undefined) return [{ index, key: "subject", expectation: "a subject that one of the streams stores" }]
    const tables: ReadonlyArray<string> = tablesOf[route.stream]
    const { name, schema } = partsOf(table)
    if (!tables.includes(name) && !(route.stream === "EVENTS" && name === eventsTable)) {
      return [{ index, key: "table", expectation: `${tables.join(" or ")}, where ${route.stream} is stored` }]
    }
    return schema !== undefined && schemas.size > 1
      ? [{ index, key: "table", expectation: "tables of one schema" }]
      : []
  })
}

/** What a table without a subject means: all that is stored in it; nothing for a table that is none of ours. */
export const ofTable = (table: string): ReadonlyArray<SubjectEntry> => {
  const { name } = partsOf(table)
  const isStoredIn = (stream: Subject.StreamName) =>
    tablesOf[stream].some((one) => one === name) || (stream === "EVENTS" && name === eventsTable)
  return Subject.streamNames.filter(isStoredIn).flatMap((stream) =>
    Subject.filterSubjects([stream]).slice(0, 1).map((subject) => ({ subject, table }))
  )
}

/** What is done otherwise than a valid list says. */
export const warnings = (entries: ReadonlyArray<SubjectEntry>): ReadonlyArray<string> =>
  entries
    .filter(({ table }) => partsOf(table).name === eventsTable)
    .map(({ subject }) => `${subject} is stored in ocsf_events, not in ${eventsTable}`)

/** Of a list without problems. */
export const selection = (entries: ReadonlyArray<SubjectEntry>): Selection => {
  const routes = entries.map(({ subject }) => routeOf(subject)).filter((route) => route !== undefined)
  const wanted = new Set(routes.map((route) => route.stream))
  return {
    streams: Subject.streamNames.filter((stream) => wanted.has(stream)),
    flowTable: entries.map(({ table }) => partsOf(table).name).find(isFlowTable),
    schema: entries.map(({ table }) => partsOf(table).schema).find((schema) => schema !== undefined),
    superseded: supersededBy(routes.map((route) => route.subject))
  }
}
