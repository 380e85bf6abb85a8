/** The mark that a rollout is rolled back: outlives the process, and is made and removed by operators as well. */
import { Context, type Effect, type Option, Schema } from "effect"
import type { Rollback } from "../../../domain/poller/rollout/Rollback.ts"

export class RollbackFlagError extends Schema.TaggedError<RollbackFlagError>()("RollbackFlagError", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `the rollback's file ${this.file}: ${this.detail}`
  }
}

export class RollbackFlag extends Context.Service<RollbackFlag, {
  /** Its path. */
  readonly file: string
  readonly read: Effect.Effect<Option.Option<Rollback>, RollbackFlagError>
  readonly write: (rollback: Rollback) => Effect.Effect<void, RollbackFlagError>
  readonly remove: Effect.Effect<void, RollbackFlagError>
}>()("serviceradar/services/poller/rollout/RollbackFlag") {}
