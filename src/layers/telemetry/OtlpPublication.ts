/**
 * Publishes a program's spans and metrics as OpenTelemetry's collector does: protobuf on `otel.traces.raw` and
 * `otel.metrics.raw`.
 *
 * Effect's own exporters do the work. They post over HTTP, so they are given a client for which a request's path is the
 * subject. Of all spans only the traces with a known root are kept, so many a second; the writer that stores the spans
 * thus never reports on itself.
 */
import { Effect, Layer, Option, Tracer } from "effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as TokenBucket from "../../domain/security/TokenBucket.ts"
import { EventPublisher } from "../../services/events/EventPublisher.ts"

export interface OtlpPublicationOptions {
  /** The name of the service that spans and metrics belong to. */
  readonly serviceName: string
  readonly serviceVersion: string
}

export interface KeptTraces {
  /** The names of the root spans whose traces are kept. */
  readonly roots: ReadonlySet<string>
  /** Default one in two seconds in the long run, 40 at once. */
  readonly limit?: { readonly perSecond: number; readonly burst: number }
}

export interface TraceOptions extends OtlpPublicationOptions, KeptTraces {}

const urlOf = (subject: string): string => `http://nats/${subject}`

const subjectOf = (url: URL): string => url.pathname.slice(1)

const client = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(EventPublisher, (publisher) =>
    HttpClient.make((request, url) =>
      Effect.sync(() => {
        const { body } = request
        if (body._tag === "Uint8Array") publisher.offer({ subject: subjectOf(url), data: body.body })
        return HttpClientResponse.fromWeb(request, new Response(null, { status: 200 }))
      })
    ))
)

const exporting = Layer.mergeAll(client, OtlpSerialization.layerProtobuf, OtlpExporter.layerFlusher)

const resourceOf = ({ serviceName, serviceVersion }: OtlpPublicationOptions) => ({ serviceName, serviceVersion })

const limitDefault = { perSecond: 0.5, burst: 40 }
/** A message of the server's default size limit holds many times as many. */
const spansMax = 200
const tracesEvery = "2 seconds"
const metricsEvery = "30 seconds"
/** After what is counted at the start. */
const metricsFirst = "5 seconds"

type SpanOptions = Parameters<Tracer.Tracer["span"]>[0]

/** A span belongs to a kept trace when its parent does, here or at a peer. */
export const keeping = (tracer: Tracer.Tracer, { limit, roots }: KeptTraces): Tracer.Tracer => {
  const kept = new WeakSet<Tracer.AnySpan>()
  const bucket = TokenBucket.make(limit ?? limitDefault)
  const isKept = ({ name, parent, sampled, startTime }: SpanOptions): boolean => {
    if (!sampled) return false
    if (Option.isNone(parent)) return roots.has(name) && bucket.take(Number(startTime / 1_000_000n))
    return parent.value._tag === "ExternalSpan" || kept.has(parent.value)
  }
  return Tracer.make({
    span: (options) => {
      const sampled = isKept(options)
      const span = tracer.span({ ...options, sampled })
      if (sampled) kept.add(span)
      return span
    }
  })
}

/** The tracer of everything that is built or run with it. */
export const layerTracer = (options: TraceOptions): Layer.Layer<never, never, EventPublisher> =>
  Layer.effect(
    Tracer.Tracer,
    Effect.map(
      OtlpTracer.make({
        url: urlOf("otel.traces.raw"),
        resource: resourceOf(options),
        exportInterval: tracesEvery,
        maxBatchSize: spansMax
      }),
      (tracer) => keeping(tracer, options)
    )
  ).pipe(Layer.provide(exporting))

/** Publishes all metrics soon after the start and then every half minute until interrupted; for a supervisor. */
export const publishMetrics = (options: OtlpPublicationOptions): Effect.Effect<never, never, EventPublisher> =>
  Effect.gen(function*() {
    yield* OtlpMetrics.make({
      url: urlOf("otel.metrics.raw"),
      resource: resourceOf(options),
      exportInterval: metricsEvery
    })
    yield* Effect.sleep(metricsFirst)
    yield* OtlpExporter.Flusher.use((flusher) => flusher.flush)
    return yield* Effect.never
  }).pipe(Effect.scoped, Effect.provide(exporting))
