/** A program's tree in a form that random faults can be tried on. */
import { assert } from "@effect/vitest"
import { Effect, Layer, References, type Scope } from "effect"
import { TreeCheck } from "../../src/services/supervision/testing/index.ts"

/** The subject with its world, which is made anew with each tree. */
export const within = <R, ROut, E extends { readonly message: string }, RIn>(
  { promises, start }: TreeCheck.Subject<R>,
  world: Layer.Layer<ROut, E, RIn>
): TreeCheck.Subject<Exclude<R, ROut> | RIn | Scope.Scope> => ({
  promises,
  start: (how) => Effect.flatMap(Layer.build(Layer.fresh(world)), (context) => Effect.provide(start(how), context))
})

/** Holds the tree to the invariants of supervision and to its promises. */
export const withstandsFaults = <R1, R2>(make: Effect.Effect<TreeCheck.Subject<R1>, never, R2>, seeds: number) =>
  TreeCheck.check(make, { seeds, steps: 8 }).pipe(
    Effect.tap((report) => Effect.sync(() => assert.isAbove(report.faults, seeds))),
    Effect.provideService(References.MinimumLogLevel, "None")
  )
