/**
 * What the list of subjects and tables in a configuration file comes to.
 *
 * Where a message goes follows from its subject alone. So the list selects streams, may choose among the two tables for
 * flows, and may name a schema; a table that is not the subject's is refused rather than ignored. The one exception is
 * `events`, in every file of the first generation: those rows are in `ocsf_events` now.
 */
import { type FlowTable, flowTables, isStoredIn, type StreamName, streamNames, streams } from "../stream/Streams.ts"
import * as Subject from "../stream/Subject.ts"

export interface SubjectEntry {
  readonly subject: string
  readonly table: string
}

export interface Selection {
  readonly streams: ReadonlyArray<StreamName>
  readonly flowTable: FlowTable | undefined
  readonly schema: string | undefined
  /** Of these streams no others are consumed. Empty where a table was named and no subject: all of its stream. */
  readonly subjects: ReadonlyArray<string>
  /** Where the list says itself whose tables it means. */
  readonly tables: "current" | undefined
  /** What a rule engine takes: its results are asked for, these are not. */
  readonly superseded: ReadonlyArray<string>
}

export interface EntryProblem {
  readonly index: number
  readonly key: "subject" | "table"
  readonly expectation: string
}

/** Of the first generation, and where its rows are now. */
const [eventsTable] = streams.EVENTS.tables["go-1.0.76"]
const [eventsTableNow] = streams.EVENTS.tables.current

/** `platform.logs` in its parts, quoted or not, as the existing writer splits it. */
const partsOf = (table: string): { readonly schema: string | undefined; readonly name: string } => {
  const parts = table.split(".").map((part) => part.trim().replace(/^"(.*)"$/, "$1")).filter((part) => part !== "")
  return { schema: parts.at(-2), name: parts.at(-1) ?? "" }
}

const routeOf = Subject.routeOfFilter

const isFlowTable = (name: string): name is FlowTable => flowTables.some((table) => table === name)

const processedSuffix = ".processed"

const supersededBy = (subjects: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...Subject.rawSubjects].filter((raw) => subjects.includes(`${raw}${processedSuffix}`) && !subjects.includes(raw))

export const problems = (entries: ReadonlyArray<SubjectEntry>): ReadonlyArray<EntryProblem> => {
  const schemas = new Set(entries.map(({ table }) => partsOf(table).schema).filter((schema) => schema !== undefined))
  const hasOurs = entries.some(({ subject }) => routeOf(subject) !== undefined)
  return entries.flatMap(({ subject, table }, index): ReadonlyArray<EntryProblem> => {
    const route = routeOf(subject)
    // Some other program's, unless there is nothing else in the list.
    if (route === undefined) {
      return hasOurs ? [] : [{ index, key: "subject", expectation: "a subject that one of the streams stores" }]
    }
    const { name, schema } = partsOf(table)
    if (!isStoredIn(route.stream, name)) {
      const tables = streams[route.stream].tables.current
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
  return streamNames.filter((stream) => isStoredIn(stream, name)).flatMap((stream) =>
    Subject.filterSubjects([stream]).slice(0, 1).map((subject) => ({ subject, table }))
  )
}

/** What is done otherwise than a valid list says. */
export const warnings = (entries: ReadonlyArray<SubjectEntry>): ReadonlyArray<string> => {
  const inEvents = entries.filter(({ table }) => partsOf(table).name === eventsTable).map(({ subject }) => subject)
  return [
    ...entries.filter(({ subject }) => routeOf(subject) === undefined).map(({ subject }) =>
      `${subject} is processed by nothing here: its messages stay in the stream`
    ),
    ...doubled(entries).map((raw) =>
      `${raw} is listed beside ${raw}${processedSuffix}, which has the same messages: it is left in the stream`
    ),
    ...(inEvents.length === 0 ? [] : [
      `${inEvents.join(", ")} go to ${eventsTable} where the database is one of v1.0.76, else to ocsf_events ` +
      "(EVENT_WRITER_TABLES)"
    ])
  ]
}

/** Raw subjects whose processed form is listed as well. */
const doubled = (entries: ReadonlyArray<SubjectEntry>): ReadonlyArray<string> => {
  const listed = new Set(entries.map(({ subject }) => subject.trim()))
  return [...listed].filter((subject) => Subject.rawSubjects.has(subject) && listed.has(`${subject}${processedSuffix}`))
}

/**
 * What the last Go writer added by itself when collectors began to publish under new names. Not all below the listed
 * subject, as a rule engine's results are there too.
 */
const renamed: Readonly<Record<string, ReadonlyArray<string>>> = {
  "otel.traces": ["otel.traces.raw"],
  "otel.traces.raw": ["otel.traces"],
  "otel.metrics": ["otel.metrics.raw", "otel.metrics.derived"]
}

const subjectsOf = (entries: ReadonlyArray<SubjectEntry>): ReadonlyArray<string> => {
  const left = doubled(entries)
  const listed = entries.map(({ subject }) => subject.trim())
    .filter((subject) => routeOf(subject) !== undefined && !left.includes(subject))
  return [...new Set(listed.flatMap((subject) => [subject, ...(renamed[subject] ?? [])]))]
}

/** Of a list without problems. */
export const selection = (entries: ReadonlyArray<SubjectEntry>, hasSubjects = true): Selection => {
  const routes = entries.map(({ subject }) => routeOf(subject)).filter((route) => route !== undefined)
  const wanted = new Set(routes.map((route) => route.stream))
  return {
    streams: streamNames.filter((stream) => wanted.has(stream)),
    flowTable: entries.map(({ table }) => partsOf(table).name).find(isFlowTable),
    schema: entries.map(({ table }) => partsOf(table).schema).find((schema) => schema !== undefined),
    subjects: hasSubjects ? subjectsOf(entries) : [],
    tables: entries.some(({ table }) => partsOf(table).name === eventsTableNow) ? "current" : undefined,
    superseded: supersededBy(routes.map((route) => route.subject))
  }
}
