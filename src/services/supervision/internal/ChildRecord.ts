/**
 * One child as the shell sees it: the fiber that lives now, and what is remembered of earlier lives.
 *
 * The fiber's end is learned from an observer, not from a watching fiber: an idle child costs one fiber and this.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { ExitClass } from "../../../domain/supervision/ChildExit.ts"
import * as Shutdown from "../../../domain/supervision/Shutdown.ts"
import type { SupervisionEvent } from "../../../domain/supervision/SupervisionEvent.ts"
import type { LastExit } from "../../../domain/supervision/TreeNode.ts"
import type { BoundChild } from "../ChildSpec.ts"
import { monotonicMillis, type Owner, type StartResult } from "./ChildOwner.ts"
import type { ChildPosition, Subtree } from "./ChildPosition.ts"
import * as ExitReason from "./ExitReason.ts"
import { watch } from "./Watchdog.ts"

/** Exits remembered per child. */
const exitsMax = 20

export class ChildRecord<E> implements ChildPosition {
  bound: BoundChild<E>
  readonly owner: Owner
  fiber: Fiber.Fiber<unknown, E> | undefined = undefined
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
  failure: Cause.Cause<E> = Cause.empty
  exits: ReadonlyArray<LastExit> = []
  /** Supervisors that run inside; undefined while there never was one, for most children have none. */
  subtrees: ReadonlyArray<Subtree> | undefined = undefined
  /** Whether the end that comes next was asked for by the supervisor. */
  isAsked = false
  /** Whether the end that comes next was forced by a missing heartbeat. */
  private isStalled = false
  /** Tells lives apart; a life that was left behind is none any more. */
  private life = 0
  /** Watches for heartbeats while the child lives, and for the end of its finalizers after that. */
  private watchdog: Fiber.Fiber<unknown> | undefined = undefined
  /** Whether the running gauge counts it. */
  isCounted = false

  constructor(bound: BoundChild<E>, owner: Owner) {
    this.bound = bound
    this.owner = owner
  }

  get id(): string {
    return this.bound.description.id
  }

  get path(): string {
    return `${this.owner.path}/${this.id}`
  }

  get isSupervisor(): boolean {
    return this.bound.description.kind !== "worker"
  }

  attach(subtree: Subtree): () => void {
    this.subtrees = [...this.subtrees ?? [], subtree]
    return () => {
      this.subtrees = this.subtrees?.filter((other) => other !== subtree)
    }
  }

  publish(event: SupervisionEvent): void {
    this.owner.publish(event)
  }

  beat(): void {
    this.beatMillis = monotonicMillis(this.owner.clock)
  }

  heartbeatAgeMillis(): number {
    return monotonicMillis(this.owner.clock) - this.beatMillis
  }

  /**
   * Forks the child. `onResult` hears once whether it started; `onExit` hears of the end of a child that had started.
   * Both may be called before this returns.
   */
  start(onResult: (result: StartResult) => void, onExit: (exit: ExitClass) => void): Effect.Effect<void> {
    return Effect.suspend(() => {
      let isStarted = false
      this.isAsked = false
      this.isStalled = false
      this.watchdog = undefined
      const number = ++this.life
      const onStarted = (): void => {
        isStarted = true
        this.backoffUntil = undefined
        this.startedAt = this.owner.clock.currentTimeMillisUnsafe()
        this.startedMillis = monotonicMillis(this.owner.clock)
        this.beatMillis = this.startedMillis
        onResult("Started")
      }
      const ended = (exit: Exit.Exit<unknown, E>): void => {
        if (!isStarted && exit._tag === "Success") return onResult("Ignored")
        const reason = this.remember(exit, isStarted)
        if (isStarted) onExit(reason)
        else onResult("StartFailed")
      }
      const life = this.bound.life(
        this,
        onStarted,
        (exit) => number === this.life ? this.close(exit, ended) : Effect.void
      )
      return Effect.flatMap(Effect.forkDetach(life, { startImmediately: true }), (fiber) => {
        this.fiber = fiber
        fiber.addObserver((exit) => {
          if (this.fiber !== fiber) return
          this.watchdog?.interruptUnsafe()
          this.fiber = undefined
          this.startedAt = undefined
          ended(exit)
        })
        return this.watch(fiber, () => onExit("failure"))
      })
    })
  }

