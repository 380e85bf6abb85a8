/**
 * What waits for one life of an actor: its messages, up to the limit, and before them the
 * system messages of its operators (OTP's `sys`).
 *
 * A call to an actor that waits is handed over within the caller's step: the actor's fiber runs up to its next wait, and
 * mostly has answered when it gives the turn back. So a round trip needs no turn of the event loop. A cast leaves the
 * actor its own turn, and so do calls nested deeper than `depthMax`, for each is a stack of its own.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { MailboxLimit } from "../../../../domain/supervision/check/MailboxLimit.ts"
import type { ActorDown, MailboxFull } from "../../ActorError.ts"

export interface Envelope {
  readonly name: string
  readonly input: unknown
  /** Undefined for a cast. */
  readonly answer: ((exit: Exit.Exit<unknown, unknown>) => void) | undefined
}

const depthMax = 32
let depth = 0

export class ActorMailbox {
  private readonly limit: MailboxLimit
  private readonly full: () => MailboxFull
  private incoming: Array<Envelope> = []
  private current: Array<Envelope> = []
  private next = 0
  private readonly systemMessages: Array<() => Effect.Effect<void>> = []
  /** Senders that wait for a place, oldest first. */
  private readonly senders = new Set<() => void>()
  private wake: (() => void) | undefined = undefined
  isSuspended = false
  private down: ActorDown | undefined = undefined

  constructor(limit: MailboxLimit, full: () => MailboxFull) {
    this.limit = limit
    this.full = full
  }

  get size(): number {
    return this.incoming.length + this.current.length - this.next
  }

  /**
   * Puts a message in and tells `done` once, when it is in or was turned away. Returns how to stop waiting for a place.
   */
  offer(
    envelope: Envelope,
    sender: Fiber.Fiber<unknown, unknown>,
    done: (refused: ActorDown | MailboxFull | undefined) => void
  ): () => void {
    const enter = (): void => {
      if (this.down !== undefined) return done(this.down)
      if (this.size >= this.limit.capacity) {
        if (this.limit.whenFull === "refuse") return done(this.full())
        if (this.limit.whenFull === "wait") {
          this.senders.add(enter)
          return
        }
        this.shift()?.answer?.(failure(this.full()))
      }
      this.incoming.push(envelope)
      done(undefined)
      this.wakeUp(sender, envelope.answer !== undefined)
    }
    enter()
    return () => this.senders.delete(enter)
  }

  /** Sends a system message: handled before all others, and also while the actor is suspended. */
  offerSystem(message: () => Effect.Effect<void>, sender: Fiber.Fiber<unknown, unknown>): void {
    this.systemMessages.push(message)
    this.wakeUp(sender, true)
  }

  private wakeUp(sender: Fiber.Fiber<unknown, unknown>, isNow: boolean): void {
    if (this.wake === undefined) return
    if (!isNow || depth >= depthMax) {
      sender.currentDispatcher.scheduleTask(() => this.goOn(), 0)
      return
    }
    depth += 1
    try {
      this.goOn()
    } finally {
      depth -= 1
    }
  }

  private goOn(): void {
    const { wake } = this
    this.wake = undefined
    wake?.()
  }

  takeSystem(): (() => Effect.Effect<void>) | undefined {
    return this.systemMessages.shift()
  }

  /** The oldest message; none while the actor is suspended. */
  take(): Envelope | undefined {
    if (this.isSuspended) return undefined
    const envelope = this.shift()
    if (envelope !== undefined && this.senders.size > 0) {
      for (const enter of this.senders) {
        this.senders.delete(enter)
        enter()
        break
      }
    }
    return envelope
  }

  private shift(): Envelope | undefined {
    if (this.next === this.current.length) {
      this.current = this.incoming
      this.incoming = []
      this.next = 0
    }
    const envelope = this.current[this.next]
    if (envelope !== undefined) this.next += 1
    return envelope
  }

  /** Until there is something to take. To look and to wait is one step. */
  readonly wait: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (this.systemMessages.length > 0 || (!this.isSuspended && this.size > 0)) return resume(Effect.void)
    this.wake = () => resume(Effect.void)
  })

  /** Answers all who wait, and turns away all who come. Returns how many messages nobody waits for were lost. */
  close(down: ActorDown): number {
    this.down = down
    let lost = 0
    for (let envelope = this.shift(); envelope !== undefined; envelope = this.shift()) {
      if (envelope.answer === undefined) lost += 1
      else envelope.answer(failure(down))
    }
    for (const enter of this.senders) {
      this.senders.delete(enter)
      enter()
    }
    return lost
  }
}

const failure = <E>(error: E): Exit.Exit<never, E> => Exit.fail(error)
