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
import type { ExitClass } from "../../../../domain/supervision/ChildExit.ts"
import * as DynamicDecision from "../../../../domain/supervision/DynamicDecision.ts"
import { emptyWindow, type RestartIntensity, size } from "../../../../domain/supervision/RestartIntensity.ts"
import type { SupervisorEnd } from "../../../../domain/supervision/SupervisorState.ts"
import type { BoundChild } from "../../ChildSpec.ts"
import { monotonicMillis, type StartResult } from "../child/ChildOwner.ts"
import { ChildRecord } from "../child/ChildRecord.ts"
import { Mailbox } from "../Mailbox.ts"
import { Retries } from "../Retries.ts"
import type { Ended } from "../SupervisorMessage.ts"
import type { SupervisorObserver } from "../SupervisorObserver.ts"
import { stopAll } from "./DynamicStop.ts"

type Message =
  | { readonly _tag: "Do"; readonly effect: Effect.Effect<unknown> }
  | { readonly _tag: "End"; readonly end: SupervisorEnd }

/** `gone`: the supervisor takes no children any more. */
export type Refusal = NonNullable<ReturnType<typeof DynamicDecision.refusal>> | "gone"

export interface Added<E> {
  readonly result: StartResult | Refusal
  readonly failure: Cause.Cause<E>
}

