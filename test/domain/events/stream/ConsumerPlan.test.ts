import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as ConsumerPlan from "../../../../src/domain/events/stream/ConsumerPlan.ts"
import { type StreamName, streamNames } from "../../../../src/domain/events/stream/Streams.ts"
import { route } from "../../../../src/domain/events/stream/Subject.ts"
import * as SubjectPattern from "../../../../src/domain/events/stream/SubjectPattern.ts"

const stream = fc.constantFrom(...streamNames)
const tenants = fc.constantFrom([], ["*"], ["acme"], ["acme", "globex"])
const root = fc.constantFrom(
  "telemetry",
  "events",
  "events.otel.logs",
  "logs",
  "logs.snmp",
  "otel.traces",
  "flows",
  "x"
)
const below = fc.constantFrom("", ".a", ".raw.b", ".processed")
const front = fc.constantFrom("", "acme.", "globex.", "initech.")
const subject = fc.tuple(front, root, below).map((parts) => parts.join(""))
const streamSubject = fc.oneof(
  subject,
  fc.tuple(front, root).map(([before, name]) => `${before}${name}.>`),
  fc.constantFrom(">", "*.>", "otel.>", "*.logs.>")
)
const options = fc.record({
  stream,
  consumer: fc.constant("writer"),
  tenants,
  jetStream: fc.record({
    name: fc.constant("events"),
    subjects: fc.array(streamSubject, { minLength: 1, maxLength: 4 })
  })
})

const isMatched = (patterns: ReadonlyArray<string>, text: string): boolean =>
  patterns.some((pattern) => SubjectPattern.covers(pattern, text))

/** Of one durable, as the server sees it. */
const brings = (consumer: ConsumerPlan.PlannedConsumer, held: ReadonlyArray<string>, text: string): boolean =>
  isMatched(held, text) && (consumer.filter === undefined || SubjectPattern.covers(consumer.filter, text))

type Plan = [
  StreamName,
  ReadonlyArray<string>,
  ReadonlyArray<readonly [durable: string, filter: string | undefined]>
]

const plans: ReadonlyArray<Plan> = [
  ["TELEMETRY", ["telemetry", "telemetry.>"], [["writer-telemetry", undefined]]],
  ["TELEMETRY", ["telemetry.>", "x.>"], [["writer-telemetry", "telemetry.>"]]],
  ["OTEL_TRACES", ["events.>", "otel.>"], [
    ["writer-otel-traces-events_otel_traces", "events.otel.traces"],
    ["writer-otel-traces-events_otel_traces_=all", "events.otel.traces.>"],
    ["writer-otel-traces-otel_traces", "otel.traces"],
    ["writer-otel-traces-otel_traces_=all", "otel.traces.>"]
  ]],
  ["SWEEP", ["logs.>"], []]
]

describe("ConsumerPlan", () => {
  it("brings what is wanted and in the stream, and nothing else", () => {
    fc.assert(
      fc.property(options, subject, (options, text) => {
        const held = options.jetStream.subjects
        const consumers = ConsumerPlan.make(options)
        const isWanted = isMatched(held, text) && isMatched(ConsumerPlan.wanted(options.stream, options.tenants), text)
        assert.strictEqual(consumers.some((consumer) => brings(consumer, held, text)), isWanted)
      }),
      { numRuns: 5_000 }
    )
  })

  it("filters by what the stream has, or the server refuses it", () => {
    fc.assert(
      fc.property(options, (options) => {
        for (const { filter } of ConsumerPlan.make(options)) {
          if (filter === undefined) continue
          assert.isTrue(options.jetStream.subjects.some((held) => SubjectPattern.covers(held, filter)))
        }
      }),
      { numRuns: 5_000 }
    )
  })

  it("names each durable apart, with names that JetStream takes", () => {
    fc.assert(
      fc.property(options, (options) => {
        const names = ConsumerPlan.make(options).map(({ durable }) => durable)
        assert.strictEqual(new Set(names).size, names.length)
        assert.isTrue(names.every((name) => /^[A-Za-z0-9_=-]+$/.test(name)))
      }),
      { numRuns: 2_000 }
    )
  })

  it("escapes no two texts to the same name", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "-", "_", ".", "*", ">", "=", "5", "f", "ü", "any"),
      maxLength: 6
    })
    fc.assert(
      fc.property(text, text, (left, right) => {
        assert.strictEqual(ConsumerPlan.escapeName(left) === ConsumerPlan.escapeName(right), left === right)
      }),
      { numRuns: 5_000 }
    )
  })

  it.each(plans)("plans for %s in a stream of %j: %j", (stream, subjects, expected) => {
    const jetStream = { name: "events", subjects }
    const plan = ConsumerPlan.make({ stream, consumer: "writer", tenants: [], jetStream })
    assert.deepStrictEqual(new Map(plan.map(({ durable, filter }) => [durable, filter])), new Map(expected))
  })

  it("makes streams that share no subject and hold all of each logical stream", () => {
    fc.assert(
      fc.property(fc.constantFrom([], ["acme"], ["acme", "globex"]), subject, (tenants, text) => {
        const made = streamNames.map((name) => ConsumerPlan.streamSubjects(name, streamNames, tenants))
        const all = made.flat()
        for (const [at, one] of all.entries()) {
          assert.isFalse(all.slice(at + 1).some((other) => SubjectPattern.overlaps(one, other)), one)
        }
        const found = route(text)
        const isNamed = found?.tenant === undefined || tenants.some((tenant) => tenant === found.tenant)
        if (found !== undefined && isNamed) assert.isTrue(isMatched(all, text), text)
      }),
      { numRuns: 100 }
    )
  })
})
