/** How much one side of a call may send before the other has used what came: 64 KiB, as HTTP/2 has it unless told. */
import { Effect } from "effect"

const windowBytes = 65_535

export class Window {
  #left = windowBytes
  #wake: (() => void) | undefined

  /** What does not fit is sent all the same, and the next one waits. */
  spend(bytes: number): void {
    this.#left -= bytes
  }

  refill(bytes: number): void {
    this.#left += bytes
    if (this.#left <= 0) return
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** Lets go whoever waits: nothing is sent any more. */
  end(): void {
    this.refill(Number.MAX_SAFE_INTEGER)
  }

  readonly room: Effect.Effect<void> = Effect.suspend(() =>
    this.#left > 0 ? Effect.void : Effect.callback<void>((resume) => {
      this.#wake = () => resume(Effect.void)
    })
  )
}
