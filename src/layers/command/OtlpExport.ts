/**
 * Sends a program's traces and metrics to a collector over OTLP and HTTP, as the usual `OTEL_*` variables say.
 *
 * Of traces those are sent that begin with a poll, or at a peer that sends its own. Nothing waits for the collector, and
 * while it is away what is newest is kept, within bounds.
 */
import { ConfigProvider, Effect, Layer, Tracer } from "effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import { pollSpan } from "../../services/telemetry/PollObserver.ts"
import * as OtlpPublication from "../telemetry/OtlpPublication.ts"
import { packageVersion } from "./PackageVersion.ts"

/** A fleet of thousands makes more than anybody reads. */
const tracesMax = { perSecond: 20, burst: 200 }

/** What OpenTelemetry takes for granted where nothing is said; Effect wants to hear it. */
const usual = ConfigProvider.fromUnknown({ OTEL_TRACES_EXPORTER: "otlp", OTEL_METRICS_EXPORTER: "otlp" })

export const layer = (program: string): Layer.Layer<never> => {
  const resource = { serviceName: `serviceradar-${program}`, serviceVersion: packageVersion() }
  const kept = Layer.effect(
    Tracer.Tracer,
    Effect.map(
      Tracer.Tracer,
      (tracer) => OtlpPublication.keeping(tracer, { roots: new Set([pollSpan]), limit: tracesMax })
    )
  ).pipe(Layer.provide(OtlpTracer.layerFromConfig({ resource })))
  return Layer.mergeAll(kept, OtlpMetrics.layerFromConfig({ resource })).pipe(
    Layer.provide([FetchHttpClient.layer, OtlpSerialization.layerProtobuf, ConfigProvider.layerAdd(usual)])
  )
}
