import { assert, describe, it } from "@effect/vitest"
import * as ConfiguredSubjects from "../../../../src/domain/events/settings/ConfiguredSubjects.ts"
import { goTableNames, tableNames } from "../../../../src/domain/events/storing/TablePolicy.ts"
import { flowTableOf, streamNames, streams } from "../../../../src/domain/events/stream/Streams.ts"
import * as Subject from "../../../../src/domain/events/stream/Subject.ts"

describe("The table of streams", () => {
  it("leads each subject, and each raw one, to the stream in whose row it stands", () => {
    for (const stream of streamNames) {
      for (const subject of [...streams[stream].subjects, ...streams[stream].raw]) {
        assert.strictEqual(Subject.route(subject)?.stream, stream, subject)
        assert.strictEqual(Subject.route(`${subject}.below`)?.stream, stream, subject)
        assert.deepInclude(Subject.route(`acme.${subject}`), { stream, tenant: "acme", subject })
      }
    }
  })

  it("has each table of the current form in one row, and a file may name each of them", () => {
    const current = streamNames.flatMap((stream) => streams[stream].tables.current)

    assert.sameMembers(current, [...tableNames])
    for (const stream of streamNames) {
      for (const table of [...streams[stream].tables.current, ...streams[stream].tables["go-1.0.76"]]) {
        const [subject] = streams[stream].subjects
        assert.deepStrictEqual(ConfiguredSubjects.problems([{ subject, table }]), [], table)
      }
    }
  })

  it("knows what the Go writer fills, and where flows go in either form", () => {
    assert.sameMembers([...goTableNames], ["events", "logs", "otel_metrics", "otel_traces"])
    assert.strictEqual(flowTableOf("current"), "ocsf_network_activity")
    assert.strictEqual(flowTableOf("go-1.0.76"), "netflow_metrics")
  })
})
