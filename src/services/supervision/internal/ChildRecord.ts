/**
 * One child as its supervisor's shell sees it: the fiber that lives now, and what is remembered of earlier lives.
 *
 * The fiber's end is learned from an observer, not from a watching fiber: an idle child costs one fiber and this.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { ExitClass } from "../../../domain/supervision/ChildExit.ts"
import * as Shutdown from "../../../domain/supervision/Shutdown.ts"
import type { SupervisionEvent } from "../../../domain/supervision/SupervisionEvent.ts"
import type { LastExit } from "../../../domain/supervision/TreeNode.ts"
import type { BoundChild } from "../ChildSpec.ts"
import { HeartbeatMissed, StartAbandoned, StartTimedOut } from "../SupervisorError.ts"
import { brutalStop } from "./BrutalStop.ts"
import { monotonicMillis, type Owner, type StartResult } from "./ChildOwner.ts"
import type { ChildControl, ChildPosition, DownReason, Subtree } from "./ChildPosition.ts"
import * as ExitReason from "./ExitReason.ts"
import { watch, type Watched } from "./Watchdog.ts"

/** Exits remembered per child. */
const exitsMax = 20

export class ChildRecord<E> implements ChildPosition, Watched {
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
  /** Why the last life failed; forgotten when the next one has started. */
  failure: Cause.Cause<E> = Cause.empty
  exits: ReadonlyArray<LastExit> = []
  /** Supervisors that run inside; undefined while there never was one, for most children have none. */
  subtrees: ReadonlyArray<Subtree> | undefined = undefined
  private control: ChildControl | undefined = undefined
  /** Whether the end that comes next was asked for by the supervisor. */
  isAsked = false
  /** Why the end that comes next was forced by us, although nobody asked the child to stop. */
  private forced: StartTimedOut | HeartbeatMissed | undefined = undefined
  /** Tells lives apart; a life that was left behind is none any more. */
  private life = 0
  /** Who waits for the result of the start that is under way. */
  private onResult: ((result: StartResult) => void) | undefined = undefined
  /** Ends what takes too long: the start, then silence, then the finalizers. One at a time. */
  private limit: Fiber.Fiber<unknown> | undefined = undefined
  /** Whether the running gauge counts it. */
  isCounted = false
  /** Who waits for the end of the life that runs now; undefined while nobody does. */
  private monitors: Set<(reason: DownReason) => void> | undefined = undefined

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

  /** The control of this child, or of one further below; `path` begins with this child's. */
  controlOf(path: string): ChildControl | "no_control" | undefined {
    if (path === this.path && this.control !== undefined) return this.control
    for (const subtree of this.subtrees ?? []) {
      const found = subtree.control(path)
      if (found !== undefined) return found
    }
    return path === this.path ? "no_control" : undefined
  }

  attachControl(control: ChildControl): () => void {
    this.control = control
    return () => {
      if (this.control === control) this.control = undefined
    }
  }

