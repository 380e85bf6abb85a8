/**
 * Brings reports to core in the form that this core takes, and tells apart those that core will never take.
 *
 * A core of ours takes reports in parts. A batch that it refuses is cut in halves until the one status that it does not
 * like is alone: it must not cost those which happened to be measured with it. Any other core takes each report for the
 * whole poller, so it gets the whole or nothing. Which of the two it is is asked before the first report and again after
 * every trouble, because the core that comes back may be another one. What is wrong with core is logged when it begins
 * and when it ends.
 */
import { Duration, Effect, Metric, Option, Ref } from "effect"
import * as Backoff from "../../domain/backoff/Backoff.ts"
import * as ReportBatch from "../../domain/monitoring/reports/ReportBatch.ts"
import type { ServiceStatus } from "../../domain/monitoring/reports/ServiceStatus.ts"
import * as WholeReport from "../../domain/monitoring/reports/WholeReport.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import { CoreClient, type CoreError, type ReportHeader } from "./CoreClient.ts"
import * as PollerMetrics from "./PollerMetrics.ts"

interface WithStatus {
  readonly status: ServiceStatus
}

/** How this core wants to be reported to. */
export type ReportForm = "parts" | "whole"

/** Away: nothing is settled, and core is to be asked anew what it takes. */
export type Delivered<A> = { readonly _tag: "Settled"; readonly refused: ReadonlySet<A> } | { readonly _tag: "Away" }

export interface ReportDelivery {
  /** Waits until core has said it, however often it must be asked. */
  readonly form: Effect.Effect<ReportForm>
  /** As `form`, asking once; none while core is away. */
  readonly formNow: Effect.Effect<Option.Option<ReportForm>>
  /** As core said last; none before and after it was away. */
  readonly formKnown: Effect.Effect<Option.Option<ReportForm>>
  /** Whether core said last that it takes parts; asked for each status. */
  readonly isKnownToTakeParts: () => boolean
  /** Each of the reports in some send. */
  readonly deliverParts: <A extends WithStatus>(
    reports: ReadonlyArray<A>,
    header: ReportHeader
  ) => Effect.Effect<Delivered<A>>
  /** All statuses in one send; false: refused. */
  readonly deliverWhole: (
    statuses: ReadonlyArray<ServiceStatus>,
    header: ReportHeader
  ) => Effect.Effect<"settled" | "refused" | "away">
  /** An empty report, once. */
  readonly heartbeat: (header: ReportHeader) => Effect.Effect<void>
  /** Why core does not take reports now; none when it answered last, or when there was nothing to send yet. */
  readonly trouble: Effect.Effect<Option.Option<string>>
}

/** A report that core keeps failing on must not hold up the others for ever. */
const failingFor = Duration.minutes(5)
/** For the parts of a report that was failed on for so long. */
const partFailingFor = Duration.seconds(5)

/** Whoever is started together with core waits for it; after this it is more than a start. */
const startingFor = Duration.seconds(10)

interface Trouble {
  readonly error: CoreError
  readonly since: number
  /** Whether a person should have heard of it. */
  readonly isWarned: boolean
}

/** Core must have the first status within seconds of its return, so the longest pause is about 1 s. */
export const backoff = Backoff.capped({ from: "100 millis", to: "1 second" })

const isAway = ({ reason }: CoreError): boolean => reason._tag === "CoreAway"

