import { it } from "@effect/vitest"
import type { Effect, Scope } from "effect"
import { ProducerContract } from "../../../../src/services/pipeline/testing/index.ts"

/** A test for each promise. */
export const passesContract = <In, E>(
  make: Effect.Effect<ProducerContract.Source<In, E>, never, Scope.Scope>
): void => {
  for (const { check, name } of ProducerContract.cases(make)) it.live(name, () => check)
}
