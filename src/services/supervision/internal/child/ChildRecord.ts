/**
 * One child as its supervisor's shell sees it: the fiber that lives now, and what is remembered of earlier lives.
 *
 * The fiber's end is learned from an observer, not from a watching fiber: an idle child costs one fiber and this.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { ExitClass } from "../../../../domain/supervision/ChildExit.ts"
import * as Shutdown from "../../../../domain/supervision/Shutdown.ts"
import type { LastExit } from "../../../../domain/supervision/TreeNode.ts"
import { type HeartbeatMissed, StartAbandoned, type StartTimedOut } from "../../SupervisorError.ts"
import * as ExitReason from "../ExitReason.ts"
import * as ChildLimit from "./ChildLimit.ts"
import { monotonicMillis, type StartResult } from "./ChildOwner.ts"
import { ChildPlace } from "./ChildPlace.ts"

/** Exits remembered per child. */
const exitsMax = 20

export class ChildRecord<E> extends ChildPlace<E, ChildRecord<unknown>> implements ChildLimit.LimitedChild<E> {
  /** Used by dynamic supervisors; a static one's decision knows it. */
  status: "starting" | "running" | "restarting" | "stopping" = "starting"
  /** Wall clock, and undefined unless running. */
  startedAt: number | undefined = undefined
  startedMillis = 0
  /** How long the last life lasted. */
  ranMillis = 0
  /** Since when it is missed: its end, unless that was asked for. */
  brokeAtMillis: number | undefined = undefined
  beatMillis = 0
  /** Wall clock of the next start, while a backoff delays it. */
  backoffUntil: number | undefined = undefined
  restartsTotal = 0
  /** Why the last life failed; forgotten when the next one has started. */
  failure: Cause.Cause<E> = Cause.empty
  /** Oldest first. One array for the whole life of the record, so whoever shows it shows a copy. */
  private remembered: Array<LastExit> | undefined = undefined
  /** Whether the end that comes next was asked for by the supervisor. */
  isAsked = false
  /** Whether the last end is to be reported although it came while the child was being stopped. */
  isUnexpected = false
  /** Why the end that comes next was forced by us, although nobody asked the child to stop. */
  forced: StartTimedOut | HeartbeatMissed | undefined = undefined
  /** Tells lives apart; a life that was left behind is none any more. */
  private life = 0
  /** Who waits for the result of the start that is under way. */
  private onResult: ((result: StartResult) => void) | undefined = undefined
  /** Ends what takes too long: the start, then silence, then the finalizers. One at a time. */
  limit: Fiber.Fiber<unknown> | undefined = undefined
  /** Whether the running gauge counts it. */
  isCounted = false

  /** The last exits, oldest first. */
  get exits(): ReadonlyArray<LastExit> {
    return this.remembered?.slice() ?? []
  }

  get lastExit(): LastExit | undefined {
    return this.remembered?.at(-1)
  }

  nowMillis(): number {
    return monotonicMillis(this.owner.clock)
  }

  beat(): void {
    this.beatMillis = this.nowMillis()
  }

  heartbeatAgeMillis(): number {
    return this.nowMillis() - this.beatMillis
  }

  /**
   * Forks the child and runs it to its first wait. `onResult` hears once whether it started; `onExit` hears of the end
   * of a child that had started, unless that was asked for. Both may be called before this returns.
   */
  start(onResult: (result: StartResult) => void, onExit: (exit: ExitClass) => void): void {
    const life = ++this.life
    let isStarted = false
    this.isAsked = false
    this.isClosing = false
    this.forced = undefined
    this.limit = undefined
    this.onResult = onResult
    const onStarted = (): void => {
      if (life !== this.life) return
      isStarted = true
      this.failure = Cause.empty
      this.backoffUntil = undefined
      this.startedAt = this.owner.clock.currentTimeMillisUnsafe()
      this.startedMillis = this.nowMillis()
      this.beatMillis = this.startedMillis
      ChildLimit.lift(this)
      ChildLimit.ofSilence(this, () => onExit("failure"))
      this.settle("Started")
    }
    const onEnded = (exit: Exit.Exit<unknown, E>): void => {
      if (!isStarted && exit._tag === "Success") return this.settle("Ignored")
      const reason = this.remember(exit, isStarted)
      if (!isStarted) this.settle("StartFailed")
      else if (!this.isAsked) onExit(reason)
    }
    const whole = this.bound.life(
      this,
      onStarted,
      (exit) => life === this.life ? ChildLimit.ofEnd(this, () => onEnded(exit)) : Effect.void
    )
    // Known before any of the child's own code runs, which may already ask for its own end.
    this.owner.fork(Effect.withFiber<unknown, E>((fiber) => {
      this.adopt(fiber, onEnded)
      return whole
    }))
    if (!isStarted && this.fiber !== undefined && life === this.life) {
      ChildLimit.ofStart(this, () => this.settle("StartFailed"))
    }
  }

