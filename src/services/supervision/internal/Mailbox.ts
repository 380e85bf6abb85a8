/**
 * Messages that wait for a supervisor, first come first served. Bounded by who sends: one exit per living child, one
 * retry per restarting child, one request per waiting caller.
 *
 * To look, find nothing and wait is one step, so no message can come in between and wake nobody.
 */
import * as Effect from "effect/Effect"

export class Mailbox<A> {
  private incoming: Array<A> = []
  private current: Array<A> = []
  private next = 0
  private wake: ((message: A) => void) | undefined = undefined

  offer(message: A): void {
    const wake = this.wake
    if (wake === undefined) {
      this.incoming.push(message)
      return
    }
    this.wake = undefined
    wake(message)
  }

  private readonly wait: Effect.Effect<A> = Effect.callback<A>((resume) => {
    const message = this.poll()
    if (message !== undefined) return resume(Effect.succeed(message))
    this.wake = (message) => resume(Effect.succeed(message))
  })

  /** The oldest message; waits for one. For a single reader that is never interrupted. */
  readonly take: Effect.Effect<A> = Effect.suspend(() => {
    const message = this.poll()
    return message === undefined ? this.wait : Effect.succeed(message)
  })

  poll(): A | undefined {
    if (this.next === this.current.length) {
      this.current = this.incoming
      this.incoming = []
      this.next = 0
    }
    const message = this.current[this.next]
    if (message !== undefined) this.next += 1
    return message
  }
}
