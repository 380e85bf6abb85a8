/**
 * Lets a program tell of itself through the event streams where `NATS_URL` says which; otherwise it costs nothing, as
 * nothing of it is loaded.
 */
import { Config, Effect, Option, Redacted } from "effect"
import type { Program } from "./NatsReporting.ts"

const natsUrl = Config.option(Config.Redacted("NATS_URL"))

/** Runs the program, and beside it what tells of it. */
export const withReporting = (program: Program) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const url = Option.filter(yield* natsUrl, (some) => Redacted.value(some).trim() !== "")
    if (Option.isNone(url)) return yield* effect
    const reporting = yield* Effect.promise(() => import("./NatsReporting.ts"))
    return yield* reporting.beside(program, effect)
  })
