/** Tests that need a program which not every machine has: `.ci/run` installs them where it can. */
import { it } from "@effect/vitest"
import type { Effect, Scope } from "effect"

/** Without the program it passes with a name that says what was left out. */
export const withPeer = <E>(
  missing: string | undefined,
  name: string,
  test: () => Effect.Effect<void, E, Scope.Scope>,
  timeoutMillis?: number
): void => {
  if (missing === undefined) it.live(name, test, timeoutMillis)
  else it(`${name} (left out: ${missing} is not installed)`, () => {})
}
