/**
 * Runs every check in a fiber of its own, so that one that hangs, dies or floods changes nothing for the others.
 *
 * One fiber per checker: it prepares the checker, then serves one check at a time. Requests for a check that is running
 * already share its outcome, so any number of equal requests costs one probe. A checker that dies takes its resources
 * with it and is made anew for the next request; one that was not asked for a while ends; of too many, the one asked
 * longest ago makes room. What a checker does synchronously still holds up everybody: JavaScript has one thread.
 */
import { Cause, Clock, Context, Deferred, Duration, Effect, Exit, FiberMap, Latch, Layer, Option, Schema } from "effect"
import type { ProbeOutcome } from "../../domain/monitoring/ProbeOutcome.ts"
import { brokenOutcome, type Checker, type CheckRequest, checkWithin, type ProbeError, Prober } from "./Prober.ts"

/** Every checker that may be kept is at work. */
export class AgentBusy extends Schema.TaggedError<AgentBusy>()("AgentBusy", {
  checkersMax: Schema.Int
}) {
  override get message(): string {
    return `All ${this.checkersMax} checkers of this agent are at work: raise the limit or spread the checks over agents`
  }
}

export type CheckError = ProbeError | AgentBusy

export interface CheckRunnerOptions {
  /** Checkers kept, which also bounds the checks that run at once. 4096 unless told. */
  readonly checkersMax?: number
  /** How long a checker is kept without being asked. 15 minutes unless told. */
  readonly idle?: Duration.Input
}

export class CheckRunner extends Context.Service<CheckRunner, {
  /** Answers within the checker's time limit and a little more, whatever the checker does. */
  readonly run: (request: CheckRequest) => Effect.Effect<ProbeOutcome, CheckError>
  /** Ends checkers that nobody asks any more; runs for ever. */
  readonly sweep: Effect.Effect<never>
  /** Checkers kept at the moment. */
  readonly size: Effect.Effect<number>
}>()("serviceradar/services/agent/CheckRunner") {
  static readonly layer = (options: CheckRunnerOptions = {}): Layer.Layer<CheckRunner, never, Prober> =>
    Layer.effect(CheckRunner, make(options))
}

type Answer = Deferred.Deferred<ProbeOutcome, CheckError>

interface Slot {
  readonly key: string
  /** Open when somebody waits for a check. */
  readonly asked: Latch.Latch
  pending: Answer | undefined
  checker: Checker | undefined
  askedNanos: bigint
}

const checkersMaxDefault = 4096
const idleDefault = Duration.minutes(15)
/** What a caller waits beyond the checker's own limit, for a checker that resists interruption. */
const grace = Duration.millis(500)
/** Preparing never waits on the network; one that hangs nevertheless is given up after this. */
const prepareTimeout = Duration.seconds(5)

const keyOf = (request: CheckRequest): string =>
  JSON.stringify([request.serviceType, request.serviceName, request.details, request.port, request.pollerId])

const firstLine = (cause: Cause.Cause<unknown>): string => Cause.pretty(cause).split("\n")[0] ?? "unknown"

