/**
 * What an operator can do with a live actor, as OTP's `sys`: suspend it, look at its state, replace it, let it go on,
 * watch its messages, end it.
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Stream from "effect/Stream"
import { describeCause } from "../../../../domain/supervision/FailureText.ts"
import type { TraceEvent } from "../../../../domain/supervision/TraceEvent.ts"
import { ActorDown } from "../../ActorError.ts"
import type { ChildControl, ChildPosition } from "../child/ChildPosition.ts"
import * as Sinks from "../EventSinks.ts"
import type { ActorMailbox, Envelope } from "./ActorMailbox.ts"

/** How an actor ends itself: `normal`, or in order for a reason, as `Supervisor.exitShutdown`. */
export type StopReason = "normal" | { readonly shutdown: string }

export interface Sys<S> {
  /** It handles no message until `resume`; what is sent meanwhile waits in its mailbox. */
  readonly suspend: Effect.Effect<void, ActorDown>
  readonly resume: Effect.Effect<void, ActorDown>
  /** Between two messages. */
  readonly getState: Effect.Effect<S, ActorDown>
  /** Answers the new state. */
  readonly replaceState: (change: (state: S) => S) => Effect.Effect<S, ActorDown>
  /** Its messages and what came of them, from now on, through its restarts. */
  readonly trace: Stream.Stream<TraceEvent>
}

export class ActorSystem<S> {
  mailbox: ActorMailbox | undefined = undefined
  stopping: StopReason | undefined = undefined
  readonly id: string
  private current: { state: S } | undefined = undefined
  private position: ChildPosition | undefined = undefined
  private inHand: Envelope | undefined = undefined
  private readonly sinks = Sinks.make<TraceEvent>()
  private ended: Deferred.Deferred<void> = Deferred.makeUnsafe()

  constructor(id: string) {
    this.id = id
  }

  /** Begins a life. Returns how it ends: all who wait are answered; says how many messages were lost. */
  enter(
    mailbox: ActorMailbox,
    state: S,
    position: ChildPosition | undefined
  ): { readonly cell: { readonly state: S }; readonly leave: (down: ActorDown) => number } {
    const cell = { state }
    const ended = Deferred.makeUnsafe<void>()
    this.mailbox = mailbox
    this.current = cell
    this.position = position
    this.stopping = undefined
    this.ended = ended
    const detach = position?.attachControl(this.control)
    const leave = (down: ActorDown): number => {
      detach?.()
      if (this.mailbox === mailbox) {
        this.mailbox = undefined
        this.current = undefined
      }
      this.inHand?.answer?.(Exit.fail(down))
      this.inHand = undefined
      const lost = mailbox.close(down)
      Deferred.doneUnsafe(ended, Effect.void)
      return lost
    }
    return { cell, leave }
  }

  begin(envelope: Envelope): void {
    this.inHand = envelope
    if (this.sinks.isWatched()) this.publish(envelope, "received", "")
  }

  finish(envelope: Envelope, state: S): void {
    this.inHand = undefined
    if (this.current !== undefined) this.current.state = state
    if (this.sinks.isWatched()) this.publish(envelope, envelope.answer === undefined ? "handled" : "answered", "")
  }

  failed(envelope: Envelope, cause: Cause.Cause<unknown>): void {
    this.inHand = undefined
    if (this.sinks.isWatched()) this.publish(envelope, "failed", describeCause(cause))
  }

  private publish({ answer, name }: Envelope, what: TraceEvent["what"], detail: string): void {
    const owner = this.position
    if (owner === undefined) return
    this.sinks.publish({
      path: owner.path,
      at: owner.nowUnsafe(),
      kind: answer === undefined ? "cast" : "call",
      message: name,
      what,
      detail
    })
  }

  /** Sends the actor a system message and waits until it has handled it, between two messages. */
  private tell<A>(hear: (mailbox: ActorMailbox, current: { state: S }) => A): Effect.Effect<A, ActorDown> {
    return Effect.withFiber<A, ActorDown>((fiber) =>
      Effect.callback((resume) => {
        const { current, mailbox } = this
        const down = new ActorDown({ actor: this.id, reason: "noproc" })
        if (mailbox === undefined || current === undefined) return resume(Effect.fail(down))
        let isHeard = false
        mailbox.offerSystem(() =>
          Effect.sync(() => {
            isHeard = true
            resume(Effect.succeed(hear(mailbox, current)))
          }), fiber)
        if (isHeard) return
        const leaving = Effect.runForkWith(fiber.context)(
          Effect.andThen(Deferred.await(this.ended), Effect.sync(() => resume(Effect.fail(down))))
        )
        return Effect.sync(() => leaving.interruptUnsafe())
      })
    )
  }

  stop(reason: StopReason): Effect.Effect<void, ActorDown> {
    return Effect.suspend(() => {
      const { ended } = this
      // From now on nobody is let in; what is in is handled first.
      if (this.mailbox !== undefined) this.stopping ??= reason
      const goOn = this.tell((mailbox) => {
        mailbox.isSuspended = false
      })
      return Effect.andThen(goOn, Deferred.await(ended))
    })
  }

  readonly sys: Sys<S> = {
    suspend: this.tell((mailbox) => {
      mailbox.isSuspended = true
    }),
    resume: this.tell((mailbox) => {
      mailbox.isSuspended = false
    }),
    getState: this.tell((_mailbox, { state }) => state),
    replaceState: (change) => this.tell((_mailbox, current) => (current.state = change(current.state))),
    trace: this.sinks.stream
  }

  private readonly control: ChildControl = {
    suspend: this.sys.suspend,
    resume: this.sys.resume,
    state: this.sys.getState,
    trace: this.sys.trace
  }
}
