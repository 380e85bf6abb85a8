/**
 * The checkers of one life of an agent, each a child of a dynamic supervisor.
 *
 * A checker serves one check at a time; requests for a check that is running share its result, so any number of equal
 * requests costs one probe. One that breaks tells those who wait, loses its resources and is started again; one that is
 * not asked for a while ends; of too many, the one asked longest ago makes room. One that breaks again and again rests
 * (`RestartBudget`): what is asked of it meanwhile is answered without it. What a checker does synchronously still holds up
 * everybody, JavaScript has one thread: code that is not ours runs in threads and processes of its own.
 */
import { Cause, type Context, Deferred, Duration, Effect, Exit, Option, Schedule, type Scope } from "effect"
import * as CheckerId from "../../domain/monitoring/checks/CheckerId.ts"
import type { ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import { AgentBusy, AgentNotReady, CheckerBusy, type CheckError } from "../monitoring/CheckError.ts"
import { type CheckRequest, checkWithin, type Prober } from "../monitoring/Prober.ts"
import * as Supervisor from "../supervision/Supervisor.ts"
import { CheckerBudgets } from "./CheckerBudgets.ts"
import * as Slot from "./CheckerSlot.ts"
import type { CheckerSlot } from "./CheckerSlot.ts"

export interface PoolLimits {
  readonly checkersMax: number
  readonly idle: Duration.Duration
}

interface PoolParts {
  readonly prober: Prober["Service"]
  readonly checkers: Supervisor.DynamicSupervisor<never>
  readonly limits: PoolLimits
  /** In which the checkers run. */
  readonly context: Context.Context<never>
  readonly scope: Scope.Scope
}

/** What a checker may take to let go of what it holds before it is left behind. */
const shutdown = Duration.seconds(1)
/** How late a checker that hangs may be given up. */
const lookEvery = Duration.millis(250)
/** Requests for one check that wait for its answer together. */
const waitingMax = 1_024
/** Between a checker's end and its next start. */
const restartPause = Duration.millis(100)

/**
 * No checker restarts twice within one pause, so they can never use this up together: a hundred broken checkers must not
 * end the healthy ones.
 */
const intensityOf = (checkersMax: number) => ({ maxRestarts: 2 * checkersMax, period: restartPause })

const unready = (slot: CheckerSlot) => Slot.answer(slot, Exit.fail(new AgentNotReady()))

const millisOf = (nanos: bigint): number => Number(nanos / 1_000n) / 1_000

export class CheckerPool {
  private readonly slots = new Map<string, CheckerSlot>()
  private readonly ids = new Map<string, CheckerSlot>()
  /** Checkers that were given up and have not ended yet. */
  private ending = 0
  private renamed = 0
  private isWatched = false
  private readonly parts: PoolParts
  private readonly budgets: CheckerBudgets

  constructor(parts: PoolParts) {
    this.parts = parts
    this.budgets = new CheckerBudgets(parts.limits.checkersMax)
  }

  get size(): number {
    return this.slots.size
  }

  /** Answers within the checker's time limit and a little more, whatever the checker does. */
  run(request: CheckRequest): Effect.Effect<ProbeResult, CheckError> {
    return Effect.gen({ self: this }, function*() {
      const nowNanos = yield* Monotonic.nanos
      const rest = this.budgets.isEmpty ? undefined : this.budgets.rest(Slot.keyOf(request), millisOf(nowNanos))
      if (rest !== undefined) return rest
      const [slot, pending] = yield* Effect.uninterruptible(this.ask(request, nowNanos))
      if (slot.waiting >= waitingMax) return yield* new CheckerBusy({ checker: slot.id, waitingMax })
      slot.waiting += 1
      yield* this.watch
      return yield* Effect.ensuring(
        Deferred.await(pending),
        Effect.sync(() => {
          slot.waiting -= 1
        })
      )
    })
  }

  /** One clock for all who wait, as long as somebody does: a thousand checks a second need not have one each. */
  private readonly watch: Effect.Effect<void> = Effect.suspend(() => {
    if (this.isWatched) return Effect.void
    this.isWatched = true
    const look = Effect.flatMap(Monotonic.millis, (nowMillis) => this.giveUpLate(nowMillis))
    return Effect.delay(look, lookEvery).pipe(
      Effect.repeat({ while: (isWaited) => isWaited }),
      Effect.forkIn(this.parts.scope),
      Effect.asVoid
    )
  })

  /** Whether somebody waits still. */
  private giveUpLate(nowMillis: number): Effect.Effect<boolean> {
    const waited = [...this.slots.values()].filter(({ pending }) => pending !== undefined)
    const late = waited.filter(({ deadlineMillis }) => deadlineMillis <= nowMillis)
    // The last look ends the watch at once, so that nobody comes in between.
    if (waited.length === late.length) this.isWatched = false
    return Effect.as(
      Effect.forEach(late, (slot) => this.giveUp(slot), { discard: true }),
      waited.length > late.length
    )
  }

  /** Those that are begun anew when they are asked the next time; a check that runs is told to be asked again. */
  retireAll(where: (request: CheckRequest) => boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      const slots = [...this.slots.values()].filter(({ request }) => where(request))
      for (const { key } of slots) this.budgets.forget(key)
      return Effect.forEach(slots, (slot) => Effect.andThen(this.retire(slot), unready(slot)), { discard: true })
    })
  }

  /** Tells all who wait: who is stopped may be slow to hear of it. */
  readonly close: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach([...this.slots.values()], unready, { discard: true })
  )

  /** Starts the checker when there is none; the request is entered first, so that a checker that fails finds it. */
  private ask(
    request: CheckRequest,
    askedNanos: bigint
  ): Effect.Effect<readonly [CheckerSlot, Slot.Answer], CheckError> {
    return Effect.suspend(() => {
      const key = Slot.keyOf(request)
      const known = this.slots.get(key)
      if (known !== undefined) return Effect.succeed([known, Slot.enter(known, askedNanos)])
      const isFull = this.slots.size + this.ending >= this.parts.limits.checkersMax
      const victim = isFull ? this.oldestIdle() : undefined
      if (isFull && victim === undefined) return new AgentBusy({ checkersMax: this.parts.limits.checkersMax })
      if (victim !== undefined) this.replace(victim)
      const slot = this.makeSlot(request)
      const pending = Slot.enter(slot, askedNanos)
      const room = victim === undefined ? Effect.void : this.terminate(victim)
      return Effect.as(Effect.andThen(room, this.startChecker(slot)), [slot, pending])
    })
  }

  /** Its successor takes its place, so its end does not count. */
  private replace(victim: CheckerSlot): void {
    this.forget(victim)
    victim.isRetired = true
  }

  private makeSlot(request: CheckRequest): CheckerSlot {
    const name = CheckerId.make(request)
    const id = this.ids.has(name) ? `${name}#${++this.renamed}` : name
    const slot = Slot.make(id, request)
    this.slots.set(slot.key, slot)
    this.ids.set(id, slot)
    return slot
  }

  private startChecker(slot: CheckerSlot): Effect.Effect<void, CheckError> {
    return this.parts.checkers.startChild(Supervisor.child({
      id: slot.id,
      restart: "transient",
      shutdown,
      backoff: { schedule: Schedule.spaced(restartPause) },
      run: this.live(slot)
    })).pipe(
      Effect.asVoid,
      Effect.catchTags({
        SupervisorGone: () => new AgentNotReady(),
        ChildRefused: () => new AgentBusy({ checkersMax: this.parts.limits.checkersMax }),
        ChildStartError: () => Effect.void,
        InvalidChildSpec: (error) => Effect.die(error)
      }),
      Effect.tapError((error) => {
        this.forget(slot)
        this.freeId(slot)
        return Slot.answer(slot, Exit.fail(error))
      }),
      // The checker outlives the request that made it, and must not carry its spans and log annotations.
      Effect.updateContext(() => this.parts.context)
    )
  }

  /** One life of a checker: ends by idleness, by a request that makes no sense, or by a defect. */
  private live(slot: CheckerSlot): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      slot.checker = undefined
      yield* slot.asked.await
      const checker = yield* this.parts.prober.prepare(slot.request)
      slot.checker = checker
      Slot.restartClock(slot, yield* Monotonic.millis)
      do {
        const exit = yield* Effect.exit(
          checker.isBounded === true ? checker.check : checkWithin(checker, checker.timeout)
        )
        if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause)
        this.budgets.answered(slot.key, yield* Monotonic.millis)
        yield* Slot.answer(slot, exit)
      } while (yield* this.isAskedInTime(slot))
    }).pipe(
      Effect.scoped,
      Effect.onExit((exit) => {
        const isLast = Exit.isSuccess(exit) || Cause.hasFails(exit.cause)
        const told = Slot.answer(
          slot,
          Exit.isFailure(exit) ? Slot.endOf(slot, exit.cause) : Exit.fail(new AgentNotReady())
        )
        const noted = this.noteBreak(slot, Exit.isFailure(exit) ? Slot.defectOf(exit.cause) : undefined)
        return Effect.andThen(noted, isLast ? Effect.andThen(this.retire(slot), told) : told)
      }),
      // Whoever asked has been told; asking again makes a new checker.
      Effect.ignore
    )
  }

  /** A checker that broke is started again in any case; resting, it is not asked. */
  private noteBreak(slot: CheckerSlot, reason: string | undefined): Effect.Effect<void> {
    if (reason === undefined) return Effect.void
    return Effect.flatMap(Monotonic.millis, (nowMillis) =>
      this.budgets.broke(slot.key, reason, nowMillis)
        ? Effect.logWarning(`checker ${slot.id} broke too often and rests: ${reason}`)
        : Effect.void)
  }

  /** False when nobody asked for so long that the checker is not worth keeping; then it is forgotten at once. */
  private isAskedInTime(slot: CheckerSlot): Effect.Effect<boolean> {
    return Effect.map(
      Effect.timeoutOption(slot.asked.await, this.parts.limits.idle),
      (asked) => Option.isSome(asked) || slot.pending !== undefined || !this.forget(slot)
    )
  }

  /** A slot is forgotten once, so that a late end of an abandoned checker does not touch its successor. */
  private forget(slot: CheckerSlot): boolean {
    return this.slots.get(slot.key) === slot && this.slots.delete(slot.key)
  }

  /** Its name is free again, unless a successor has it. */
  private freeId(slot: CheckerSlot): void {
    if (this.ids.get(slot.id) === slot) this.ids.delete(slot.id)
  }

  /** Returns when the supervisor knows the checker no more. */
  private terminate(slot: CheckerSlot): Effect.Effect<void> {
    return Effect.andThen(
      Effect.ignore(this.parts.checkers.terminateChild(slot.id)),
      Effect.sync(() => this.freeId(slot))
    )
  }

  private giveUp(slot: CheckerSlot): Effect.Effect<void> {
    const limit = Slot.limitOf(slot)
    return this.noteBreak(slot, `it hangs and was given up after ${Duration.format(limit)}`).pipe(
      // Whoever asks again gets another one.
      Effect.andThen(Effect.sync(() => this.forget(slot))),
      Effect.andThen(Effect.suspend(() => Slot.answer(slot, Exit.succeed(Slot.givenUp(slot, limit))))),
      Effect.andThen(this.drop(slot))
    )
  }

  /** Forgets a checker without waiting for its end, which may take a while: until then it counts. */
  private drop(slot: CheckerSlot): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (slot.isRetired) return Effect.void
      this.ending += 1
      const ended = Effect.sync(() => {
        this.ending -= 1
      })
      return this.retire(slot, ended)
    })
  }

  private retire(slot: CheckerSlot, onEnded: Effect.Effect<void> = Effect.void): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.forget(slot)
      if (slot.isRetired) return Effect.void
      slot.isRetired = true
      return Effect.asVoid(Effect.forkDetach(Effect.ensuring(this.terminate(slot), onEnded)))
    })
  }

  /** The checker asked longest ago of those that have nothing to do. */
  private oldestIdle(): CheckerSlot | undefined {
    let oldest: CheckerSlot | undefined
    for (const slot of this.slots.values()) {
      if (slot.pending === undefined && (oldest === undefined || slot.askedNanos < oldest.askedNanos)) oldest = slot
    }
    return oldest
  }
}

/** Runs an empty pool until the Scope closes. */
export const start = Effect.fnUntraced(function*(id: string, prober: Prober["Service"], limits: PoolLimits) {
  const checkers = yield* Supervisor.startDynamic<never>({
    id,
    // Beside those that work, those that are about to end.
    maxChildren: 2 * limits.checkersMax,
    intensity: intensityOf(limits.checkersMax)
  })
  const context = yield* Effect.context()
  const scope = yield* Effect.scope
  const pool = new CheckerPool({ prober, checkers, limits, context, scope })
  yield* Effect.addFinalizer(() => pool.close)
  return { pool, await: checkers.await }
})
