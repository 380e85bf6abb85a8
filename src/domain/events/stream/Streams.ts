/**
 * The logical streams, one row each. What a message's subject, its table, the settings of a stream and the streams of the
 * Go writer are follows from here.
 */
import type { TableName } from "../rows/Tables.ts"
import type { TableForm } from "../storing/TableForm.ts"

/** The first is where rows go unless a setting says otherwise. */
type StreamTables = readonly [TableName, ...ReadonlyArray<TableName>]

interface StreamRow {
  /**
   * Subjects that it stores, each with everything below it. Where several streams have one in common, it belongs to the
   * stream that names it at the greatest length.
   */
  readonly subjects: readonly [string, ...ReadonlyArray<string>]
  /**
   * Of these, what a rule engine may take, publishing what it made of it under `<subject>.processed`: where it does, to
   * store both would store each of them twice in one table.
   */
  readonly raw: ReadonlyArray<string>
  readonly tables: Readonly<Record<TableForm, StreamTables>>
  /** Whether the Go writer of v1.0.76 fills its table of that form: written as it is there, and never changed. */
  readonly isFilledByGo: boolean
}

const rows = {
  TELEMETRY: {
    subjects: ["telemetry"],
    raw: [],
    tables: { current: ["timeseries_metrics"], "go-1.0.76": ["timeseries_metrics"] },
    isFilledByGo: false
  },
  EVENTS: {
    // A trap that no rule engine has seen is an event; what the engine made of it is a log.
    subjects: ["logs.snmp", "snmp.traps", "events"],
    raw: ["events.syslog"],
    tables: { current: ["ocsf_events"], "go-1.0.76": ["events"] },
    isFilledByGo: true
  },
  SWEEP: {
    subjects: ["sweep"],
    raw: [],
    tables: { current: ["sweep_host_states"], "go-1.0.76": ["sweep_host_states"] },
    isFilledByGo: false
  },
  NETFLOW: {
    subjects: ["netflow", "flows"],
    raw: [],
    tables: {
      current: ["ocsf_network_activity", "netflow_metrics"],
      "go-1.0.76": ["netflow_metrics", "ocsf_network_activity"]
    },
    isFilledByGo: false
  },
  OTEL_METRICS: {
    subjects: ["events.otel.metrics", "otel.metrics"],
    raw: [],
    tables: { current: ["otel_metrics"], "go-1.0.76": ["otel_metrics"] },
    isFilledByGo: true
  },
  OTEL_TRACES: {
    subjects: ["events.otel.traces", "otel.traces"],
    raw: [],
    tables: { current: ["otel_traces"], "go-1.0.76": ["otel_traces"] },
    isFilledByGo: true
  },
  LOGS: {
    subjects: ["events.otel.logs", "logs.snmp.processed", "otel.logs", "logs"],
    raw: ["logs.syslog", "logs.otel", "events.otel.logs"],
    tables: { current: ["logs"], "go-1.0.76": ["logs"] },
    isFilledByGo: true
  }
} as const satisfies Readonly<Record<string, StreamRow>>

export type StreamName = keyof typeof rows

export const streams: Readonly<Record<StreamName, StreamRow>> = rows

const isStreamName = (name: string): name is StreamName => Object.hasOwn(rows, name)

export const streamNames: ReadonlyArray<StreamName> = Object.keys(rows).filter(isStreamName)

/** The two tables for flows, of which a setting may choose. */
export const flowTables = rows.NETFLOW.tables.current
export type FlowTable = typeof flowTables[number]
/** Where flows go unless a setting says otherwise. */
export const flowTableOf = (form: TableForm): FlowTable => rows.NETFLOW.tables[form][0]

/** Whether rows of the stream are in a table of this name, in one form or another. */
export const isStoredIn = (stream: StreamName, table: string): boolean =>
  Object.values(streams[stream].tables).some((tables) => tables.some((one) => one === table))
