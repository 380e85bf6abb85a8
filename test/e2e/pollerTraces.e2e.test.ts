/** A poll's trace as a collector gets it: from the poller's schedule through the agent to core's acknowledgement. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as fs from "node:fs/promises"
import * as http from "node:http"
import * as path from "node:path"
import { ExportTraceServiceRequest } from "../../src/gen/opentelemetry/proto/collector/trace/v1/trace_service.ts"
import type { KeyValue } from "../../src/gen/opentelemetry/proto/common/v1/common.ts"
import type { Span } from "../../src/gen/opentelemetry/proto/trace/v1/trace.ts"
import * as FakeCore from "../fixtures/FakeCore.ts"
import * as Program from "../support/Program.ts"
import { temporaryFolder } from "../support/temporaryFolder.ts"

interface Exported {
  readonly service: string
  readonly span: Span
}

const textOf = (attribute: KeyValue | undefined): string => {
  const value = attribute?.value?.value
  return value?.$case === "stringValue" ? value.value : ""
}

/** Takes what exporters send. */
const collector = Effect.gen(function*() {
  const spans: Array<Exported> = []
  const paths = new Set<string>()
  const server = http.createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      paths.add(request.url ?? "")
      if (request.url === "/v1/traces") {
        for (const { resource, scopeSpans } of ExportTraceServiceRequest.decode(Buffer.concat(chunks)).resourceSpans) {
          const service = textOf(resource?.attributes.find(({ key }) => key === "service.name"))
          spans.push(...scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ service, span }))))
        }
      }
      response.end()
    })
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((done) => void server.listen(0, "127.0.0.1", done))),
    () =>
      Effect.promise(() =>
        new Promise<void>((done) => {
          server.close(() => done())
          server.closeAllConnections()
        })
      )
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return { url: `http://127.0.0.1:${port}`, spans, paths }
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

describe("A trace of a poll", () => {
  it.live(
    "begins with the schedule, goes on in the agent, and ends with core's acknowledgement",
    () =>
      Effect.gen(function*() {
        const folder = yield* temporaryFolder
        const { paths, spans, url } = yield* collector
        const core = yield* FakeCore.serve({ takesParts: true })
        const port = yield* Program.freePort
        const file = (name: string) => path.join(folder, name)
        yield* Effect.promise(() =>
          fs.writeFile(
            file("agent.json"),
            JSON.stringify({ agent_id: "edge-1", listen_addr: `127.0.0.1:${port}` })
          )
        )
        yield* Effect.promise(() =>
          fs.writeFile(
            file("poller.json"),
            JSON.stringify({
              poller_id: "poller-1",
              source_ip: "127.0.0.1",
              core_address: core.address,
              poll_interval: "1s",
              agents: {
                "edge-1": {
                  address: `127.0.0.1:${port}`,
                  checks: [{ service_type: "port", service_name: "own", details: `127.0.0.1:${port}` }]
                }
              }
            })
          )
        )
        const env = {
          NATS_URL: "",
          OTEL_EXPORTER_OTLP_ENDPOINT: url,
          OTEL_BSP_SCHEDULE_DELAY: "200",
          OTEL_METRIC_EXPORT_INTERVAL: "500"
        }
        const programs = [
          yield* Program.start(["agent", "--config", file("agent.json"), "--http", "off"], { env }),
          yield* Program.start(["poller", "--config", file("poller.json"), "--http", "off"], { env })
        ]
        const whole = yield* Program.eventually(
          "a whole trace",
          Effect.sync(() => {
            const traces = Map.groupBy(spans, ({ span }) => hex(span.traceId)).values()
            return Option.fromUndefinedOr(
              traces.find((trace) =>
                trace.some(({ span }) => span.name === "CoreReporter.deliver") &&
                trace.some(({ service }) => service === "serviceradar-agent")
              )
            )
          }),
          { within: "90 seconds", programs }
        )
        yield* Program.eventually(
          "metrics",
          Effect.sync(() => paths.has("/v1/metrics") ? Option.some(true) : Option.none()),
          { within: "60 seconds", programs }
        )

        const root = whole.find(({ span }) => span.name === "CheckScheduler.poll")
        const delivery = whole.find(({ span }) => span.name === "CoreReporter.deliver")
        assert.strictEqual(root?.service, "serviceradar-poller")
        assert.strictEqual(hex(root?.span.parentSpanId ?? new Uint8Array()), "")
        assert.strictEqual(
          hex(delivery?.span.parentSpanId ?? new Uint8Array()),
          hex(root?.span.spanId ?? new Uint8Array())
        )
        assert.isTrue(
          delivery?.span.attributes.some(({ key, value }) => key === "report.delivered" && value?.value?.value === true)
        )
      }).pipe(Effect.scoped),
    90_000
  )
})