  private adopt(current: Fiber.Fiber<unknown, unknown>, onEnded: (exit: Exit.Exit<unknown, E>) => void): void {
    // boundary: the fiber that evaluates this child's life ends as that life does
    const fiber = current as Fiber.Fiber<unknown, E>
    this.fiber = fiber
    fiber.addObserver((exit) => {
      if (this.fiber !== fiber) return this.owner.strayEnded(this, exit)
      ChildLimit.lift(this)
      this.fiber = undefined
      this.startedAt = undefined
      onEnded(exit)
    })
  }

  private settle(result: StartResult): void {
    const onResult = this.onResult
    this.onResult = undefined
    onResult?.(result)
  }

  /** Interrupts the child without waiting for it. */
  ask(): void {
    this.isAsked = true
    this.fiber?.interruptUnsafe()
  }

  /** Interrupts the child, and waits until it has ended or its limit is over. Says whether it was left behind. */
  stop(): Effect.Effect<"ended" | "abandoned"> {
    return Effect.suspend(() => {
      this.ask()
      const fiber = this.fiber
      if (fiber === undefined) return Effect.succeed("ended")
      return Effect.map(ChildLimit.endedInTime(this, fiber), () => {
        if (this.fiber !== fiber) return "ended"
        this.abandon()
        return "abandoned"
      })
    })
  }

  /** Forgets a fiber that did not end in time. What it does from now on is not heard. */
  abandon(): void {
    this.life += 1
    ChildLimit.lift(this)
    this.fiber = undefined
    this.startedAt = undefined
    this.push("abandoned", "did not end within its shutdown limit")
    this.goDown("abandoned")
  }

  get tellAbandoned(): Effect.Effect<unknown> {
    return this.owner.abandoned(this)
  }

  /** Answers whoever still waits for the start of a child that was stopped meanwhile. */
  giveUpStart(): void {
    if (this.onResult === undefined) return
    const limitMillis = Shutdown.limitMillis(this.bound.description.shutdown)
    if (this.failure.reasons.length === 0) {
      this.failure = Cause.die(new StartAbandoned({ path: this.path, limitMillis }))
    }
    this.settle("StartFailed")
  }

  private remember(exit: Exit.Exit<unknown, E>, isStarted: boolean): ExitClass {
    const { forced } = this
    if (isStarted) this.ranMillis = this.nowMillis() - this.startedMillis
    this.failure = forced === undefined ? (exit._tag === "Failure" ? exit.cause : Cause.empty) : Cause.die(forced)
    const reason = forced === undefined ? ExitReason.classify(exit, this.isAsked) : "failure"
    this.isUnexpected = ExitReason.isUnexpected(exit, reason, this.bound.description.restart)
    this.push(reason, forced === undefined ? ExitReason.describe(exit) : forced.message)
    this.goDown(reason)
    return reason
  }

  private push(reason: LastExit["reason"], message: string): void {
    const exit: LastExit = { reason, message, at: this.owner.clock.currentTimeMillisUnsafe() }
    if (this.remembered === undefined) {
      this.remembered = [exit]
      return
    }
    if (this.remembered.length === exitsMax) this.remembered.shift()
    this.remembered.push(exit)
  }
}
