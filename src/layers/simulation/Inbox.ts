/** Messages of a call that have come and are not read yet, and how it ended. */
import { Effect, type Exit } from "effect"

export class Inbox<in out A, in out End> {
  #messages: Array<A> = []
  #end: Exit.Exit<never, End> | undefined
  #wake: (() => void) | undefined

  push(message: A): void {
    if (this.#end !== undefined) return
    this.#messages.push(message)
    this.#wake?.()
  }

  /** After what has come before. */
  close(end: Exit.Exit<never, End>): void {
    this.#end ??= end
    this.#wake?.()
  }

  get isClosed(): boolean {
    return this.#end !== undefined
  }

  /** What is there, at least one; then how it ended. */
  readonly take: Effect.Effect<ReadonlyArray<A>, End> = Effect.callback<ReadonlyArray<A>, End>((resume) => {
    const look = () => {
      const messages = this.#messages
      if (messages.length > 0) {
        this.#messages = []
        this.#wake = undefined
        return resume(Effect.succeed(messages))
      }
      if (this.#end === undefined) return
      this.#wake = undefined
      resume(this.#end)
    }
    this.#wake = look
    look()
    return Effect.sync(() => {
      this.#wake = undefined
    })
  })
}
