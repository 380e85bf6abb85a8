import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Layer, Metric, Result, Tracer } from "effect"
import { TestClock } from "effect/testing"
import type { TableRows } from "../../../src/domain/events/rows/Tables.ts"
import * as EventDecoder from "../../../src/layers/events/decode/EventDecoder.ts"
import * as OtlpPublication from "../../../src/layers/telemetry/OtlpPublication.ts"
import { EventPublisher } from "../../../src/services/events/EventPublisher.ts"
import { message } from "../events/decode/samples.ts"

class NoAnswer extends Data.TaggedError("NoAnswer") {
  override get message(): string {
    return "no answer"
  }
}

const decode = EventDecoder.make({ tenantDefault: "default" })

const publishing = () => {
  const published: Array<TableRows> = []
  const layer = Layer.succeed(EventPublisher, {
    offer: ({ data, subject }) => {
      published.push(Result.getOrThrow(decode(message(subject, data))).content)
    },
    keep: Effect.never
  })
  return {
    layer,
    spans: () => published.flatMap((content) => content.table === "otel_traces" ? content.rows : []),
    points: () => published.flatMap((content) => content.table === "otel_metrics" ? content.rows : [])
  }
}

const service = { serviceName: "serviceradar-poller", serviceVersion: "1.2.3" }

/** The spans that come of the effect, after the exporter's pause. */
const traced = <E>(effect: Effect.Effect<unknown, E>, options: Partial<OtlpPublication.TraceOptions> = {}) => {
  const publisher = publishing()
  const layer = OtlpPublication.layerTracer({ ...service, roots: new Set(["poll"]), ...options })
  return Effect.andThen(Effect.exit(effect), TestClock.adjust("2 seconds")).pipe(
    Effect.map(() => publisher.spans()),
    Effect.provide(Layer.provideMerge(layer, publisher.layer))
  )
}

const poll = (inner: Effect.Effect<unknown, unknown> = Effect.void) =>
  Effect.withSpan(Effect.withSpan(inner, "GetStatus", { kind: "client" }), "poll", { root: true })

describe("OtlpPublication", () => {
  it.effect("publishes a trace whole, with its service", () =>
    Effect.gen(function*() {
      const spans = yield* traced(poll())

      const [inner, root] = spans
      assert.deepStrictEqual(spans.map(({ name }) => name), ["GetStatus", "poll"])
      assert.strictEqual(inner?.trace_id, root?.trace_id)
      assert.strictEqual(inner?.parent_span_id, root?.span_id)
      assert.deepInclude(inner, {
        service_name: "serviceradar-poller",
        service_version: "1.2.3",
        kind: 3,
        status_code: 1
      })
    }))

  it.effect("marks what failed", () =>
    Effect.gen(function*() {
      const [inner] = yield* traced(poll(Effect.fail(new NoAnswer())))

      assert.deepInclude(inner, { name: "GetStatus", status_code: 2, status_message: "no answer" })
    }))

  it.effect("keeps no other traces, and nothing of the life around a trace", () =>
    Effect.gen(function*() {
      const life = Effect.withSpan(Effect.andThen(poll(), Effect.withSpan(Effect.void, "write")), "Up")

      assert.deepStrictEqual((yield* traced(life)).map(({ name }) => name), ["GetStatus", "poll"])
    }))

  it.effect("goes on with the trace of a peer", () =>
    Effect.gen(function*() {
      const peer = (sampled: boolean) =>
        Tracer.externalSpan({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled })
      const answer = (sampled: boolean) => Effect.withSpan(Effect.void, "answer", { parent: peer(sampled) })

      const [kept, ...more] = yield* traced(Effect.andThen(answer(true), answer(false)))

      assert.deepStrictEqual(more, [])
      assert.deepInclude(kept, { name: "answer", trace_id: "4bf92f3577b34da6a3ce929d0e0e4736" })
    }))

  it.effect("keeps so many traces a second", () =>
    Effect.gen(function*() {
      const spans = yield* traced(Effect.repeat(poll(), { times: 99 }), { limit: { perSecond: 1, burst: 10 } })

      assert.lengthOf(spans.filter(({ name }) => name === "poll"), 10)
    }))

  it.effect("publishes metrics soon, and then every half minute", () => {
    const publisher = publishing()
    return Effect.gen(function*() {
      const polls = Metric.counter("test_polls_total", { incremental: true })
      yield* Metric.update(polls, 3)
      yield* Effect.forkChild(OtlpPublication.publishMetrics(service), { startImmediately: true })
      yield* TestClock.adjust("5 seconds")
      yield* Metric.update(polls, 1)
      yield* TestClock.adjust("26 seconds")
      yield* TestClock.adjust("30 seconds")

      const points = publisher.points().filter(({ span_name }) => span_name === "test_polls_total")
      assert.deepStrictEqual(points.map(({ duration_ms }) => duration_ms), [3, 4, 4])
      assert.deepInclude(points[0], { service_name: "serviceradar-poller", metric_type: "sum" })
    }).pipe(Effect.provide(publisher.layer))
  })
})
