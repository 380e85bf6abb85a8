/** Makes an agent that runs one of another configuration: whoever it says nothing new of does not notice. */
import { Effect } from "effect"
import { type AgentConfig, programsOf } from "../../domain/agent/AgentConfig.ts"
import * as AgentChange from "../../domain/agent/reload/AgentChange.ts"
import { CheckRunner } from "./CheckRunner.ts"
import type { LiveConfig } from "./LiveConfig.ts"
import { CheckerPrograms } from "./programs/CheckerPrograms.ts"

const nameOf = (change: AgentChange.AgentChange): ReadonlyArray<string> => "name" in change ? [change.name] : []

/** Succeeds with what is different now; `forget` lets connections of a checker go. */
export const apply = Effect.fnUntraced(function*(
  live: LiveConfig,
  next: AgentConfig,
  forget: (checker: string) => Effect.Effect<void>
) {
  const runner = yield* CheckRunner
  const programs = yield* CheckerPrograms
  const changes = AgentChange.diff(live.current(), next)
  if (changes.length === 0) return changes
  live.replace(next)
  const names = new Set(changes.flatMap(nameOf))
  yield* Effect.forEach(names, forget, { discard: true })
  yield* programs.apply(programsOf(next))
  // A check names its checker by its own name, or in its details.
  yield* runner.retire(({ details, serviceName }) => names.has(serviceName) || names.has(details.trim()))
  return changes
}, Effect.uninterruptible)
