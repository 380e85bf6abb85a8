/**
 * Work that goes before queries in this process, reports of pollers before all: who does it says so, and queries take what it
 * leaves. Without anybody who says so there is none.
 */
import { Context, Effect, Layer } from "effect"

/** Of what was under way, a second ago counts for a third of now. */
const memoryMillis = 1000

export class Precedence extends Context.Service<Precedence, {
  /** Around work that queries must not slow down. */
  readonly around: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** The share of the last seconds in which some was under way, from 0 to 1. */
  readonly load: Effect.Effect<number>
}>()("serviceradar/services/queries/Precedence") {
  static readonly layer = Layer.sync(Precedence, () => {
    let underWay = 0
    let load = 0
    let knownMillis = 0

    const look = Effect.clockWith((clock) =>
      Effect.sync(() => {
        const nowMillis = clock.currentTimeMillisUnsafe()
        const kept = Math.exp((knownMillis - nowMillis) / memoryMillis)
        load = load * kept + (underWay > 0 ? 1 - kept : 0)
        knownMillis = nowMillis
        return load
      })
    )

    return {
      load: look,
      around: (work) =>
        Effect.acquireUseRelease(
          Effect.map(look, () => underWay += 1),
          () => work,
          () => Effect.map(look, () => underWay -= 1)
        )
    }
  })
}