const make = Effect.fnUntraced(function*(options: CheckRunnerOptions) {
  const prober = yield* Prober
  const checkersMax = options.checkersMax ?? checkersMaxDefault
  const idle = Duration.fromInputUnsafe(options.idle ?? idleDefault)
  const slots = new Map<string, Slot>()
  const fibers = yield* FiberMap.make<Slot, void, never>()

  /** A slot is forgotten once, so that a late end of an abandoned checker does not touch its successor. */
  const forget = (slot: Slot) => {
    if (slots.get(slot.key) === slot) slots.delete(slot.key)
  }

  const answer = (slot: Slot, exit: Exit.Exit<ProbeOutcome, CheckError>) =>
    Effect.suspend(() => {
      const pending = slot.pending
      slot.pending = undefined
      slot.asked.closeUnsafe()
      return pending === undefined ? Effect.void : Effect.asVoid(Deferred.done(pending, exit))
    })

  /** Never ends but by idleness or a failure; in both cases nobody is left waiting. */
  const serve = (slot: Slot, checker: Checker) =>
    Effect.gen(function*() {
      while (true) {
        yield* slot.asked.await
        yield* answer(
          slot,
          yield* Effect.exit(checkWithin(checker, checker.timeout)).pipe(
            Effect.flatMap((exit) =>
              Exit.isSuccess(exit)
                ? Effect.succeed(exit)
                : Effect.andThen(broken(slot, exit.cause), Effect.failCause(exit.cause))
            )
          )
        )
      }
    })

  const broken = (slot: Slot, cause: Cause.Cause<never>) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.void
      : Effect.logError("checker broke", cause).pipe(Effect.annotateLogs({ check: slot.key }))

  const live = (slot: Slot, request: CheckRequest) =>
    Effect.gen(function*() {
      const checker = yield* prober.prepare(request)
      slot.checker = checker
      return yield* serve(slot, checker)
    }).pipe(
      Effect.scoped,
      Effect.onExit((exit) => {
        forget(slot)
        return answer(slot, Exit.isFailure(exit) ? endOf(slot, exit.cause) : Exit.die("a checker ended"))
      }),
      Effect.exit,
      Effect.asVoid
    )

  /** What those who wait are told when the checker's fiber ends. */
  const endOf = (slot: Slot, cause: Cause.Cause<CheckError>): Exit.Exit<ProbeOutcome, CheckError> => {
    const checker = slot.checker
    if (checker === undefined || Cause.hasFails(cause)) return Exit.failCause(cause)
    return Exit.succeed(brokenOutcome(checker, firstLine(cause)))
  }

  const drop = (slot: Slot) => {
    forget(slot)
    return FiberMap.remove(fibers, slot).pipe(Effect.forkDetach)
  }

  /** The checker asked longest ago of those that have nothing to do. */
  const oldestIdle = (): Slot | undefined =>
    [...slots.values()].filter((slot) => slot.pending === undefined).reduce<Slot | undefined>(
      (best, slot) => best === undefined || slot.askedNanos < best.askedNanos ? slot : best,
      undefined
    )

  /** Starts the checker when there is none; the request is entered first, so that a checker that fails finds it. */
  const ask = (request: CheckRequest, askedNanos: bigint): Effect.Effect<readonly [Slot, Answer], AgentBusy> =>
    Effect.suspend(() => {
      const key = keyOf(request)
      const known = slots.get(key)
      const victim = known === undefined && slots.size >= checkersMax ? oldestIdle() : undefined
      if (known === undefined && victim === undefined && slots.size >= checkersMax) {
        return Effect.fail(new AgentBusy({ checkersMax }))
      }
      if (victim !== undefined) forget(victim)
      const slot = known ?? { key, asked: Latch.makeUnsafe(), pending: undefined, checker: undefined, askedNanos }
      const pending = slot.pending ?? Deferred.makeUnsafe<ProbeOutcome, CheckError>()
      slots.set(key, slot)
      slot.askedNanos = askedNanos
      slot.pending = pending
      slot.asked.openUnsafe()
      return Effect.gen(function*() {
        if (victim !== undefined) yield* drop(victim)
        if (known === undefined) yield* FiberMap.run(fibers, slot, live(slot, request))
        return [slot, pending] as const
      })
    })

  const run = Effect.fn("CheckRunner.run")(function*(request: CheckRequest) {
    const nowNanos = yield* Clock.monotonicTimeNanos
    const [slot, pending] = yield* Effect.uninterruptible(ask(request, nowNanos))
    const first = yield* Effect.timeoutOption(Deferred.await(pending), limitOf(slot))
    if (Option.isSome(first)) return first.value
    // A checker that became ready meanwhile has its own limit, which may be longer.
    const limit = limitOf(slot)
    return yield* Effect.timeoutOrElse(Deferred.await(pending), { duration: limit, orElse: () => giveUp(slot, limit) })
  })

  const limitOf = (slot: Slot): Duration.Duration => Duration.sum(slot.checker?.timeout ?? prepareTimeout, grace)

  const giveUp = (slot: Slot, limit: Duration.Duration) =>
    Effect.as(
      drop(slot),
      slot.checker === undefined
        ? {
          available: false,
          responseTimeNanos: 0n,
          message: JSON.stringify({ error: `the checker was not ready after ${Duration.format(limit)}` })
        }
        : slot.checker.failed(`the checker hangs and was given up after ${Duration.format(limit)}`)
    )

  /** One sweeper for all: an idle checker needs no timer of its own. */
  const sweepOnce = Effect.gen(function*() {
    const oldestNanos = (yield* Clock.monotonicTimeNanos) - BigInt(Math.round(Duration.toMillis(idle) * 1e6))
    const unused = [...slots.values()].filter((slot) => slot.pending === undefined && slot.askedNanos < oldestNanos)
    yield* Effect.forEach(unused, drop, { discard: true })
  })
  const sweep = sweepOnce.pipe(Effect.delay(Duration.times(idle, 0.5)), Effect.forever)

  return CheckRunner.of({ run, sweep, size: Effect.sync(() => slots.size) })
})
