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
  /** Answers the new state. When `change` throws, the state is as before. */
  readonly replaceState: (change: (state: S) => S) => Effect.Effect<S, ActorDown>
  /** Its messages and what came of them, from now on, through its restarts. */
  readonly trace: Stream.Stream<TraceEvent>
}

/** What one life has and does. One that was left behind may still run beside its successor. */
export interface ActorCell<S> {
  state: S
  /** The message that is being handled. */
  inHand: Envelope | undefined
}

export class ActorSystem<S> {
  mailbox: ActorMailbox | undefined = undefined
  stopping: StopReason | undefined = undefined
  readonly id: string
  private readonly onState: (state: S) => void
  private current: ActorCell<S> | undefined = undefined
  private position: ChildPosition | undefined = undefined
  private readonly sinks = Sinks.make<TraceEvent>()
  private ended: Deferred.Deferred<void> = Deferred.makeUnsafe()

  /** `onState` hears of each state that the actor gets. */
  constructor(id: string, onState: (state: S) => void) {
    this.id = id
    this.onState = onState
  }

  /** Begins a life. Returns how it ends: all who wait are answered; says how many messages were lost. */
  enter(
    mailbox: ActorMailbox,
    state: S,
    position: ChildPosition | undefined
  ): { readonly cell: ActorCell<S>; readonly leave: (down: ActorDown) => number } {
    const cell: ActorCell<S> = { state, inHand: undefined }
    const ended = Deferred.makeUnsafe<void>()
    this.mailbox = mailbox
    this.current = cell
    this.position = position
    this.stopping = undefined
    this.ended = ended
    this.onState(state)
    const detach = position?.attachControl(this.control)
    let lost = 0
    const leave = (down: ActorDown): number => {
      detach?.()
      if (this.mailbox === mailbox) {
        this.mailbox = undefined
        this.current = undefined
      }
      cell.inHand?.answer?.(Exit.fail(down))
      cell.inHand = undefined
      lost += mailbox.close(down)
      Deferred.doneUnsafe(ended, Effect.void)
      return lost
    }
    // Its Scope closes when its handler ends, if ever: nobody waits for that.
    position?.onDown((reason) => {
      if (reason === "abandoned") leave(new ActorDown({ actor: this.id, reason }))
    })
    return { cell, leave }
  }

  begin(cell: ActorCell<S>, envelope: Envelope): void {
    cell.inHand = envelope
    if (this.sinks.isWatched()) this.publish(envelope, "received", "")
  }

  finish(cell: ActorCell<S>, envelope: Envelope, state: S): void {
    cell.inHand = undefined
    this.become(cell, state)
    if (this.sinks.isWatched()) this.publish(envelope, envelope.answer === undefined ? "handled" : "answered", "")
  }

  failed(cell: ActorCell<S>, envelope: Envelope, cause: Cause.Cause<unknown>): void {
    cell.inHand = undefined
    if (this.sinks.isWatched()) this.publish(envelope, "failed", describeCause(cause))
  }

  private become(cell: ActorCell<S>, state: S): S {
    cell.state = state
    if (this.current === cell) this.onState(state)
    return state
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
  private tell<A>(hear: (mailbox: ActorMailbox, cell: ActorCell<S>) => A): Effect.Effect<A, ActorDown> {
    return Effect.withFiber<A, ActorDown>((fiber) =>
      Effect.callback((resume) => {
        const { current, mailbox } = this
        const down = new ActorDown({ actor: this.id, reason: "noproc" })
        if (mailbox === undefined || current === undefined) return resume(Effect.fail(down))
        let isHeard = false
        // What an operator's function throws is the operator's.
        mailbox.offerSystem(() =>
          Effect.map(Effect.exit(Effect.sync(() => hear(mailbox, current))), (heard) => {
            isHeard = true
            resume(heard)
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
    replaceState: (change) => this.tell((_mailbox, cell) => this.become(cell, change(cell.state))),
    trace: this.sinks.stream
  }

  private readonly control: ChildControl = {
    suspend: this.sys.suspend,
    resume: this.sys.resume,
    state: this.sys.getState,
    trace: this.sys.trace
  }
}
