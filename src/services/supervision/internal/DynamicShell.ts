/**
 * Carries out a dynamic supervisor's decisions, on fibers.
 *
 * Children start in the fiber of whoever asks, so a slow start delays nobody else. Ends are handled where they happen,
 * in constant time; what takes an effect (restarts, log lines, giving up) goes through a mailbox to one fiber, which
 * never waits for a child except to stop them all.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { ExitClass } from "../../../domain/supervision/ChildExit.ts"
import * as DynamicDecision from "../../../domain/supervision/DynamicDecision.ts"
import { emptyWindow, type RestartIntensity, size } from "../../../domain/supervision/RestartIntensity.ts"
import type { Outcome } from "../../../domain/supervision/SupervisorState.ts"
import type { BoundChild } from "../ChildSpec.ts"
import { monotonicMillis, type StartResult } from "./ChildOwner.ts"
import { ChildRecord } from "./ChildRecord.ts"
import { stopAll } from "./DynamicStop.ts"
import { Mailbox } from "./Mailbox.ts"
import { Retries } from "./Retries.ts"
import type { Ended } from "./SupervisorMessage.ts"
import type { SupervisorObserver } from "./SupervisorObserver.ts"

type Word =
  | { readonly _tag: "Do"; readonly effect: Effect.Effect<unknown> }
  | { readonly _tag: "End"; readonly outcome: Outcome }

export class DynamicShell<E> {
  state: DynamicDecision.DynamicState
  readonly maxChildren: number
  /** In the order in which they were added. */
  readonly records = new Map<string, ChildRecord<E>>()
  readonly observer: SupervisorObserver
  private readonly mailbox = new Mailbox<Word>()
  private readonly retries = new Retries()
  private failure: Cause.Cause<E> = Cause.empty
  private phase: "running" | "stopping" | "ended" = "running"

  /** Wall clock. */
  startedAt: number | undefined = undefined

  constructor(intensity: RestartIntensity, maxChildren: number, observer: SupervisorObserver) {
    this.state = { intensity, window: emptyWindow }
    this.maxChildren = maxChildren
    this.observer = observer
  }

  get isRunning(): boolean {
    return this.phase === "running"
  }

  get nodeState(): "running" | "stopping" | "stopped" {
    return this.phase === "ended" ? "stopped" : this.phase
  }

  readonly run: Effect.Effect<Ended<E>> = Effect.suspend(() => {
    this.startedAt = this.observer.clock.currentTimeMillisUnsafe()
    return Effect.andThen(this.observer.note({ _tag: "SupervisorStarted" }, undefined), this.serve)
  }).pipe(Effect.onExit(() => this.close))

  /** Nothing it started may outlive it, whatever ended it. */
  private readonly close = Effect.sync(() => {
    this.phase = "ended"
    this.retries.cancelAll()
    for (const record of this.records.values()) record.ask()
  })

  private readonly serve: Effect.Effect<Ended<E>> = Effect.suspend(() =>
    Effect.flatMap(
      this.mailbox.take,
      (word) => word._tag === "Do" ? Effect.andThen(word.effect, this.serve) : this.end(word.outcome)
    )
  )

  shutdown(outcome: Outcome = { _tag: "stopped" }): void {
    if (this.phase !== "running") return
    this.phase = "stopping"
    this.mailbox.offer({ _tag: "End", outcome })
  }

  /** Why a child of this id cannot be added now. */
  refusal(id: string): ReturnType<typeof DynamicDecision.refusal> {
    const present = this.records.get(id)
    const state = present === undefined ? "absent" : present.status === "restarting" ? "restarting" : "live"
    return DynamicDecision.refusal(state, this.records.size, this.maxChildren)
  }

  /** Adds a child that nothing speaks against and waits until it has started. */
  add(bound: BoundChild<E>): Effect.Effect<{ readonly result: StartResult; readonly failure: Cause.Cause<E> }> {
    return Effect.suspend(() => {
      const record = new ChildRecord(bound, this.observer)
      const { id, kind, restart, significant } = bound.description
      this.records.set(id, record)
      this.note({ _tag: "ChildAdded", child: { id, kind, restart, significant, delayed: false } }, record)
      let result: StartResult | undefined
      let wake: (() => void) | undefined
      const started = this.start(record, (heard) => {
        result = heard
        if (heard !== "Started") this.forget(record)
        wake?.()
      })
      const settled = Effect.callback<void>((resume) => {
        wake = () => resume(Effect.void)
        if (result !== undefined) wake()
      })
      return started.pipe(
        Effect.andThen(Effect.suspend(() => result === undefined ? settled : Effect.void)),
        Effect.onInterrupt(() => this.terminate(id)),
        Effect.map(() => ({ result: result ?? "StartFailed", failure: record.failure }))
      )
    })
  }

  /** Stops and forgets a child; false when there is none. Goes on when the caller is interrupted. */
  terminate(id: string): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      const record = this.records.get(id)
      if (record === undefined) return Effect.succeed(false)
      this.retries.cancel(id)
      if (record.fiber === undefined) {
        this.forget(record)
        return Effect.succeed(true)
      }
      record.status = "stopping"
      const stopping = Effect.flatMap(record.stop(), (end) => {
        this.stopped(record, end)
        return this.observer.stoppedTogether([record])
      })
      return Effect.as(Effect.flatMap(Effect.forkDetach(stopping, { startImmediately: true }), Fiber.await), true)
    })
  }

  private start(record: ChildRecord<E>, onResult: (result: StartResult) => void): Effect.Effect<void> {
    record.status = "starting"
    return record.start(
      (result) => {
        if (result === "Started") {
          record.status = "running"
          this.note({ _tag: "ChildStarted", id: record.id }, record)
        } else if (result === "Ignored") {
          this.note({ _tag: "ChildIgnored", id: record.id }, record)
        } else if (!record.isAsked) {
          this.note({ _tag: "ChildStartFailed", id: record.id }, record)
        }
        onResult(result)
      },
      (exit) => this.exited(record, exit)
    )
  }

  private exited(record: ChildRecord<E>, exit: ExitClass): void {
    // Whoever stops it, says so.
    if (record.isAsked) return
    const { id, restart } = record.bound.description
    const isReported = restart === "permanent" || exit === "failure" || exit === "killed"
    this.note({ _tag: "ChildExited", id, exit, isReported }, record)
    const [state, fate] = DynamicDecision.afterExit(this.state, restart, exit, monotonicMillis(this.observer.clock))
    this.decided(record, state, fate, false)
  }

  private decided(
    record: ChildRecord<E>,
    state: DynamicDecision.DynamicState,
    fate: DynamicDecision.Fate,
    isAttempt: boolean
  ): void {
    this.state = state
    if (fate === "forget") return this.forget(record)
    this.failure = record.failure
    if (fate === "give_up") {
      this.forget(record)
      return this.shutdown({ _tag: "intensity_exceeded", child: record.id })
    }
    record.status = "restarting"
    this.note({ _tag: "ChildRestarting", id: record.id, attempts: size(state.window) }, record)
    const again = () => this.mailbox.offer({ _tag: "Do", effect: this.startAgain(record) })
    if (!isAttempt && record.bound.description.backoff === undefined) return again()
    const later = Effect.suspend(() => this.isWaiting(record) ? this.retries.schedule(record, again) : Effect.void)
    this.mailbox.offer({ _tag: "Do", effect: later })
  }

  private isWaiting(record: ChildRecord<E>): boolean {
    return this.phase === "running" && record.status === "restarting" && this.records.get(record.id) === record
  }

  private startAgain(record: ChildRecord<E>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (!this.isWaiting(record)) return Effect.void
      return this.start(record, (result) => {
        if (result === "Ignored") return this.forget(record)
        if (result === "Started" || record.isAsked) return
        const failed = DynamicDecision.afterFailedRestart(this.state, monotonicMillis(this.observer.clock))
        this.decided(record, ...failed, true)
      })
    })
  }

  private forget(record: ChildRecord<E>): void {
    if (this.records.get(record.id) !== record) return
    this.records.delete(record.id)
    this.retries.forget(record.id)
    this.note({ _tag: "ChildRemoved", id: record.id }, record)
  }

  private stopped(record: ChildRecord<E>, end: "ended" | "abandoned"): void {
    if (this.records.get(record.id) !== record) return
    if (end === "abandoned") this.observer.publishAbandoned(record)
    this.observer.publishStopped(record.id, record)
    this.forget(record)
  }

  private note(note: Parameters<SupervisorObserver["note"]>[0], record: ChildRecord<E>): void {
    const effect = this.observer.note(note, record)
    if (effect !== Effect.undefined) this.mailbox.offer({ _tag: "Do", effect })
  }

  private end(outcome: Outcome): Effect.Effect<Ended<E>> {
    return Effect.gen({ self: this }, function*() {
      this.phase = "stopping"
      this.retries.cancelAll()
      const records = [...this.records.values()]
      const left = yield* stopAll(records)
      for (const record of records) this.stopped(record, left.has(record) ? "abandoned" : "ended")
      yield* this.observer.stoppedTogether(records)
      this.phase = "ended"
      yield* this.observer.closed(outcome)
      return { outcome, failure: outcome._tag === "stopped" ? Cause.empty : this.failure }
    })
  }
}
