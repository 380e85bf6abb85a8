/** Keeps up to date what is a state and not an event: how many agents answer. */
import { Effect, Metric, Option, Ref, Schedule } from "effect"
import type * as AgentLink from "./AgentLink.ts"
import * as PollerMetrics from "./PollerMetrics.ts"

const every = "2 seconds"

export interface AgentCounts {
  readonly present: number
  readonly absent: number
}

/** One that nobody has looked for yet counts as present: nothing is known against it. */
export const counts = (links: ReadonlyArray<AgentLink.AgentLink>): Effect.Effect<AgentCounts> =>
  Effect.map(Effect.forEach(links, ({ absence }) => Ref.get(absence)), (absences) => {
    const absent = absences.filter(Option.isSome).length
    return { present: absences.length - absent, absent }
  })

/** Until interrupted; then nothing is said of agents that nobody polls. */
export const run = (links: Effect.Effect<ReadonlyArray<AgentLink.AgentLink>>): Effect.Effect<never> => {
  const update = ({ absent, present }: AgentCounts) =>
    Effect.andThen(
      Metric.update(PollerMetrics.agentsOf.present, present),
      Metric.update(PollerMetrics.agentsOf.absent, absent)
    )
  return Effect.flatMap(links, counts).pipe(
    Effect.flatMap(update),
    Effect.repeat(Schedule.spaced(every)),
    Effect.andThen(Effect.never),
    Effect.onInterrupt(() => update({ present: 0, absent: 0 }))
  )
}
