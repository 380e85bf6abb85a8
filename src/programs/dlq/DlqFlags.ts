/** What the subcommands of `serviceradar dlq` can be told in common. */
import { Clock, Effect, Option, Schema } from "effect"
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import { type StreamName, streamNames } from "../../domain/events/stream/Streams.ts"
import * as Since from "../../layers/command/Since.ts"
import type { DeadLetterFilter } from "../../services/events/DeadLetters.ts"

const isStreamName = Schema.is(Schema.Literals(streamNames))

/** `otel-traces` as well as `OTEL_TRACES`. */
const streamOf = (text: string): Option.Option<StreamName> =>
  Option.liftPredicate(isStreamName)(text.toUpperCase().replaceAll("-", "_"))

const streamFlag = Flag.String("stream").pipe(
  Flag.filterMap(streamOf, () => `one of ${streamNames.join(", ")}`),
  Flag.optional,
  Flag.withMetavar("STREAM"),
  Flag.withDescription(`Only of this stream: ${streamNames.join(", ")}`)
)

const sinceFlag = Flag.String("since").pipe(
  Flag.filterMap(Since.parse, () => "an age such as 2h or 7d, or a time such as 2026-01-31T08:00:00Z"),
  Flag.optional,
  Flag.withMetavar("AGE|TIME"),
  Flag.withDescription("Only what was set aside within this time (2h, 7d) or since then (2026-01-31T08:00:00Z)")
)

export const filterFlags = {
  stream: streamFlag,
  reason: Flag.Literals("reason", ["decode", "rejected", "exhausted"]).pipe(
    Flag.optional,
    Flag.withDescription("Only what could not be read, what the database refused, or what was tried too often")
  ),
  since: sinceFlag,
  error: Flag.String("error").pipe(
    Flag.optional,
    Flag.withMetavar("TEXT"),
    Flag.withDescription("Only with this text in the error")
  )
}

export interface FilterFlags {
  readonly stream: Option.Option<StreamName>
  readonly reason: Option.Option<"decode" | "rejected" | "exhausted">
  readonly since: Option.Option<Since.Since>
  readonly error: Option.Option<string>
}

export const isFiltered = ({ error, reason, since, stream }: FilterFlags): boolean =>
  Option.isSome(stream) || Option.isSome(reason) || Option.isSome(since) || Option.isSome(error)

export const filterOf = Effect.fnUntraced(function*({ error, reason, since, stream }: FilterFlags) {
  const nowMillis = yield* Clock.currentTimeMillis
  return {
    ...(Option.isSome(stream) ? { stream: stream.value } : {}),
    ...(Option.isSome(reason) ? { reason: reason.value } : {}),
    ...(Option.isSome(since) ? { sinceMillis: Since.toMillis(since.value, nowMillis) } : {}),
    ...(Option.isSome(error) ? { error: error.value } : {})
  } satisfies DeadLetterFilter
})

export const limitFlag = Flag.Int("limit").pipe(
  Flag.filter((count) => count > 0, () => "a number above 0"),
  Flag.optional,
  Flag.withMetavar("N")
)

export const jsonFlag = Flag.Boolean("json").pipe(Flag.withDefault(false))

export const idArgument = Argument.String("id").pipe(Argument.withDescription("As `serviceradar dlq list` shows it"))
