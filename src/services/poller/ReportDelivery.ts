/**
 * Brings reports to core in the form that this core takes, and tells apart those that core will never take.
 *
 * A core of ours takes reports in parts. A batch that it refuses is cut in halves until the one status that it does not
 * like is alone: it must not cost those which happened to be measured with it. So is one that is too large for core, and
 * what core took of it is remembered: until it is another core, or was away, it gets nothing larger. Any other core takes each
 * report for the whole poller, so it gets the whole or nothing, in smaller messages where it must. Which of the two it is is asked before the first report and again after
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

/** Smaller slices are not tried of what a core refuses that does not say what it takes. */
const sliceBytesMin = 16_384

const isTooLarge = ({ reason }: CoreError): boolean => reason._tag === "ReportTooLarge"

/** After this answer to a send whose largest message had so many bytes. */
const limitsAfter = ({ reason }: CoreError, refusedBytes: number): ReportBatch.SizeLimits =>
  ReportBatch.limitsBelow(
    refusedBytes,
    reason._tag === "ReportTooLarge" ? Option.getOrUndefined(reason.bytesMax) : undefined
  )

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
  /** What this core takes in one message. */
  const sizes = yield* Ref.make(ReportBatch.usualLimits)

  const noteSmaller = Effect.fnUntraced(function*(limits: ReportBatch.SizeLimits) {
    const before = yield* Ref.getAndUpdate(sizes, (now) => ReportBatch.smaller(limits, now))
    if (before !== ReportBatch.usualLimits) return
    yield* Effect.logWarning(
      `core takes small messages only: reports go in parts of ${limits.unaryBytes} bytes or less`
    )
  })

  const noteAway = Effect.fnUntraced(function*(error: CoreError) {
    if (isAway(error)) yield* Effect.andThen(Ref.set(known, Option.none()), Ref.set(sizes, ReportBatch.usualLimits))
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
    yield* Ref.set(sizes, ReportBatch.usualLimits)
    yield* Ref.set(isFirst, true)
  })

  const formOnce = Effect.flatMap(
    Effect.andThen(noteLosses, Ref.get(known)),
    Option.match({ onNone: () => Effect.tapError(ask, noteAway), onSome: Effect.succeed })
  )

  /** One send, until core has it, is away, or it is clear that core never will have it. */
  const send = (
    one: ReportBatch.Send,
    to: ReportHeader,
    { patience, sliceBytes }: { readonly patience: Duration.Duration; readonly sliceBytes: number }
  ): Effect.Effect<void, CoreError> =>
    Effect.flatMap(Monotonic.within(patience), (isWithinPatience) =>
      // Made anew for each attempt: the chunks can be gone through once.
      Effect.suspend(() =>
        one._tag === "Unary"
          ? core.report(to, one.statuses)
          : core.stream(to, ReportBatch.chunks(one.statuses, sliceBytes))
      ).pipe(
        // Whoever rejects a report is there.
        Effect.tapError((error) =>
          error.reason._tag === "ReportRejected" || isTooLarge(error) ? noteBack : noteAway(error)
        ),
        Effect.retry({
          schedule: backoff,
          while: (error) => error.reason._tag === "CoreFailed" ? isWithinPatience : Effect.succeed(false)
        }),
        Effect.tap(({ takesParts }) => learn(takesParts)),
        Effect.andThen(noteBack),
        Effect.andThen(Ref.set(isFirst, false)),
        Effect.andThen(Metric.update(PollerMetrics.reportsSent, 1))
      ))

  /** One status by a stream of smaller slices; why core does not take it, if it takes none. */
  const sendSliced = Effect.fnUntraced(function*(
    status: ServiceStatus,
    to: ReportHeader,
    before: { readonly failure: CoreError; readonly refusedBytes: number; readonly patience: Duration.Duration }
  ): Effect.fn.Return<CoreError | undefined, CoreError> {
    let { failure, refusedBytes } = before
    const { patience } = before
    const one: ReportBatch.Send = { _tag: "Stream", statuses: [status] }
    while (failure.reason._tag === "ReportTooLarge") {
      const limits = limitsAfter(failure, refusedBytes)
      const isTold = Option.isSome(failure.reason.bytesMax)
      if (limits.sliceBytes >= refusedBytes || (!isTold && limits.sliceBytes < sliceBytesMin)) return failure
      const next = yield* refusal(send(one, to, { patience, sliceBytes: limits.sliceBytes }))
      if (next === undefined) {
        yield* noteSmaller(limits)
        return undefined
      }
      failure = next
      refusedBytes = limits.sliceBytes
    }
    return failure
  })

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
      const limits = yield* Ref.get(sizes)
      const { sliceBytes } = limits
      const statuses = reports.slice(range.first, range.end).map(({ status }) => status)
      for (const planned of ReportBatch.plan(statuses, limits)) {
        const from = first
        first += planned.statuses.length
        const part = reports.slice(from, first)
        const header = { ...to, reportId: partId(to.reportId, { first: from, end: first }, reports.length) }
        const failure = yield* refusal(send(planned, header, { patience, sliceBytes }))
        if (failure === undefined) continue
        const refusedBytes = ReportBatch.largestMessage(planned, limits)
        const [only, ...others] = part
        if (only !== undefined && others.length === 0) {
          const last = yield* sendSliced(only.status, header, { failure, refusedBytes, patience })
          if (last === undefined) continue
          yield* noteRefused(last, nameOf(only.status))
          refused.push(only)
          continue
        }
        if (isTooLarge(failure)) yield* noteSmaller(limitsAfter(failure, refusedBytes))
        const middle = from + (part.length >> 1)
        refused.push(...yield* undeliverable(reports, { first: from, end: middle }, to, partFailingFor))
        refused.push(...yield* undeliverable(reports, { first: middle, end: first }, to, partFailingFor))
      }
      return refused
    })

  const sendWhole = (
    statuses: ReadonlyArray<ServiceStatus>,
    header: ReportHeader,
    limits: ReportBatch.SizeLimits
  ): Effect.Effect<void, CoreError> =>
    Effect.gen(function*() {
      const sends = WholeReport.plan(statuses, { isFirst: yield* Ref.get(isFirst), limits })
      const refusedBytes = Math.max(...sends.map((one) => ReportBatch.largestMessage(one, limits)))
      const to = { patience: failingFor, sliceBytes: limits.sliceBytes }
      yield* Effect.forEach(sends, (one) => send(one, header, to), { discard: true }).pipe(
        Effect.catchIf(isTooLarge, (error) => {
          const smaller = limitsAfter(error, refusedBytes)
          return smaller.sliceBytes < refusedBytes && smaller.sliceBytes >= sliceBytesMin
            ? Effect.andThen(sendWhole(statuses, header, smaller), noteSmaller(smaller))
            : Effect.fail(error)
        })
      )
    })

  const deliverWhole: ReportDelivery["deliverWhole"] = (statuses, header) =>
    Effect.flatMap(Ref.get(sizes), (limits) => sendWhole(statuses, header, limits)).pipe(
      Effect.as("settled" as const),
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

/** Why core does not take it; undefined when it did. Fails when core is away. */
const refusal = (sent: Effect.Effect<void, CoreError>): Effect.Effect<CoreError | undefined, CoreError> =>
  sent.pipe(Effect.as(undefined), Effect.catchIf((error) => !isAway(error), Effect.succeed))

/** Places in a report; `end` is the one behind the last. */
interface Range {
  readonly first: number
  readonly end: number
}

const partId = (id: string, { end, first }: Range, length: number): string =>
  id === "" || end - first === length ? id : `${id}/${first + 1}-${end}`

const nameOf = ({ agentId, serviceName, serviceType }: ServiceStatus): string =>
  `status ${serviceType} ${JSON.stringify(serviceName)} of agent ${agentId}`
