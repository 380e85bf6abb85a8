/**
 * The checkers of one life of an agent, each a child of the supervisor of its kind.
 *
 * A checker serves one check at a time; requests for a check that is running share its result, so any number of equal
 * requests costs one probe. One that breaks tells those who wait, loses its resources and is started again; one that is
 * not asked for a while ends; of too many, the one asked longest ago makes room. One that breaks again and again rests
 * (`RestartBudget`): what is asked of it meanwhile is answered without it. What a checker does synchronously still holds up
 * everybody, JavaScript has one thread: code that is not ours runs in threads and processes of its own.
 *
 * What is asked is decided at once and without a fiber. A checker that needs none for its check (`Checker.direct`) makes it
 * on behalf of its fiber, which dies of what breaks in it.
 */
import { Clock, Duration, Effect, Exit } from "effect"
import type { ProbeResult } from "../../domain/monitoring/checks/ProbeResult.ts"
import * as FiberRing from "../churn/FiberRing.ts"
import * as Monotonic from "../clock/Monotonic.ts"
import { AgentBusy, CheckerBusy } from "../monitoring/CheckError.ts"
import type { Checker, CheckRequest, Prober } from "../monitoring/Prober.ts"
import * as Supervisor from "../supervision/Supervisor.ts"
import * as CheckerHouses from "./CheckerHouses.ts"
import { CheckerLives, type LivesParts } from "./CheckerLives.ts"
import * as Slot from "./CheckerSlot.ts"
import type { CheckerSlot } from "./CheckerSlot.ts"
import type { CheckerSlots } from "./CheckerSlots.ts"

export interface PoolLimits {
  readonly checkersMax: number
  readonly idle: Duration.Duration
}

interface PoolParts extends LivesParts {
  readonly idle: Duration.Duration
  /** Until the pool ends; what runs outlives the request that it was begun for, and has none of its spans. */
  readonly fork: (effect: Effect.Effect<void>) => void
}

/** How late a checker that hangs may be given up. */
const lookEvery = Duration.millis(250)
/** How much longer than told a checker may be kept that nobody asks. */
const idleShare = 0.25
/** Requests for one check that wait for its answer together. */
const waitingMax = 1_024

const nothing = () => {}

export class CheckerPool {
  readonly #parts: PoolParts
  readonly #lives: CheckerLives
  readonly #slots: CheckerSlots
  /** Checkers that were given up and have not ended yet. */
  #ending = 0
  #isWatched = false

  constructor(parts: PoolParts) {
    this.#parts = parts
    this.#lives = new CheckerLives(parts)
    this.#slots = this.#lives.slots
  }

  get size(): number {
    return this.#slots.size
  }

  /**
   * Answers within the checker's time limit and a little more, whatever the checker does; perhaps before this returns.
   * Gives back how to wait no longer.
   */
  ask(request: CheckRequest, told: Slot.Told): () => void {
    const nowMillis = this.#parts.now()
    const key = Slot.keyOf(request)
    const known = this.#slots.find(key)
    const refusal = this.#refusal(key, known, nowMillis)
    if (refusal !== undefined) {
      told(refusal)
      return nothing
    }
    // Entered before the checker starts, so that one that fails finds who asked.
    const slot = known ?? this.#begin(key, request)
    const isUnderWay = slot.waiting !== undefined
    const waiting = Slot.enter(slot, told, nowMillis)
    this.#watch()
    if (!isUnderWay) this.#wake(slot)
    return () => waiting.delete(told)
  }

