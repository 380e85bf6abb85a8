/** A poller's rollout over HTTP: what it takes, how its polls go, and the rollback by hand. */
import { Effect, Option, Schema } from "effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Rollback from "../../../domain/poller/rollout/Rollback.ts"
import type { RollbackFlagError } from "../../../services/poller/rollout/RollbackFlag.ts"
import type { Rollout } from "../../../services/poller/rollout/Rollout.ts"
import type { Part } from "../../http/Management.ts"

const State = Schema.Struct({
  mode: Schema.Literals(["active", "shadow"]),
  agents: Schema.Array(Schema.String),
  polls: Schema.Int,
  errors: Schema.Int,
  error_percent: Schema.Finite,
  error_percent_max: Schema.Finite,
  rollback: Schema.NullOr(Schema.Struct({ at: Schema.String, reason: Schema.String }))
})

type Taken<R> = Effect.Effect<ReadonlyArray<string>, never, R>

const stateOf = <R>({ state }: Rollout["Service"], taken: Taken<R>) =>
  Effect.zipWith(state, taken, ({ config, errors, polls, rollback }, agents): typeof State.Type => ({
    mode: config.isShadow ? "shadow" : "active",
    agents,
    polls,
    errors,
    error_percent: Rollback.percentOf({ calls: polls, failed: errors }),
    error_percent_max: config.errorPercentMax,
    rollback: Option.match(rollback, {
      onNone: () => null,
      onSome: ({ atMillis, reason }) => ({ at: new Date(atMillis).toISOString(), reason })
    })
  }))

const reasonCharactersMax = 500

/** `agents` are those that the poller takes. */
export const part = <R>(rollout: Rollout["Service"], agents: Taken<R>): Part<R> => {
  const shown = Effect.map(stateOf(rollout, agents), (state) => HttpServerResponse.jsonUnsafe(state))
  const change = (work: Effect.Effect<void, RollbackFlagError>) =>
    Effect.matchEffect(work, {
      onFailure: ({ message }) => Effect.succeed(HttpServerResponse.jsonUnsafe({ error: message }, { status: 500 })),
      onSuccess: () => shown
    })
  return {
    checks: [{
      name: "rollout",
      ready: Effect.flatMap(rollout.state, ({ rollback }) =>
        Option.match(rollback, {
          onNone: () => Effect.void,
          onSome: ({ reason }) => Effect.fail({ message: `rolled back: ${reason}` })
        }))
    }],
    routes: [
      {
        path: "/api/rollout",
        summary: "Which agents the poller takes, how many of their polls had no answer, and whether it is rolled back",
        answers: State,
        handle: () => shown
      },
      {
        path: "/api/rollout/rollback",
        summary: "The rollout as at /api/rollout; POST rolls it back, with the reason as the body",
        answers: State,
        handle: () => shown,
        post: (_query, body) =>
          change(rollout.rollBack(body.trim().slice(0, reasonCharactersMax) || "asked for by hand"))
      },
      {
        path: "/api/rollout/resume",
        summary: "The rollout as at /api/rollout; POST takes its rollback back",
        answers: State,
        handle: () => shown,
        post: () => change(rollout.resume)
      }
    ]
  }
}