export class DynamicShell<E> {
  state: DynamicDecision.DynamicState
  readonly maxChildren: number
  /** In the order in which they were added. */
  readonly records = new Map<string, ChildRecord<E>>()
  readonly observer: SupervisorObserver
  private readonly mailbox = new Mailbox<Message>()
  private readonly retries = new Retries()
  /** Callers that wait for a place. */
  private readonly waiting = new Set<() => void>()
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
    this.observer.note({ _tag: "SupervisorStarted" }, undefined)
    return this.serve
  }).pipe(Effect.onExit(() => this.close))

  /** Nothing it started may outlive it, and nobody may wait for it, whatever ended it. */
  private readonly close = Effect.sync(() => {
    this.phase = "ended"
    this.retries.cancelAll()
    for (const record of this.records.values()) {
      record.ask()
      record.giveUpStart()
    }
    this.admitWaiting()
  })

  private readonly serve: Effect.Effect<Ended<E>> = Effect.suspend(() =>
    Effect.flatMap(
      this.mailbox.take,
      (message) => message._tag === "Do" ? Effect.andThen(message.effect, this.serve) : this.end(message.end)
    )
  )

  shutdown(end: SupervisorEnd = { _tag: "stopped" }): void {
    if (this.phase !== "running") return
    this.phase = "stopping"
    this.mailbox.offer({ _tag: "End", end })
  }

  /** Why a child of this id cannot be added now. */
  private refusal(id: string): Refusal | undefined {
    if (this.phase !== "running") return "gone"
    const present = this.records.get(id)
    const state = present === undefined ? "absent" : present.status === "restarting" ? "restarting" : "live"
    return DynamicDecision.refusal(state, this.records.size, this.maxChildren)
  }

  /**
   * Adds a child that nothing speaks against, and answers when it has started. To look, list it, fork it and wait is one
   * step. When there are as many as allowed, waits for a place if asked to. A caller that is interrupted gives up its
   * place in the queue, or the child that did not start yet.
   */
  add(bound: BoundChild<E>, waitsForPlace: boolean): Effect.Effect<Added<E>> {
    return Effect.callback<Added<E>>((resume) => {
      let record: ChildRecord<E> | undefined
      const enter = (): void => {
        const refused = this.refusal(bound.description.id)
        if (refused === "max_children" && waitsForPlace) this.waiting.add(enter)
        else if (refused !== undefined) resume(Effect.succeed({ result: refused, failure: Cause.empty }))
        else record = this.launch(bound, (added) => resume(Effect.succeed(added)))
      }
      enter()
      return Effect.suspend(() => {
        this.waiting.delete(enter)
        return record === undefined ? Effect.void : this.terminateRecord(record)
      })
    })
  }

  /** Lets those in who wait, as far as there is room; all of them when there is nothing to wait for any more. */
  private admitWaiting(): void {
    for (const enter of this.waiting) {
      if (this.phase === "running" && this.records.size >= this.maxChildren) return
      this.waiting.delete(enter)
      enter()
    }
  }

  private launch(bound: BoundChild<E>, answer: (added: Added<E>) => void): ChildRecord<E> {
    const record = new ChildRecord(bound, this.observer)
    const { id, kind, restart, significant } = bound.description
    this.records.set(id, record)
    this.note({ _tag: "ChildAdded", child: { id, kind, restart, significant, delayed: false } }, record)
    this.start(record, (result) => {
      if (result !== "Started") this.forget(record)
      answer({ result, failure: record.failure })
    })
    return record
  }

  /** Stops and forgets a child; false when there is none. Goes on when the caller is interrupted. */
  terminate(id: string): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      const record = this.records.get(id)
      return record === undefined ? Effect.succeed(false) : Effect.as(this.terminateRecord(record), true)
    })
  }

  private terminateRecord(record: ChildRecord<E>): Effect.Effect<unknown> {
    return Effect.suspend(() => {
      if (this.records.get(record.id) !== record) return Effect.void
      this.retries.cancel(record.id)
      if (record.fiber === undefined) {
        this.forget(record)
        return Effect.void
      }
      record.status = "stopping"
      record.ask()
      const stopping = Effect.flatMap(record.stop(), (end) => {
        this.stopped(record, end)
        return this.observer.stoppedTogether([record])
      })
      return Fiber.await(this.observer.fork(stopping))
    })
  }

  private start(record: ChildRecord<E>, onResult: (result: StartResult) => void): void {
    record.status = "starting"
    record.start(
      (result) => {
        if (result === "Started") {
          record.status = record.isAsked ? "stopping" : "running"
          this.note({ _tag: "ChildStarted", id: record.id }, record)
        } else if (result === "Ignored") {
          this.note({ _tag: "ChildIgnored", id: record.id }, record)
        } else if (!record.isAsked) {
          this.note({ _tag: "ChildStartFailed", id: record.id }, record)
        }
        onResult(result)
      },
      this.hearsOfExit(record)
    )
  }

  /** Kept as long as the child lives, so it must not share a scope with what concerns its start only. */
  private hearsOfExit(record: ChildRecord<E>): (exit: ExitClass) => void {
    return (exit) => this.exited(record, exit)
  }

  private exited(record: ChildRecord<E>, exit: ExitClass): void {
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
    if (this.isWaiting(record)) this.retries.schedule(record, again)
  }

  private isWaiting(record: ChildRecord<E>): boolean {
    return this.phase === "running" && record.status === "restarting" && this.records.get(record.id) === record
  }

  private startAgain(record: ChildRecord<E>): Effect.Effect<void> {
    return Effect.sync(() => {
      if (!this.isWaiting(record)) return
      this.start(record, (result) => {
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
    this.admitWaiting()
    record.bound.onForgotten?.()
  }

  private stopped(record: ChildRecord<E>, end: "ended" | "abandoned"): void {
    if (this.records.get(record.id) !== record) return
    if (end === "abandoned") this.observer.publishAbandoned(record)
    this.observer.publishStopped(record.id, record)
    this.forget(record)
    record.giveUpStart()
  }

  private note(note: Parameters<SupervisorObserver["note"]>[0], record: ChildRecord<E>): void {
    const effect = this.observer.note(note, record)
    if (effect !== undefined) this.mailbox.offer({ _tag: "Do", effect })
  }

  private end(end: SupervisorEnd): Effect.Effect<Ended<E>> {
    return Effect.gen({ self: this }, function*() {
      this.phase = "stopping"
      this.retries.cancelAll()
      this.admitWaiting()
      const records = [...this.records.values()]
      const left = yield* stopAll(records)
      for (const record of records) this.stopped(record, left.has(record) ? "abandoned" : "ended")
      yield* this.observer.stoppedTogether(records)
      this.phase = "ended"
      yield* this.observer.closed(end)
      return { end, failure: end._tag === "stopped" ? Cause.empty : this.failure }
    })
  }
}
