/** What is counted of actions on records, by resource and action as they are declared. */
import { Duration, Effect, Exit, Metric } from "effect"

const actions = Metric.counter("resource_actions_total", {
  description: "Actions on records, by resource, action and outcome",
  incremental: true
})

const durations = Metric.histogram("resource_action_duration_seconds", {
  description: "How long an action on records took",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
})

const outcomes: Readonly<Record<string, string>> = {
  Forbidden: "forbidden",
  NotFound: "not_found",
  Invalid: "invalid",
  Conflict: "conflict",
  InvalidTransition: "invalid_transition",
  Changed: "changed",
  RecordsUnavailable: "unavailable"
}

/** Counts and times an action, in a span of its own. */
export const measured = <A, E extends { readonly _tag: string }, R>(
  { action, definition }: { readonly action: string; readonly definition: { readonly name: string } },
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const attributes = { resource: definition.name, action }
  const count = (outcome: string) =>
    Effect.andThen(
      Metric.update(Metric.withAttributes(actions, { ...attributes, outcome }), 1),
      Effect.annotateCurrentSpan({ outcome })
    )
  return Effect.timed(Effect.exit(effect)).pipe(
    Effect.flatMap(([took, exit]) =>
      Metric.update(Metric.withAttributes(durations, attributes), Duration.toSeconds(took)).pipe(
        Effect.andThen(count(outcomeOf(exit))),
        Effect.andThen(exit)
      )
    ),
    Effect.withSpan(`resource.${definition.name}.${action}`, undefined, { captureStackTrace: false })
  )
}

const outcomeOf = <A, E extends { readonly _tag: string }>(exit: Exit.Exit<A, E>): string => {
  if (Exit.isSuccess(exit)) return "done"
  const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")
  return failure === undefined ? "failed" : outcomes[failure.error._tag] ?? "failed"
}
