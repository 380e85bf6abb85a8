/** What a pipeline is made of, its defaults, and the check that refuses nonsense by the field's name. */
import { Duration, type Effect, Record, Schema } from "effect"
import type { Outcomes, Rejected } from "../../domain/pipeline/Outcome.ts"
import * as ChildId from "../../domain/supervision/ChildId.ts"
import type { RestartIntensityInput } from "../../domain/supervision/RestartIntensity.ts"
import { millisOf } from "../clock/DurationInput.ts"
import type { Backoff } from "../supervision/ChildSpec.ts"
import type { Route } from "./Batch.ts"
import type { Batcher } from "./Batcher.ts"
import type { RateLimitOptions } from "./internal/RateGate.ts"
import type { Producer } from "./Producer.ts"
import type { Observe } from "./Telemetry.ts"

export type Batchers = ReadonlyArray<Batcher<string, never, unknown, unknown>>

export type NameOf<Bs extends Batchers> = Bs[number]["name"]
export type ErrorOf<Bs extends Batchers> = ErrorOfOne<Bs[number]>
type ErrorOfOne<B> = B extends Batcher<string, never, infer E, unknown> ? E : never
export type ServicesOf<Bs extends Batchers> = ServicesOfOne<Bs[number]>
type ServicesOfOne<B> = B extends Batcher<string, never, unknown, infer R> ? R : never

/** What a handler may say of the message it handles. */
export interface MessageContext<in O> {
  /** What the acknowledger hears of this message in place of `acknowledgeOptions`; the last word counts. */
  readonly configureAcknowledge: (options: O) => void
}

export interface PipelineOptions<In, EP, RP, EH, RH, RA, Bs extends Batchers, O = undefined> {
  readonly name: string
  readonly producer: Producer<In, EP, RP>
  /** Connections to the source. Default 1. */
  readonly producers?: number
  /** Pauses between restarts of a producer. Default 1 s, doubled up to 30 s, which outlasts any outage of the source. */
  readonly backoff?: Backoff | "none"
  /** A producer is asked only when there is room for so many, so that it is not asked for one at a time. Default 1. */
  readonly demandMin?: number
  /** Shared by all producers; `Pipeline.setRateLimit` changes it. Default none. */
  readonly rateLimit?: RateLimitOptions
  readonly processors?: {
    /** Default 4. */
    readonly concurrency?: number
    /** Messages that one processor takes at once. Default 50. */
    readonly demandMax?: number
  }
  /** Messages of one key are handled in order, by the same processor and by the same batch worker. */
  readonly partitionBy?: (message: In) => string | number
  readonly batchers?: Bs
  /**
   * Runs before `handle`, for all messages that a processor took at once: one query for what each of them needs. Answers
   * one message for each, in order, for `handle`; acknowledgers see the original. Its failure rejects them all.
   */
  readonly prepareMessages?: (messages: ReadonlyArray<In>) => Effect.Effect<ReadonlyArray<In>, EH, RH>
  /** Answers where the message goes next; with nothing, the message is ok. */
  readonly handle: (message: In, context: MessageContext<O>) => Effect.Effect<Route<NameOf<Bs>> | void, EH, RH>
  /** Hears of messages that failed or crashed, before the acknowledger does. */
  readonly onRejected?: (
    rejected: ReadonlyArray<Rejected<In, EH | ErrorOf<Bs>, O>>
  ) => Effect.Effect<unknown, unknown, RA>
  /** Tells the source. Each message is in exactly one call. */
  readonly acknowledge: (outcomes: Outcomes<In, EH | ErrorOf<Bs>, O>) => Effect.Effect<unknown, unknown, RA>
  /** What the acknowledger hears of each message besides its outcome, unless its handler configures it. */
  readonly acknowledgeOptions?: O
  /** Limit of one call of `acknowledge` or `onRejected`. Default 10 seconds. */
  readonly acknowledgeTimeout?: Duration.Input
  /** Messages received and not yet settled. Default: enough to keep every stage busy. */
  readonly inFlightMax?: number
  /** How long a drain may take. Default 30 seconds. */
  readonly shutdown?: Duration.Input
  /** Messages in flight and none settled for this long is a stall. Default 1 minute. */
  readonly stallAfter?: Duration.Input
  /** Messages that wait at the source. With it, a producer that brings none of them for `stallAfter` is restarted. */
  readonly pending?: Effect.Effect<number, unknown, RP>
  /** Crashes of stages that are tolerated. Default 3 in 5 seconds. */
  readonly intensity?: RestartIntensityInput
  /** Called at each event, in the pipeline's fibers: quick, or it slows the pipeline. What it throws is counted. */
  readonly observe?: Observe
}