  /** What is answered without a checker. */
  #refusal(key: string, known: CheckerSlot | undefined, nowMillis: number): Slot.Answer | undefined {
    const { budgets } = this.#lives
    const rest = budgets.isEmpty ? undefined : budgets.rest(key, nowMillis)
    if (rest !== undefined) return Exit.succeed(rest)
    if (known === undefined) {
      const { checkersMax } = this.#parts
      return this.#isFull && this.#slots.oldestIdle() === undefined
        ? Exit.fail(new AgentBusy({ checkersMax }))
        : undefined
    }
    return known.waiting !== undefined && known.waiting.size >= waitingMax
      ? Exit.fail(new CheckerBusy({ checker: known.id, waitingMax }))
      : undefined
  }

  get #isFull(): boolean {
    return this.#slots.size + this.#ending >= this.#parts.checkersMax
  }

  /** Where there is no room, the checker asked longest ago makes it. */
  #begin(key: string, request: CheckRequest): CheckerSlot {
    const victim = this.#isFull ? this.#slots.oldestIdle() : undefined
    if (victim !== undefined) {
      // Its successor takes its place, so its end does not count.
      this.#slots.forget(victim)
      victim.isRetired = true
    }
    const slot = this.#slots.add(key, request)
    const room = victim === undefined ? Effect.void : this.#lives.end(victim)
    this.#parts.fork(Effect.andThen(room, this.#lives.start(slot)))
    return slot
  }

  /** Has it check: at once where that needs no fiber, by its fiber otherwise. */
  #wake(slot: CheckerSlot): void {
    const direct = slot.checker?.direct
    if (direct === undefined) slot.asked.openUnsafe()
    else this.#checkDirectly(slot, direct)
  }

  #checkDirectly(slot: CheckerSlot, direct: NonNullable<Checker["direct"]>): void {
    const { waiting } = slot
    const done = (result: ProbeResult): void => {
      // Whoever asked may have been told already, and somebody else may wait for the next check.
      if (slot.waiting !== waiting) return
      slot.stop = undefined
      this.#lives.answered(slot, Exit.succeed(result))
    }
    try {
      const stop = direct(done)
      if (slot.waiting === waiting) slot.stop = stop
    } catch (cause) {
      slot.defect = { cause }
      slot.asked.openUnsafe()
    }
  }

  /** One clock for all who wait, as long as somebody does: a thousand checks a second need not have one each. */
  #watch(): void {
    if (this.#isWatched) return
    this.#isWatched = true
    const look = Effect.suspend(() => this.#giveUpLate())
    this.#parts.fork(Effect.asVoid(Effect.repeat(Effect.delay(look, lookEvery), { while: (isWaited) => isWaited })))
  }

  /** Whether somebody waits still. */
  #giveUpLate(): Effect.Effect<boolean> {
    const nowMillis = this.#parts.now()
    const waited = this.#slots.where(({ waiting }) => waiting !== undefined)
    const late = waited.filter(({ deadlineMillis }) => deadlineMillis <= nowMillis)
    // The last look ends the watch at once, so that nobody comes in between.
    if (waited.length === late.length) this.#isWatched = false
    return Effect.as(
      Effect.forEach(late, (slot) => this.#giveUp(slot), { discard: true }),
      waited.length > late.length
    )
  }

  #giveUp(slot: CheckerSlot): Effect.Effect<void> {
    const limit = Slot.limitOf(slot)
    return this.#lives.noteBreak(slot, `it hangs and was given up after ${Duration.format(limit)}`).pipe(
      Effect.andThen(Effect.suspend(() => {
        // Whoever asks again gets another one.
        this.#slots.forget(slot)
        Slot.answer(slot, Exit.succeed(Slot.givenUp(slot, limit)))
        return this.#drop(slot)
      }))
    )
  }

  /** Forgets a checker without waiting for its end, which may take a while: until then it counts. */
  #drop(slot: CheckerSlot): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (slot.isRetired) return Effect.void
      this.#ending += 1
      const ended = Effect.sync(() => {
        this.#ending -= 1
      })
      return this.#lives.retire(slot, ended)
    })
  }

  /** Ends those that nobody asks any more, for as long as it runs: one clock for all. */
  get endIdle(): Effect.Effect<never> {
    const idleMillis = Duration.toMillis(this.#parts.idle)
    const look = Effect.suspend(() => {
      const before = this.#parts.now() - idleMillis
      const idle = this.#slots.where(({ askedMillis, waiting }) => waiting === undefined && askedMillis <= before)
      return Effect.forEach(idle, (slot) => this.#lives.retire(slot), { discard: true })
    })
    return Effect.forever(Effect.delay(look, Duration.millis(idleShare * idleMillis)))
  }

  /** Those that are begun anew when they are asked the next time; a check that runs is made to its end before. */
  retireAll(where: (request: CheckRequest) => boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      const slots = this.#slots.where(({ request }) => where(request))
      for (const { key } of slots) this.#lives.budgets.forget(key)
      return Effect.forEach(
        slots,
        (slot) => slot.waiting === undefined ? this.#lives.retire(slot) : Effect.sync(() => this.#retireLater(slot)),
        { discard: true }
      )
    })
  }

  /** Whoever waits gets the answer of what was there when it was asked; whoever asks from now on does not wait with them. */
  #retireLater(slot: CheckerSlot): void {
    this.#slots.setAside(slot)
    slot.waiting?.add(() => this.#parts.fork(this.#lives.retire(slot)))
  }

  /** Tells all who wait: who is stopped may be slow to hear of it. */
  readonly close: Effect.Effect<void> = Effect.sync(() => {
    for (const slot of this.#slots.where(() => true)) {
      // All of them end together now, and need not be ended one by one.
      slot.isRetired = true
      Slot.answer(slot, Slot.notReady)
    }
  })
}

/** Runs an empty pool until the Scope closes. */
export const start = Effect.fnUntraced(
  function*(id: string, prober: Prober["Service"], { checkersMax, idle }: PoolLimits) {
    const { run: fork } = yield* FiberRing.make()
    const houses = CheckerHouses.make(checkersMax)
    const running = yield* Effect.orDie(
      Supervisor.start({ id, strategy: "one_for_one", children: houses.supervisors })
    )
    const clock = yield* Clock.Clock
    const now = () => Monotonic.millisOf(clock)
    const pool = new CheckerPool({ prober, houses, checkersMax, idle, now, fork })
    yield* Effect.addFinalizer(() => pool.close)
    fork(pool.endIdle)
    return { pool, await: running.await }
  }
)
