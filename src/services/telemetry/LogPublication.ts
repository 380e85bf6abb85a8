/**
 * Publishes a program's own log on `logs.internal.<program>`, beside wherever else it goes.
 *
 * What the parts say through which these lines travel is left out (`isPublished`), and the rest is limited: a log must
 * never be about itself.
 */
import { Cause, Context, Effect, Layer, Logger, LogLevel, References, Stream, Tracer } from "effect"
import * as LogActivity from "../../domain/events/outgoing/LogActivity.ts"
import * as TokenBucket from "../../domain/security/TokenBucket.ts"
import type { SupervisionEvent } from "../../domain/supervision/SupervisionEvent.ts"
import { EventPublisher } from "../events/EventPublisher.ts"
import { SupervisionTree } from "../supervision/SupervisionTree.ts"

/** False in the fibers whose lines must not be published. */
export const isPublished = Context.Reference<boolean>(
  "serviceradar/services/telemetry/LogPublication/isPublished",
  { defaultValue: () => true }
)

export interface LogPublicationOptions {
  /** `poller`, `core` and so on. */
  readonly program: string
  /** A new UUID each time. */
  readonly newId: () => string
  /** Default `Warn`. */
  readonly level?: LogLevel.LogLevel
}

const limit = { perSecond: 20, burst: 200 }

const levels: ReadonlyMap<LogLevel.LogLevel, LogActivity.LogLevel> = new Map([
  ["Trace", "debug"],
  ["Debug", "debug"],
  ["Info", "info"],
  ["Warn", "warn"],
  ["Error", "error"],
  ["Fatal", "fatal"]
])

const textOf = (part: unknown): string =>
  typeof part === "string" ? part : part instanceof Error ? part.message : JSON.stringify(part) ?? String(part)

const messageOf = (message: unknown): string => (Array.isArray(message) ? message : [message]).map(textOf).join(" ")

const annotationsOf = (annotations: Readonly<Record<string, unknown>>): LogActivity.LogLine["annotations"] =>
  Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [
      key,
      typeof value === "number" || typeof value === "boolean" ? value : textOf(value)
    ])
  )

const logger = (publisher: EventPublisher["Service"], options: LogPublicationOptions) => {
  const bucket = TokenBucket.make(limit)
  const minimum = options.level ?? "Warn"
  return Logger.make<unknown, void>(({ cause, date, fiber, logLevel, message }) => {
    const level = levels.get(logLevel)
    const atMillis = date.getTime()
    if (level === undefined || LogLevel.isLessThan(logLevel, minimum)) return
    if (!fiber.getRef(isPublished) || !bucket.take(atMillis)) return
    const span = Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
    const trace = span?.sampled === true ? { traceId: span.traceId, spanId: span.spanId } : { traceId: "", spanId: "" }
    publisher.offer(LogActivity.make({
      program: options.program,
      level,
      message: messageOf(message),
      cause: cause.reasons.length === 0 ? "" : Cause.pretty(cause),
      annotations: annotationsOf(fiber.getRef(References.CurrentLogAnnotations)),
      atMillis,
      ...trace
    }, options.newId()))
  })
}

/** Adds to the loggers that are there. */
export const layer = (options: LogPublicationOptions): Layer.Layer<never, never, EventPublisher> =>
  Layer.unwrap(
    Effect.map(EventPublisher, (publisher) => Logger.layer([logger(publisher, options)], { mergeWithExisting: true }))
  )

const restartOf = (event: SupervisionEvent): { readonly text: string; readonly atMillis: number } | undefined =>
  event._tag === "ChildRestarting"
    ? { text: `${event.path}/${event.child} is restarted, ${event.attempts} in the current period`, atMillis: event.at }
    : undefined

/** Publishes that children are restarted, which a supervisor does not log; for a supervisor. */
export const publishRestarts = Effect.fnUntraced(function*(options: Omit<LogPublicationOptions, "level">) {
  const publisher = yield* EventPublisher
  const tree = yield* SupervisionTree
  return yield* Effect.andThen(
    Stream.runForEach(tree.events, (event) =>
      Effect.sync(() => {
        const restart = restartOf(event)
        if (restart === undefined) return
        publisher.offer(LogActivity.make({
          program: options.program,
          level: "info",
          message: restart.text,
          cause: "",
          annotations: { supervisor: event.path },
          atMillis: restart.atMillis,
          traceId: "",
          spanId: ""
        }, options.newId()))
      })),
    Effect.never
  )
})