export class InvalidPipelineOptions extends Schema.TaggedError<InvalidPipelineOptions>()("InvalidPipelineOptions", {
  pipeline: Schema.String,
  field: Schema.String,
  value: Schema.String,
  expectation: Schema.String
}) {
  override get message(): string {
    return `Pipeline ${this.pipeline}: ${this.field} is ${this.value}, expected ${this.expectation}`
  }
}

export interface Settings {
  readonly producers: number
  readonly concurrency: number
  readonly demandMax: number
  readonly demandMin: number
  readonly inFlightMax: number
  readonly shutdown: Duration.Duration
  readonly acknowledgeTimeout: Duration.Duration
  readonly stallAfter: Duration.Duration
}

/** The numbers of a pipeline's options, whatever its types. */
type Numbers = Pick<
  PipelineOptions<never, unknown, unknown, unknown, unknown, unknown, Batchers>,
  | "name"
  | "producers"
  | "processors"
  | "batchers"
  | "demandMin"
  | "inFlightMax"
  | "shutdown"
  | "acknowledgeTimeout"
  | "stallAfter"
  | "rateLimit"
>

const durationsOf = ({
  acknowledgeTimeout = "10 seconds",
  shutdown = "30 seconds",
  stallAfter = "1 minute"
}: Pick<Numbers, "acknowledgeTimeout" | "shutdown" | "stallAfter">) => ({ shutdown, acknowledgeTimeout, stallAfter })

export const settingsOf = (options: Numbers): Settings => {
  const concurrency = options.processors?.concurrency ?? 4
  const demandMax = options.processors?.demandMax ?? 50
  const batched = (options.batchers ?? []).reduce((sum, { limits }) => sum + limits.size * (limits.concurrency + 1), 0)
  return {
    producers: options.producers ?? 1,
    concurrency,
    demandMax,
    demandMin: options.demandMin ?? 1,
    inFlightMax: options.inFlightMax ?? 2 * concurrency * demandMax + batched,
    ...Record.map(durationsOf(options), Duration.fromInputUnsafe)
  }
}

/** The first field that is wrong. */
export const check = (options: Numbers): InvalidPipelineOptions | undefined => {
  const wrong = (field: string, value: unknown, expectation: string) =>
    new InvalidPipelineOptions({ pipeline: String(options.name), field, value: String(value), expectation })
  if (!ChildId.isValid(options.name)) return wrong("name", options.name, ChildId.expectation)
  for (const [field, duration] of Object.entries(durationsOf(options))) {
    if (!(millisOf(duration) > 0)) return wrong(field, duration, aboveZero)
  }
  const settings = settingsOf(options)
  for (const field of ["producers", "concurrency", "demandMax", "demandMin", "inFlightMax"] as const) {
    if (!isCount(settings[field])) return wrong(field, settings[field], count)
  }
  if (settings.demandMin > settings.inFlightMax) {
    return wrong("demandMin", settings.demandMin, `at most inFlightMax, ${settings.inFlightMax}`)
  }
  const names = new Set<string>()
  for (const { name, limits } of options.batchers ?? []) {
    if (names.has(name)) return wrong(`batchers.${name}`, "there twice", "a name of its own")
    names.add(name)
    for (const field of ["size", "concurrency", "keysMax"] as const) {
      if (!isCount(limits[field])) return wrong(`batchers.${name}.${field}`, limits[field], count)
    }
    if (!(limits.timeoutMillis > 0)) {
      return wrong(`batchers.${name}.timeout`, `${limits.timeoutMillis} ms`, aboveZero)
    }
    if (!(limits.bytesMax > 0)) return wrong(`batchers.${name}.bytesMax`, limits.bytesMax, "more than 0")
    if (limits.size > settings.inFlightMax) {
      return wrong("inFlightMax", settings.inFlightMax, `at least the size of batcher ${name}, ${limits.size}`)
    }
  }
  return checkRate(options.name, options.rateLimit)
}

export const checkRate = (
  pipeline: string,
  limit: RateLimitOptions | undefined
): InvalidPipelineOptions | undefined => {
  if (limit === undefined) return undefined
  const wrong = (field: string, value: unknown, expectation: string) =>
    new InvalidPipelineOptions({ pipeline, field, value: String(value), expectation })
  if (!isCount(limit.allowed)) return wrong("rateLimit.allowed", limit.allowed, count)
  return millisOf(limit.interval) > 0 ? undefined : wrong("rateLimit.interval", limit.interval, aboveZero)
}

const aboveZero = "a duration above 0"

const count = "a whole number of at least 1"
const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 1
