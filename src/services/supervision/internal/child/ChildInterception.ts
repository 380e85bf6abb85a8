/**
 * Lets the test kit wrap the starts and lives of children. In a program nothing is wrapped, and a child pays one look into
 * its context at each start.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

export interface Interceptor {
  /** Around the first part of a start, until the child counts as started. */
  readonly start: <A, E, R>(path: string, start: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Around the child's life after that. */
  readonly run: <E, R>(path: string, run: Effect.Effect<unknown, E, R>) => Effect.Effect<unknown, E, R>
}

export const ChildInterception = Context.Reference<Interceptor | undefined>(
  "serviceradar-effect/services/supervision/ChildInterception",
  { defaultValue: () => undefined }
)
