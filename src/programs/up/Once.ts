/**
 * `up --once`: waits until core has a fresh status of every configured check.
 *
 * A check that never reports is an error, not an answer: without it nobody can say whether all is well.
 */
import { Effect, Option, Ref, Schedule, Schema } from "effect"
import type { PollerConfig } from "../../domain/poller/PollerConfig.ts"
import * as StatusFeed from "./screen/StatusFeed.ts"

const limit = "90 seconds"

export class CycleIncomplete extends Schema.TaggedError<CycleIncomplete>()("CycleIncomplete", {
  missing: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `No status within ${limit} of ${this.missing.join(", ")}`
  }
}

export const collect = Effect.fn("Once.collect")(function*(
  httpUrl: string,
  config: PollerConfig,
  sinceMillis: number
) {
  const names = StatusFeed.expected(config)
  const seen = yield* Ref.make<Effect.Success<ReturnType<typeof StatusFeed.read>>>([])
  const complete = yield* StatusFeed.read(httpUrl, names, sinceMillis).pipe(
    // Core answers as soon as it is up; until then there is simply nothing yet.
    Effect.orElseSucceed(() => []),
    Effect.tap((states) => Ref.set(seen, states)),
    Effect.repeat({
      until: (states) => states.length === names.length,
      schedule: Schedule.spaced("200 millis")
    }),
    Effect.timeoutOption(limit)
  )
  if (Option.isSome(complete)) return complete.value
  return yield* new CycleIncomplete({ missing: StatusFeed.missing(names, yield* Ref.get(seen)) })
})