/** `pending` is the number of statuses that wait, for the log. */
export const make = Effect.fnUntraced(function*(pending: Effect.Effect<number>) {
  const core = yield* CoreClient
  const trouble = yield* Ref.make(Option.none<Trouble>())
  /** Core that has never answered may only be starting. */
  const hasAnswered = yield* Ref.make(false)
  const refusals = yield* Ref.make(0)
  const known = yield* Ref.make(Option.none<ReportForm>())
  /** Before core has acknowledged anything, and after every trouble. */
  const isFirst = yield* Ref.make(true)

  const noteAway = Effect.fnUntraced(function*(error: CoreError) {
    if (isAway(error)) yield* Ref.set(known, Option.none())
    yield* Ref.set(isFirst, true)
    const now = yield* Monotonic.millis
    const before = Option.getOrUndefined(yield* Ref.get(trouble))
    const since = before?.since ?? now
    const isStarting = !(yield* Ref.get(hasAnswered)) && now - since < Duration.toMillis(startingFor)
    const isWarned = before?.isWarned === true || !isStarting
    yield* Ref.set(trouble, Option.some({ error, since, isWarned }))
    const text = `${error.message}; reports wait in the buffer`
    if (isWarned && before?.isWarned !== true) yield* Effect.logWarning(text)
    else if (before === undefined) yield* Effect.logInfo(text)
  })

  /** The first, the tenth, the hundredth …: a check whose status core never takes must not fill the log. */
  const noteRefused = Effect.fnUntraced(function*(error: CoreError, what: string) {
    const count = yield* Ref.updateAndGet(refusals, (before) => before + 1)
    if (!Number.isInteger(Math.log10(count))) return
    yield* Effect.logError(`${what} was given up, ${count} so far: ${error.message}`)
  })

  const noteBack = Effect.gen(function*() {
    const isFirstAnswer = !(yield* Ref.getAndSet(hasAnswered, true))
    if (Option.isNone(yield* Ref.getAndSet(trouble, Option.none()))) return
    yield* Effect.logInfo(`core is ${isFirstAnswer ? "there" : "back"}; ${yield* pending} statuses were waiting`)
  })

  const learn = Effect.fnUntraced(function*(takesParts: boolean) {
    const form: ReportForm = takesParts ? "parts" : "whole"
    const before = yield* Ref.getAndSet(known, Option.some(form))
    if (Option.isSome(before) && before.value === form) return form
    yield* Effect.logDebug(
      takesParts ? "core takes reports in parts" : "core takes each report for the whole poller: all checks go in one"
    )
    return form
  })

  const ask = Effect.flatMap(core.takesParts, learn)

  const seenLosses = yield* Ref.make(yield* core.losses)
  /** A core that was restarted between two reports is another one, although no report failed. */
  const noteLosses = Effect.gen(function*() {
    const losses = yield* core.losses
    if ((yield* Ref.getAndSet(seenLosses, losses)) === losses) return
    yield* Ref.set(known, Option.none())
    yield* Ref.set(isFirst, true)
  })

  const formOnce = Effect.flatMap(
    Effect.andThen(noteLosses, Ref.get(known)),
    Option.match({ onNone: () => Effect.tapError(ask, noteAway), onSome: Effect.succeed })
  )

  /** One send, until core has it, is away, or it is clear that core never will have it. */
  const send = (one: ReportBatch.Send, to: ReportHeader, patience: Duration.Duration): Effect.Effect<void, CoreError> =>
    Effect.flatMap(Monotonic.within(patience), (isWithinPatience) =>
      // Made anew for each attempt: the chunks can be gone through once.
      Effect.suspend(() =>
        one._tag === "Unary"
          ? core.report(to, one.statuses)
          : core.stream(to, ReportBatch.chunks(one.statuses))
      ).pipe(
        // Whoever rejects a report is there.
        Effect.tapError((error) => error.reason._tag === "ReportRejected" ? noteBack : noteAway(error)),
        Effect.retry({
          schedule: backoff,
          while: (error) => error.reason._tag === "CoreFailed" ? isWithinPatience : Effect.succeed(false)
        }),
        Effect.tap(({ takesParts }) => learn(takesParts)),
        Effect.andThen(noteBack),
        Effect.andThen(Ref.set(isFirst, false)),
        Effect.andThen(Metric.update(PollerMetrics.reportsSent, 1))
      ))

  /** The statuses of `range` that core will not take, however they are cut; fails when core goes away. */
  const undeliverable = <A extends WithStatus>(
    reports: ReadonlyArray<A>,
    range: Range,
    to: ReportHeader,
    patience: Duration.Duration
  ): Effect.Effect<ReadonlyArray<A>, CoreError> =>
    Effect.gen(function*() {
      const refused: Array<A> = []
      let { first } = range
      for (const planned of ReportBatch.plan(reports.slice(range.first, range.end).map(({ status }) => status))) {
        const from = first
        first += planned.statuses.length
        const part = reports.slice(from, first)
        const header = { ...to, reportId: partId(to.reportId, { first: from, end: first }, reports.length) }
        const failure = yield* send(planned, header, patience).pipe(
          Effect.as(undefined),
          Effect.catchIf((error) => !isAway(error), Effect.succeed)
        )
        if (failure === undefined) continue
        const [only, ...others] = part
        if (only !== undefined && others.length === 0) {
          yield* noteRefused(failure, nameOf(only.status))
          refused.push(only)
          continue
        }
        const middle = from + (part.length >> 1)
        refused.push(...yield* undeliverable(reports, { first: from, end: middle }, to, partFailingFor))
        refused.push(...yield* undeliverable(reports, { first: middle, end: first }, to, partFailingFor))
      }
      return refused
    })

  const deliverWhole: ReportDelivery["deliverWhole"] = (statuses, header) =>
    Effect.gen(function*() {
      const sends = WholeReport.plan(statuses, { isFirst: yield* Ref.get(isFirst) })
      yield* Effect.forEach(sends, (one) => send(one, header, failingFor), { discard: true })
      return "settled" as const
    }).pipe(
      Effect.catch((error) =>
        isAway(error)
          ? Effect.succeed("away" as const)
          : Effect.as(noteRefused(error, `a report of ${statuses.length} statuses`), "refused" as const)
      )
    )

  return {
    form: formOnce.pipe(
      Effect.retry(backoff),
      // The schedule has no end, which its type cannot say.
      Effect.orDie
    ),
    formNow: Effect.option(formOnce),
    formKnown: Ref.get(known),
    isKnownToTakeParts: () => Option.contains(Ref.getUnsafe(known), "parts"),
    deliverParts: (reports, header) =>
      undeliverable(reports, { first: 0, end: reports.length }, header, failingFor).pipe(
        Effect.match({
          onSuccess: (refused) => ({ _tag: "Settled", refused: new Set(refused) }),
          onFailure: () => ({ _tag: "Away" })
        })
      ),
    deliverWhole,
    heartbeat: (header) =>
      core.report(header, []).pipe(
        Effect.flatMap(({ takesParts }) => learn(takesParts)),
        Effect.andThen(noteBack),
        Effect.catch(noteAway)
      ),
    trouble: Effect.map(Ref.get(trouble), Option.map(({ error }) => error.message))
  } satisfies ReportDelivery
})

/** Places in a report; `end` is the one behind the last. */
interface Range {
  readonly first: number
  readonly end: number
}

const partId = (id: string, { end, first }: Range, length: number): string =>
  id === "" || end - first === length ? id : `${id}/${first + 1}-${end}`

const nameOf = ({ agentId, serviceName, serviceType }: ServiceStatus): string =>
  `status ${serviceType} ${JSON.stringify(serviceName)} of agent ${agentId}`
