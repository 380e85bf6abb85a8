import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { streamNames } from "../../../../src/domain/events/stream/Streams.ts"
import * as Subject from "../../../../src/domain/events/stream/Subject.ts"

const Token = Schema.String.check(Schema.isPattern(/^[a-z0-9_-]{1,12}$/))
const Tenant = Token.check(Schema.makeFilter(Subject.isTenantName))
const Below = Schema.Array(Token).check(Schema.isMaxLength(4))
const Filter = Schema.Literals(streamNames.flatMap((name) => Subject.filterSubjects([name])))

/** Whether a NATS subject filter covers the subject. */
const covers = (filter: string, subject: string): boolean =>
  filter.endsWith(".>")
    ? subject.startsWith(filter.slice(0, -1)) && subject.length > filter.length - 1
    : filter === subject

describe("Subject", () => {
  it.each([
    ["telemetry", "TELEMETRY"],
    ["telemetry.snmp.if", "TELEMETRY"],
    ["events.ocsf.processed", "EVENTS"],
    ["events.syslog.processed", "EVENTS"],
    ["events.poller.health", "EVENTS"],
    ["snmp.traps", "EVENTS"],
    ["logs.snmp", "EVENTS"],
    ["sweep.results", "SWEEP"],
    ["netflow", "NETFLOW"],
    ["flows.raw.netflow", "NETFLOW"],
    ["flows.raw.sflow", "NETFLOW"],
    ["otel.metrics", "OTEL_METRICS"],
    ["otel.metrics.raw", "OTEL_METRICS"],
    ["otel.metrics.derived", "OTEL_METRICS"],
    ["events.otel.metrics.raw", "OTEL_METRICS"],
    ["otel.traces", "OTEL_TRACES"],
    ["otel.traces.raw", "OTEL_TRACES"],
    ["events.otel.traces", "OTEL_TRACES"],
    ["events.otel.logs", "LOGS"],
    ["logs.otel.processed", "LOGS"],
    ["logs.snmp.processed", "LOGS"],
    ["logs.internal.audit", "LOGS"]
  ])("leads %s to %s", (subject, stream) => {
    assert.strictEqual(Subject.route(subject)?.stream, stream)
    assert.strictEqual(Subject.route(subject)?.tenant, undefined)
  })

  it.each(["", "other", "a.b.c", "telemetryx", "otel", "otel.profiles", ".telemetry", "acme", "acme."])(
    "knows no stream for %j",
    (subject) => {
      assert.strictEqual(Subject.route(subject), undefined)
    }
  )

  it("takes a tenant's name off the front", () => {
    assert.deepStrictEqual(Subject.route("acme.logs.otel"), {
      stream: "LOGS",
      tenant: "acme",
      subject: "logs.otel"
    })
  })

  it.effect.prop(
    "leads every subject under a filter to one stream, and back to the subject",
    [Filter, Below, Tenant],
    ([
      filter,
      below,
      tenant
    ]) =>
      Effect.sync(() => {
        const subject = filter.endsWith(">") ? [filter.slice(0, -2), ...below].join(".") : filter
        const bare = Subject.route(subject)
        const prefixed = Subject.route(`${tenant}.${subject}`)

        assert.strictEqual(bare?.subject, subject)
        assert.deepStrictEqual(prefixed, bare === undefined ? undefined : { ...bare, tenant })
        assert.strictEqual(prefixed && Subject.format(prefixed), `${tenant}.${subject}`)
        assert.isTrue(
          streamNames.some((name) =>
            name === bare?.stream && Subject.filterSubjects([name]).some((one) => covers(one, subject))
          )
        )
      })
  )

  it.effect.prop(
    "leaves any other subject as it is",
    [Schema.String],
    ([subject]) =>
      Effect.sync(() => {
        const route = Subject.route(subject)
        if (route !== undefined) assert.strictEqual(Subject.format(route), subject)
      })
  )
})
