/**
 * Lets a program tell of itself through the event streams where `NATS_URL` says which, and to a collector where one of
 * the usual `OTEL_EXPORTER_OTLP_*` variables names it, which then gets the traces; otherwise it costs nothing, as nothing
 * of it is loaded.
 */
import { Config, Effect, Option, Redacted } from "effect"
import type { Program } from "./NatsReporting.ts"

const natsUrl = Config.option(Config.Redacted("NATS_URL"))

const collectors = ["", "_TRACES", "_METRICS"].map((signal) => `OTEL_EXPORTER_OTLP${signal}_ENDPOINT`)

const hasCollector = Effect.map(
  Effect.forEach(collectors, (name) => Config.option(Config.URL(name))),
  (named) => named.some(Option.isSome)
)

/** Runs the program, and beside it what tells of it. */
export const withReporting = (program: Program) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const exported = (yield* hasCollector)
      ? Effect.provide(effect, (yield* Effect.promise(() => import("./OtlpExport.ts"))).layer(program))
      : effect
    const url = Option.filter(yield* natsUrl, (some) => Redacted.value(some).trim() !== "")
    if (Option.isNone(url)) return yield* exported
    const reporting = yield* Effect.promise(() => import("./NatsReporting.ts"))
    return yield* reporting.beside(program, exported)
  })
