/**
 * Brings reports to core however often it takes, and tells apart those that core will never take.
 *
 * A batch that core refuses is cut in halves until the one status that it does not like is alone: it must not cost
 * those which happened to be measured with it. What is wrong with core is logged when it begins and when it ends.
 */
import { Duration, Effect, Metric, Option, Ref, Schedule } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as ReportBatch from "../../domain/monitoring/reports/ReportBatch.ts"
import type { ServiceStatus } from "../../domain/monitoring/reports/ServiceStatus.ts"
import { CoreClient, type CoreError, type ReportHeader } from "./CoreClient.ts"
import * as PollerMetrics from "./PollerMetrics.ts"

interface WithStatus {
  readonly status: ServiceStatus
}

export interface ReportDelivery {
  /** Ends when core has all of them but those given back, which it refuses. */
  readonly deliver: <A extends WithStatus>(
    reports: ReadonlyArray<A>,
    header: ReportHeader
  ) => Effect.Effect<ReadonlySet<A>>
  /** An empty report, once. */
  readonly heartbeat: (header: ReportHeader) => Effect.Effect<void>
  /** Why core does not take reports now; none when it answered last, or when there was nothing to send yet. */
  readonly trouble: Effect.Effect<Option.Option<string>>
}

/** A report that core keeps failing on must not hold up the others for ever. */
const failingFor = Duration.minutes(5)
/** For the parts of a report that was failed on for so long. */
const partFailingFor = Duration.seconds(5)

/** Core must have the first status within seconds of its return, so the longest pause is about 1 s. */
const backoff = Backoff.capped({ from: "100 millis", to: "1 second" })

/** `pending` is the number of statuses that wait, for the log. */
export const make = Effect.fnUntraced(function*(pending: Effect.Effect<number>) {
  const core = yield* CoreClient
  const trouble = yield* Ref.make(Option.none<CoreError>())
  const refusals = yield* Ref.make(0)

  const noteAway = Effect.fnUntraced(function*(error: CoreError) {
    if (Option.isSome(yield* Ref.getAndSet(trouble, Option.some(error)))) return
    yield* Effect.logWarning(`${error.message}; reports wait in the buffer`)
  })

  /** The first, the tenth, the hundredth …: a check whose status core never takes must not fill the log. */
  const noteRefused = Effect.fnUntraced(function*(error: CoreError, { status }: WithStatus) {
    const count = yield* Ref.updateAndGet(refusals, (before) => before + 1)
    if (!Number.isInteger(Math.log10(count))) return
    yield* Effect.logError(
      `status ${status.serviceType} ${JSON.stringify(status.serviceName)} of agent ${status.agentId} was given up, ` +
        `${count} so far: ${error.message}`
    )
  })

  const noteBack = Effect.gen(function*() {
    if (Option.isNone(yield* Ref.getAndSet(trouble, Option.none()))) return
    yield* Effect.logInfo(`core is back; ${yield* pending} statuses were waiting`)
  })

  /** One send, until core has it or it is clear that core never will. */
  const send = (
    one: ReportBatch.Send,
    to: ReportHeader,
    patience: Duration.Duration
  ): Effect.Effect<void, CoreError> => {
    const once = one._tag === "Unary"
      ? core.report(to, one.statuses)
      : core.stream(to, ReportBatch.chunks(one.statuses))
    return once.pipe(
      // Whoever rejects a report is there.
      Effect.tapError((error) => error.reason._tag === "ReportRejected" ? noteBack : noteAway(error)),
      Effect.retry({
        schedule: Schedule.upTo(backoff, { duration: patience }),
        while: (error) => error.reason._tag === "CoreFailed"
      }),
      Effect.retry({ schedule: backoff, while: (error) => error.reason._tag === "CoreAway" }),
      Effect.andThen(noteBack),
      Effect.andThen(Metric.update(PollerMetrics.reportsSent, 1))
    )
  }

  /** The reports that core will not take, however they are cut. */
  const undeliverable = <A extends WithStatus>(
    reports: ReadonlyArray<A>,
    to: ReportHeader,
    patience: Duration.Duration
  ): Effect.Effect<ReadonlyArray<A>> =>
    Effect.gen(function*() {
      const refused: Array<A> = []
      let first = 0
      for (const planned of ReportBatch.plan(reports.map(({ status }) => status))) {
        const part = reports.slice(first, first += planned.statuses.length)
        const failure = yield* send(planned, to, patience).pipe(Effect.as(undefined), Effect.catch(Effect.succeed))
        if (failure === undefined) continue
        const [only, ...others] = part
        if (only !== undefined && others.length === 0) {
          yield* noteRefused(failure, only)
          refused.push(only)
          continue
        }
        const middle = part.length >> 1
        refused.push(...yield* undeliverable(part.slice(0, middle), to, partFailingFor))
        refused.push(...yield* undeliverable(part.slice(middle), to, partFailingFor))
      }
      return refused
    })

  return {
    deliver: (reports, header) => Effect.map(undeliverable(reports, header, failingFor), (refused) => new Set(refused)),
    heartbeat: (header) => core.report(header, []).pipe(Effect.andThen(noteBack), Effect.catch(noteAway)),
    trouble: Effect.map(Ref.get(trouble), Option.map((error) => error.message))
  } satisfies ReportDelivery
})
