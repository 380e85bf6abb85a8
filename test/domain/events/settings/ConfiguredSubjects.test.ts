import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as ConfiguredSubjects from "../../../../src/domain/events/settings/ConfiguredSubjects.ts"
import * as ConsumerPlan from "../../../../src/domain/events/stream/ConsumerPlan.ts"
import { streamNames, streams } from "../../../../src/domain/events/stream/Streams.ts"
import * as Subject from "../../../../src/domain/events/stream/Subject.ts"
import * as SubjectPattern from "../../../../src/domain/events/stream/SubjectPattern.ts"

const problemsOf = (entries: ReadonlyArray<readonly [string, string]>) =>
  ConfiguredSubjects.problems(entries.map(([subject, table]) => ({ subject, table })))

const selectionOf = (entries: ReadonlyArray<readonly [string, string]>) =>
  ConfiguredSubjects.selection(entries.map(([subject, table]) => ({ subject, table })))

describe("ConfiguredSubjects", () => {
  it("accepts the shipped list of the last generation and sees its rule engine", () => {
    const entries = [
      ["events.ocsf.processed", "ocsf_events"],
      ["logs.syslog.processed", "logs"],
      ["logs.snmp.processed", "logs"],
      ["logs.otel.processed", "logs"],
      ["logs.internal.processed", "logs"],
      ["otel.traces", "otel_traces"],
      ["otel.metrics", "otel_metrics"],
      ["otel.metrics.raw", "otel_metrics"]
    ] as const

    assert.deepStrictEqual(problemsOf(entries), [])
    assert.deepStrictEqual(selectionOf(entries), {
      streams: ["EVENTS", "OTEL_METRICS", "OTEL_TRACES", "LOGS"],
      flowTable: undefined,
      schema: undefined,
      subjects: [
        "events.ocsf.processed",
        "logs.syslog.processed",
        "logs.snmp.processed",
        "logs.otel.processed",
        "logs.internal.processed",
        "otel.traces",
        "otel.traces.raw",
        "otel.metrics",
        "otel.metrics.raw",
        "otel.metrics.derived"
      ],
      tables: "current",
      superseded: ["logs.syslog", "logs.otel"]
    })
  })

  it("accepts the shipped list of the first generation, whose events are elsewhere now, and loses none of its logs", () => {
    const entries = [
      ["events.poller.health", "events"],
      ["events.syslog.processed", "events"],
      ["events.otel.logs", "logs"],
      ["events.otel.metrics.raw", "otel_metrics"]
    ] as const

    assert.deepStrictEqual(problemsOf(entries), [])
    // `events.otel.logs` is an input of an engine elsewhere; here it is what has to be stored.
    assert.deepStrictEqual(selectionOf(entries).superseded, ["events.syslog"])
    assert.deepStrictEqual(
      ConfiguredSubjects.warnings(entries.map(([subject, table]) => ({ subject, table }))),
      [
        "events.poller.health, events.syslog.processed go to events where the database is one of v1.0.76, else to " +
        "ocsf_events (EVENT_WRITER_TABLES)"
      ]
    )
  })

  it("consumes only what is listed (unlisted-otel-logs-processed.json, unlisted-snmp-traps.json)", () => {
    const { subjects } = selectionOf([
      ["events.poller.health", "events"],
      ["events.snmp.processed", "events"],
      ["events.otel.logs", "logs"],
      ["events.otel.metrics.raw", "otel_metrics"]
    ])

    const consumed = streamNames.flatMap((stream) => ConsumerPlan.wanted(stream, [], subjects))
    for (
      const unlisted of ["events.otel.logs.processed", "events.otel.metrics.raw.processed", "snmp.traps", "events.snmp"]
    ) {
      const isConsumed = ["EVENTS", "LOGS", "OTEL_METRICS"].some((stream) =>
        streamNames.some((name) =>
          name === stream && ConsumerPlan.wanted(name, [], subjects).some((one) => SubjectPattern.covers(one, unlisted))
        )
      )
      assert.isFalse(isConsumed, unlisted)
    }
    assert.include(consumed, "events.otel.logs")
  })

  it("leaves what is processed by nothing here in the stream, and of a raw subject and its processed one the raw", () => {
    const entries = [
      ["logs.syslog", "logs"],
      ["logs.syslog.processed", "logs"],
      ["falco.>", "ocsf_events"],
      ["trivy.report.>", "ocsf_events"],
      ["bmp.events.>", "bgp"],
      ["siem.events.>", "ocsf_events"]
    ] as const

    assert.deepStrictEqual(problemsOf(entries), [])
    assert.deepStrictEqual(selectionOf(entries).subjects, ["logs.syslog.processed"])
    const warnings = ConfiguredSubjects.warnings(entries.map(([subject, table]) => ({ subject, table })))
    assert.lengthOf(warnings, 5)
    assert.include(warnings[0] ?? "", "falco.> is processed by nothing here")
  })

  it("refuses subjects of no stream and tables that are not the subject's", () => {
    assert.deepStrictEqual(problemsOf([["inventory.>", "logs"]]), [
      { index: 0, key: "subject", expectation: "a subject that one of the streams stores" }
    ])
    assert.deepStrictEqual(problemsOf([["inventory.>", "logs"], ["logs.>", "otel_traces"], ["netflow.>", "flows"]]), [
      { index: 1, key: "table", expectation: "logs, where LOGS is stored" },
      { index: 2, key: "table", expectation: "ocsf_network_activity or netflow_metrics, where NETFLOW is stored" }
    ])
  })

  it("takes the flow table and the schema from the tables' names, of which there can be one schema", () => {
    assert.deepInclude(selectionOf([["netflow.>", " \"public\".\"netflow_metrics\" "]]), {
      flowTable: "netflow_metrics",
      schema: "public"
    })
    assert.deepStrictEqual(problemsOf([["logs.>", "a.logs"], ["otel.traces", "b.otel_traces"]]).map(({ key }) => key), [
      "table",
      "table"
    ])
  })

  it("finds the streams of a table that stands alone", () => {
    assert.deepStrictEqual(
      ["otel_metrics", "platform.logs", "events", "devices"].map((table) =>
        ConfiguredSubjects.selection(ConfiguredSubjects.ofTable(table)).streams
      ),
      [["OTEL_METRICS"], ["LOGS"], ["EVENTS"], []]
    )
  })

  it("selects the stream that the subject's messages are routed to, with and without a wildcard or a tenant", () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/)
    const subject = fc.tuple(
      fc.constantFrom(...streamNames).chain((stream) =>
        fc.constantFrom(...Subject.filterSubjects([stream])).map((filter) => ({ stream, filter }))
      ),
      fc.option(word.map((name) => `tenant-${name}`), { nil: undefined })
    )
    fc.assert(fc.property(subject, ([{ filter, stream }, tenant]) => {
      const entry = {
        subject: tenant === undefined ? filter : `${tenant}.${filter}`,
        table: streams[stream].tables.current[0]
      }

      assert.deepStrictEqual(ConfiguredSubjects.problems([entry]), [])
      assert.deepStrictEqual(ConfiguredSubjects.selection([entry]).streams, [stream])
    }))
  })
})