  nowUnsafe(): number {
    return this.owner.clock.currentTimeMillisUnsafe()
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
      this.lift()
      if (this.bound.description.heartbeat !== undefined) this.watch(this.bound.description.heartbeat, onExit)
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
      (exit) => life === this.life ? this.close(exit, onEnded) : Effect.void
    )
    // Known before any of the child's own code runs, which may already ask for its own end.
    this.owner.fork(Effect.withFiber<unknown, E>((fiber) => {
      this.adopt(fiber, onEnded)
      return whole
    }))
    if (!isStarted && this.fiber !== undefined && life === this.life) this.limitStart()
  }

  private adopt(current: Fiber.Fiber<unknown, unknown>, onEnded: (exit: Exit.Exit<unknown, E>) => void): void {
    // boundary: the fiber that evaluates this child's life ends as that life does
    const fiber = current as Fiber.Fiber<unknown, E>
    this.fiber = fiber
    fiber.addObserver((exit) => {
      if (this.fiber !== fiber) return
      this.lift()
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

  /** Ends a start that takes longer than the child's `startTimeout`. */
  private limitStart(): void {
    const { startTimeout } = this.bound.description
    if (startTimeout === undefined) return
    const limitMillis = Duration.toMillis(Duration.fromInputUnsafe(startTimeout))
    this.force(
      Effect.sleep(limitMillis),
      () => new StartTimedOut({ path: this.path, limitMillis }),
      () => this.settle("StartFailed")
    )
  }

  /** Ends a child that stopped beating like one that failed. */
  private watch(heartbeat: Duration.Input, onExit: (exit: ExitClass) => void): void {
    const periodMillis = Duration.toMillis(Duration.fromInputUnsafe(heartbeat))
    this.force(
      watch(heartbeat, this),
      () => new HeartbeatMissed({ path: this.path, periodMillis }),
      () => onExit("failure")
    )
  }

  /** When `due` is over, interrupts the child; leaves it behind when it does not end within its limit. */
  private force(
    due: Effect.Effect<void>,
    why: () => StartTimedOut | HeartbeatMissed,
    onLeftBehind: () => void
  ): void {
    const { fiber } = this
    const end = Effect.suspend(() => {
      if (fiber === undefined || this.fiber !== fiber || this.isAsked) return Effect.void
      this.limit = undefined
      const forced = this.forced = why()
      fiber.interruptUnsafe()
      return Effect.suspend(() => this.endedInTime(fiber)).pipe(
        Effect.flatMap(() => {
          if (this.fiber !== fiber || this.isAsked) return Effect.void
          this.abandon()
          this.failure = Cause.die(forced)
          onLeftBehind()
          return this.owner.abandoned(this)
        })
      )
    })
    this.limit = this.owner.fork(Effect.andThen(due, end))
  }

  private lift(): void {
    const { limit } = this
    this.limit = undefined
    limit?.interruptUnsafe()
  }

  /** Leaves a child behind whose finalizers do not end within its limit after it ended by itself. */
  private close(exit: Exit.Exit<unknown, E>, onEnded: (exit: Exit.Exit<unknown, E>) => void): Effect.Effect<void> {
    return Effect.suspend(() => {
      const limitMillis = Shutdown.limitMillis(this.bound.description.shutdown)
      const { fiber } = this
      if (this.isAsked || this.forced !== undefined || limitMillis === Number.POSITIVE_INFINITY) return Effect.void
      this.lift()
      const late = Effect.suspend(() => {
        if (fiber === undefined || this.fiber !== fiber || this.isAsked) return Effect.void
        this.limit = undefined
        this.abandon()
        onEnded(exit)
        return this.owner.abandoned(this)
      })
      this.limit = this.owner.fork(
        Effect.andThen(limitMillis === 0 ? brutalStop(() => this.fiber !== fiber) : Effect.sleep(limitMillis), late)
      )
      return Effect.void
    })
  }

  /** Tells of the end of the life that runs now, or that there is none. Returns how to stop waiting. */
  onDown(tell: (reason: DownReason) => void): () => void {
    if (this.fiber === undefined) {
      tell("noproc")
      return () => {}
    }
    const monitors = this.monitors ??= new Set()
    monitors.add(tell)
    return () => monitors.delete(tell)
  }

  private goDown(reason: DownReason): void {
    const { monitors } = this
    this.monitors = undefined
    for (const tell of monitors ?? []) tell(reason)
  }

  /** Ends the life as somebody else's hand does: by its restart kind it begins another. */
  kill(): void {
    this.fiber?.interruptUnsafe()
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
      return Effect.map(this.endedInTime(fiber), () => {
        if (this.fiber !== fiber) return "ended"
        this.abandon()
        return "abandoned"
      })
    })
  }

  /** Until the fiber has ended or the limit is over. What came first is to be looked at anew by whoever waited. */
  private endedInTime(fiber: Fiber.Fiber<unknown, E>): Effect.Effect<unknown> {
    const limitMillis = Shutdown.limitMillis(this.bound.description.shutdown)
    if (limitMillis === Number.POSITIVE_INFINITY) return Fiber.await(fiber)
    if (limitMillis === 0) return brutalStop(() => this.fiber !== fiber)
    return Effect.timeoutOption(Fiber.await(fiber), limitMillis)
  }

  /** Forgets a fiber that did not end in time. What it does from now on is not heard. */
  abandon(): void {
    this.life += 1
    this.lift()
    this.fiber = undefined
    this.startedAt = undefined
    this.push({ reason: "abandoned", message: "did not end within its shutdown limit" })
    this.goDown("abandoned")
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
    this.push({ reason, message: forced === undefined ? ExitReason.describe(exit) : forced.message })
    this.goDown(reason)
    return reason
  }

  private push(exit: Omit<LastExit, "at">): void {
    this.exits = [...this.exits.slice(1 - exitsMax), { ...exit, at: this.owner.clock.currentTimeMillisUnsafe() }]
  }
}