  /** Ends a child that stopped beating like one that failed, and leaves it behind when it cannot be interrupted. */
  private watch(fiber: Fiber.Fiber<unknown, E>, onStalled: () => void): Effect.Effect<void> {
    const { heartbeat } = this.bound.description
    if (heartbeat === undefined) return Effect.void
    this.beatMillis = monotonicMillis(this.owner.clock)
    const stall = Effect.suspend(() => {
      if (this.fiber !== fiber || this.isAsked) return Effect.void
      this.watchdog = undefined
      this.isStalled = true
      fiber.interruptUnsafe()
      return Effect.flatMap(this.endedInTime(fiber), (isEnded) => {
        if (isEnded || this.isAsked) return Effect.void
        this.abandon()
        onStalled()
        return this.owner.abandoned(this)
      })
    })
    const watchdog = Effect.forkDetach(Effect.andThen(watch(heartbeat, () => this.heartbeatAgeMillis()), stall))
    return Effect.map(watchdog, (started) => {
      if (this.fiber === fiber && this.watchdog === undefined) this.watchdog = started
      else started.interruptUnsafe()
    })
  }

  /** Leaves a child behind whose finalizers do not end within its limit after it ended by itself. */
  private close(exit: Exit.Exit<unknown, E>, ended: (exit: Exit.Exit<unknown, E>) => void): Effect.Effect<void> {
    const limitMillis = Shutdown.limitMillis(this.bound.description.shutdown)
    if (this.isAsked || this.isStalled || limitMillis === Number.POSITIVE_INFINITY) return Effect.void
    return Effect.withFiber((fiber) => {
      this.watchdog?.interruptUnsafe()
      const late = Effect.suspend(() => {
        if (this.fiber !== fiber || this.isAsked) return Effect.void
        this.watchdog = undefined
        this.abandon()
        ended(exit)
        return this.owner.abandoned(this)
      })
      const wait = limitMillis === 0 ? Effect.yieldNow : Effect.sleep(limitMillis)
      return Effect.map(Effect.forkDetach(Effect.andThen(wait, late)), (timer) => {
        this.watchdog = timer
      })
    })
  }

  /** Interrupts the child without waiting for it. */
  ask(): void {
    this.isAsked = true
    this.fiber?.interruptUnsafe()
  }

  /** Interrupts the child and waits until it has ended or its limit is over. Says whether it was left behind. */
  stop(): Effect.Effect<"ended" | "abandoned"> {
    return Effect.suspend(() => {
      const fiber = this.fiber
      if (fiber === undefined) return Effect.succeed("ended")
      this.ask()
      return Effect.map(this.endedInTime(fiber), (isEnded) => {
        if (isEnded) return "ended"
        this.abandon()
        return "abandoned"
      })
    })
  }

  private endedInTime(fiber: Fiber.Fiber<unknown, E>): Effect.Effect<boolean> {
    if (fiber.pollUnsafe() !== undefined) return Effect.succeed(true)
    const limitMillis = Shutdown.limitMillis(this.bound.description.shutdown)
    if (limitMillis === Number.POSITIVE_INFINITY) return Effect.as(Fiber.await(fiber), true)
    if (limitMillis === 0) return Effect.map(Effect.yieldNow, () => fiber.pollUnsafe() !== undefined)
    return Effect.map(Effect.timeoutOption(Fiber.await(fiber), limitMillis), Option.isSome)
  }

  /** Forgets a fiber that did not end in time. What it does from now on is not heard. */
  abandon(): void {
    this.life += 1
    this.watchdog?.interruptUnsafe()
    this.fiber = undefined
    this.startedAt = undefined
    this.push({ reason: "abandoned", message: "did not end within its shutdown limit" })
  }

  private remember(exit: Exit.Exit<unknown, E>, isStarted: boolean): ExitClass {
    const reason = this.isStalled ? "failure" : ExitReason.classify(exit, this.isAsked)
    this.failure = exit._tag === "Failure" ? exit.cause : Cause.empty
    if (isStarted) this.ranMillis = monotonicMillis(this.owner.clock) - this.startedMillis
    this.push({ reason, message: this.isStalled ? "no heartbeat for two periods" : ExitReason.describe(exit) })
    return reason
  }

  private push(exit: Omit<LastExit, "at">): void {
    this.exits = [...this.exits.slice(1 - exitsMax), { ...exit, at: this.owner.clock.currentTimeMillisUnsafe() }]
  }
}
