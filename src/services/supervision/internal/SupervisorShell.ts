/**
 * Carries out what the supervisor's decision wants, on fibers.
 *
 * One fiber per supervisor reads a mailbox and does one thing at a time, as OTP's supervisor process does; nobody ever
 * interrupts it, so a stop within limits works even while everything above is being torn down. Only a shutdown reaches
 * it while it waits for a child to start: that start is then stopped like a running child.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { ExitClass } from "../../../domain/supervision/ChildExit.ts"
import { decide } from "../../../domain/supervision/SupervisorDecision.ts"
import type * as State from "../../../domain/supervision/SupervisorState.ts"
import type { BoundChild } from "../ChildSpec.ts"
import { monotonicMillis } from "./child/ChildOwner.ts"
import { ChildPosition, isAwaited } from "./child/ChildPosition.ts"
import { ChildRecord } from "./child/ChildRecord.ts"
import { Mailbox } from "./Mailbox.ts"
import { Retries } from "./Retries.ts"
import { type Answer, type Ended, type Message, noteId } from "./SupervisorMessage.ts"
import type { SupervisorObserver } from "./SupervisorObserver.ts"

export class SupervisorShell<E> {
  state: State.SupervisorState
  readonly records = new Map<string, ChildRecord<E>>()
  readonly observer: SupervisorObserver
  private readonly mailbox = new Mailbox<Message<E>>()
  private readonly retries = new Retries()
  private preempt: (() => void) | undefined = undefined
  private isShutdownAsked = false
  private isClosed = false
  private ended: Ended<E> | undefined = undefined
  private failure: Cause.Cause<E> = Cause.empty

  constructor(state: State.SupervisorState, children: ReadonlyArray<BoundChild<E>>, observer: SupervisorObserver) {
    this.state = state
    this.observer = observer
    for (const child of children) this.records.set(child.description.id, new ChildRecord(child, observer))
  }

  get hasEnded(): boolean {
    return this.ended !== undefined || this.isClosed
  }

  /** Until the supervisor ends. Tells `onBooted` once, when every child has started. */
  readonly run = (onBooted: () => void): Effect.Effect<Ended<E>> =>
    Effect.suspend(() => this.hear({ input: { _tag: "Boot" } })).pipe(
      Effect.flatMap((ended) => {
        if (ended === undefined) onBooted()
        return ended === undefined ? this.serve : Effect.succeed(ended)
      }),
      Effect.onExit(() => this.close)
    )

  /**
   * Asks for a change; undefined when the supervisor has ended, `awaits_caller` when it waits for nobody but the caller.
   */
  request(
    input: State.SupervisorInput,
    children: ReadonlyArray<BoundChild<E>> = []
  ): Effect.Effect<Answer<E> | "awaits_caller" | undefined> {
    return Effect.withFiber((fiber) =>
      Effect.callback((resume) => {
        if (this.hasEnded) return resume(Effect.undefined)
        const caller = Context.get(fiber.context, ChildPosition)
        if (isAwaited(this.observer, caller)) return resume(Effect.succeed("awaits_caller"))
        this.mailbox.offer({ input, children, answer: (answer) => resume(Effect.succeed(answer)) })
      })
    )
  }

  /** Makes the supervisor stop its children and end. */
  shutdown(): void {
    this.isShutdownAsked = true
    this.mailbox.offer({ input: { _tag: "Shutdown" } })
    this.preempt?.()
  }

  private readonly serve: Effect.Effect<Ended<E>> = Effect.suspend(() =>
    Effect.flatMap(
      Effect.flatMap(this.mailbox.take, (message) => this.hear(message)),
      (ended) => ended === undefined ? this.serve : Effect.succeed(ended)
    )
  )

  private hear(message: Message<E>): Effect.Effect<Ended<E> | undefined> {
    return Effect.gen({ self: this }, function*() {
      for (const child of message.children ?? []) {
        const { id } = child.description
        const present = this.records.get(id)
        if (present === undefined || message.input._tag === "ChangeSpecs") this.adopt(child, present)
      }
      let input: State.SupervisorInput | undefined = message.input
      while (input !== undefined) {
        const [state, commands] = decide(this.state, input)
        this.state = state
        input = undefined
        for (const command of commands) {
          const rest = this.carryOut(command, message)
          if (rest !== undefined) input = yield* rest
        }
      }
      return this.ended
    })
  }

  private adopt(child: BoundChild<E>, present: ChildRecord<E> | undefined): void {
    const { id } = child.description
    if (present === undefined) this.records.set(id, new ChildRecord(child, this.observer))
    else present.bound = child
    this.retries.renew(id)
  }

  /** Undefined when it is done; else what is left to do, with the result of a start or stop. */
  private carryOut(
    command: State.SupervisorCommand,
    message: Message<E>
  ): Effect.Effect<State.SupervisorInput | undefined> | undefined {
    switch (command._tag) {
      case "Start":
        return this.start(command.id, command.generation)
      case "Stop":
        return this.stop(command.id)
      case "Retry":
        this.retry(command.id, command.generation)
        return undefined
      case "Cancel":
        this.retries.cancel(command.id)
        return undefined
      case "Reply":
        message.answer?.({ reply: command.reply, failure: this.failure })
        return undefined
      case "Note":
        return this.note(command.note)
      case "End":
        this.ended = {
          end: command.end,
          failure: command.end._tag === "stopped" ? Cause.empty : this.failure
        }
        message.answer?.(undefined)
        return undefined
    }
  }

  private start(id: string, generation: number): Effect.Effect<State.SupervisorInput | undefined> {
    return Effect.suspend(() => {
      const record = this.records.get(id)
      if (record === undefined || this.isShutdownAsked) return Effect.succeed({ _tag: "Shutdown" })
      let result: State.SupervisorInput | undefined
      let wake: (() => void) | undefined
      const settle = (input: State.SupervisorInput): void => {
        if (result !== undefined) return
        result = input
        wake?.()
      }
      const finish = (): State.SupervisorInput | undefined => {
        this.preempt = undefined
        this.observer.awaited = undefined
        return result
      }
      this.preempt = () => settle({ _tag: "Shutdown" })
      this.observer.awaited = record
      record.start(
        (result) =>
          settle(result === "StartFailed" ? { _tag: result, id, atMillis: this.nowMillis() } : { _tag: result, id }),
        this.hearsOfExit(id, generation)
      )
      if (result !== undefined) return Effect.succeed(finish())
      return Effect.callback<State.SupervisorInput | undefined>((resume) => {
        wake = () => resume(Effect.sync(finish))
        if (result !== undefined) wake()
      })
    })
  }

  /** Kept as long as the child lives, so it must not share a scope with what concerns its start only. */
  private hearsOfExit(id: string, generation: number): (exit: ExitClass) => void {
    return (exit) => this.mailbox.offer({ input: { _tag: "Exited", id, generation, exit, atMillis: this.nowMillis() } })
  }

  private stop(id: string): Effect.Effect<State.SupervisorInput | undefined> {
    const stopped: State.SupervisorInput = { _tag: "Stopped", id }
    const record = this.records.get(id)
    if (record === undefined) return Effect.succeed(stopped)
    this.observer.awaited = record
    record.ask()
    // Most children end as they are asked to, and of many each effect less counts.
    if (record.fiber === undefined) {
      this.observer.awaited = undefined
      return Effect.succeed(stopped)
    }
    return Effect.flatMap(record.stop(), (end) => {
      this.observer.awaited = undefined
      return Effect.as(end === "abandoned" ? this.observer.abandoned(record) : Effect.void, stopped)
    })
  }

  private retry(id: string, generation: number): void {
    const record = this.records.get(id)
    if (record === undefined) return
    this.retries.schedule(record, () => this.mailbox.offer({ input: { _tag: "RetryDue", id, generation } }))
  }

  private note(note: State.Note): Effect.Effect<undefined> | undefined {
    const id = noteId(note)
    const record = id === undefined ? undefined : this.records.get(id)
    if (record !== undefined) {
      if (note._tag === "ChildExited" || note._tag === "ChildStartFailed") this.failure = record.failure
      if (note._tag === "ChildStarted") this.retries.cancel(record.id)
      if (note._tag === "ChildRemoved") this.forget(record.id)
    }
    return this.observer.note(note, record)
  }

  private forget(id: string): void {
    this.records.delete(id)
    this.retries.forget(id)
  }

  private nowMillis(): number {
    return monotonicMillis(this.observer.clock)
  }

  /** Nobody may wait for an ended supervisor, and nothing it started may outlive it, whatever ended it. */
  private readonly close = Effect.suspend(() => {
    this.isClosed = true
    this.retries.cancelAll()
    for (const record of this.records.values()) if (record.fiber !== undefined) record.ask()
    let message = this.mailbox.poll()
    while (message !== undefined) {
      message.answer?.(undefined)
      message = this.mailbox.poll()
    }
    return this.observer.closed(this.ended?.end)
  })
}
