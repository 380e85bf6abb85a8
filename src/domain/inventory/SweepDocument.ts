/**
 * A sweep config as an agent takes it: sync's document, with what a pointer overrides, or one that somebody wrote.
 *
 * Durations are text: existing agents cannot read a document that has them as numbers. Unknown keys are passed over.
 */
import { Result, Schema } from "effect"

const nullable = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Modes = nullable(Schema.Array(Schema.String))

const Target = Schema.Struct({
  network: Schema.String,
  sweep_modes: Modes,
  query_label: nullable(Schema.String),
  source: nullable(Schema.String),
  metadata: nullable(Schema.Record(Schema.String, Schema.String))
})

export const SweepDocument = Schema.Struct({
  networks: nullable(Schema.Array(Schema.String)),
  device_targets: nullable(Schema.Array(Target)),
  ports: nullable(Schema.Array(Schema.Int)),
  sweep_modes: Modes,
  interval: nullable(Schema.String),
  concurrency: nullable(Schema.Int),
  timeout: nullable(Schema.String),
  icmp_count: nullable(Schema.Int),
  high_perf_icmp: nullable(Schema.Boolean),
  icmp_rate_limit: nullable(Schema.Int)
})
export type SweepDocument = typeof SweepDocument.Type

const Any = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
const decodeAny = Schema.decodeUnknownResult(Any)
const decode = Schema.decodeUnknownResult(SweepDocument)

/** The document with the overrides in place of its own values, or what is wrong with it. */
export const parse = (
  text: string,
  overrides: Readonly<Record<string, unknown>> = {}
): Result.Result<SweepDocument, string> =>
  decodeAny(text).pipe(
    Result.flatMap((document) => decode({ ...document, ...overrides })),
    Result.mapError(({ message }) => message)
  )
