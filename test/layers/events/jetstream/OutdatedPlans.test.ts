import { assert, describe, it } from "@effect/vitest"
import type { StreamName } from "../../../../src/domain/events/stream/Streams.ts"
import type { FoundStream } from "../../../../src/layers/events/jetstream/JetStreamStreams.ts"
import { OutdatedPlans } from "../../../../src/layers/events/jetstream/OutdatedPlans.ts"

const events: FoundStream = { name: "EVENTS", subjects: ["events.>"] }
const logs: FoundStream = { name: "LOGS", subjects: ["logs.>"] }
const open: FoundStream = { name: "all", subjects: [">"] }

/** As `logs.snmp` is a subject of EVENTS, and everything may be in an open stream. */
const hasSubjectsOf = (stream: StreamName, { name }: FoundStream) =>
  name === "all" || name === stream || (stream === "EVENTS" && name === "LOGS")

describe("OutdatedPlans", () => {
  it("are those of streams that were planned without one that has their subjects, until they are planned anew", () => {
    const plans = new OutdatedPlans(hasSubjectsOf)
    plans.planned("EVENTS", [events])
    plans.planned("SWEEP", [])
    assert.isFalse(plans.isOutdated("EVENTS"))

    plans.planned("LOGS", [logs])
    assert.deepStrictEqual([plans.isOutdated("EVENTS"), plans.isOutdated("LOGS"), plans.isOutdated("SWEEP")], [
      true,
      false,
      false
    ])

    plans.planned("EVENTS", [events, logs])
    assert.isFalse(plans.isOutdated("EVENTS"))
    assert.isFalse(plans.isOutdated("LOGS"))
    plans.planned("LOGS", [logs])
    assert.isFalse(plans.isOutdated("EVENTS"))
  })

  it("come to an end where streams seem to have what is not found in them", () => {
    const plans = new OutdatedPlans(hasSubjectsOf)
    const found = { EVENTS: [open], LOGS: [logs, open] } as const
    plans.planned("EVENTS", found.EVENTS)
    plans.planned("LOGS", found.LOGS)
    plans.planned("SWEEP", [])
    plans.planned("LOGS", found.LOGS)
    assert.isTrue(plans.isOutdated("SWEEP"))

    // It looks again, and finds none of it.
    plans.planned("SWEEP", [])
    plans.planned("EVENTS", found.EVENTS)
    plans.planned("LOGS", found.LOGS)
    assert.isFalse(plans.isOutdated("SWEEP"))
  })
})
