/**
 * Words that wait for a supervisor, first come first served. Bounded by who writes: one end per living child, one
 * retry per restarting child, one request per waiting caller.
 */
import * as Effect from "effect/Effect"

export class Mailbox<A> {
  private incoming: Array<A> = []
  private current: Array<A> = []
  private next = 0
  private wake: (() => void) | undefined = undefined

  offer(message: A): void {
    this.incoming.push(message)
    const wake = this.wake
    this.wake = undefined
    wake?.()
  }

  /** The oldest message; waits for one. For a single reader that is never interrupted. */
  readonly take: Effect.Effect<A> = Effect.suspend(() => {
    const message = this.poll()
    if (message !== undefined) return Effect.succeed(message)
    return Effect.flatMap(
      Effect.callback<void>((resume) => {
        this.wake = () => resume(Effect.void)
      }),
      () => this.take
    )
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
