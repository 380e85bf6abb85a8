/** Restarts that wait: for their backoff, or only for their turn. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Backoffs from "./Backoffs.ts"
import type { ChildRecord } from "./child/ChildRecord.ts"

interface Waiting {
  timer: Fiber.Fiber<unknown> | undefined
}

export class Retries {
  private readonly delays = new Map<string, Backoffs.Delays>()
  private readonly waiting = new Map<string, Waiting>()

  /** Calls `due` when the child may be started again, unless that is cancelled. */
  schedule(record: ChildRecord<unknown>, due: () => void): void {
    const { backoff, id } = record.bound.description
    this.cancel(id)
    const waiting: Waiting = { timer: undefined }
    this.waiting.set(id, waiting)
    // The pause lets others run, even when a child fails at once each time it is started.
    const pause = backoff === undefined ? Effect.yieldNow : this.pause(record, backoff)
    const ring = Effect.sync(() => {
      if (this.waiting.get(id) !== waiting) return
      this.waiting.delete(id)
      due()
    })
    waiting.timer = record.owner.fork(Effect.andThen(pause, ring))
  }

  /** The next delay of the child's schedule. The schedule is somebody else's code, so nobody but the timer waits for it. */
  private pause(record: ChildRecord<unknown>, backoff: Parameters<typeof Backoffs.make>[0]): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { id } = record.bound.description
      const delays = this.delays.get(id) ?? Backoffs.make(backoff)
      this.delays.set(id, delays)
      const nowMillis = record.owner.clock.currentTimeMillisUnsafe()
      const { ranMillis } = record
      record.ranMillis = 0
      return Effect.flatMap(delays.next(nowMillis, ranMillis), (delayMillis) => {
        record.backoffUntil = nowMillis + delayMillis
        return Effect.sleep(delayMillis)
      })
    })
  }

  cancel(id: string): void {
    const waiting = this.waiting.get(id)
    this.waiting.delete(id)
    waiting?.timer?.interruptUnsafe()
  }

  /** Starts the backoff of a child with a new spec from its beginning. */
  renew(id: string): void {
    this.delays.delete(id)
  }

  /** Forgets a child that is gone for good. */
  forget(id: string): void {
    this.cancel(id)
    this.delays.delete(id)
  }

  cancelAll(): void {
    for (const id of this.waiting.keys()) this.cancel(id)
  }
}
