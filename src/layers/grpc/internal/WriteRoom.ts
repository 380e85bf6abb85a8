/** Back-pressure of a Node stream as an effect. */
import { Effect } from "effect"

/** What a Node stream that is written to tells of its room. */
export interface Drainable {
  readonly once: (event: "drain" | "close", listener: () => void) => unknown
  readonly off: (event: "drain" | "close", listener: () => void) => unknown
}

/** Writes, and waits until there is room for the next write or nobody to write to; `write` answers whether there is. */
export const writing = (stream: Drainable, write: () => boolean): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (write()) return resume(Effect.void)
    const proceed = () => {
      stream.off("drain", proceed)
      stream.off("close", proceed)
      resume(Effect.void)
    }
    stream.once("drain", proceed)
    stream.once("close", proceed)
    return Effect.sync(() => {
      stream.off("drain", proceed)
      stream.off("close", proceed)
    })
  })
