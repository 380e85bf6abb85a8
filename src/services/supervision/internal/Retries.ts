/** Restarts that wait: for their backoff, or only for their turn. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Backoffs from "./Backoffs.ts"
import type { ChildRecord } from "./ChildRecord.ts"

export class Retries {
  private readonly delays = new Map<string, Backoffs.Delays>()
  private readonly timers = new Map<string, Fiber.Fiber<unknown>>()

  /** Calls `due` when the child may be started again. */
  schedule(record: ChildRecord<unknown>, due: () => void): Effect.Effect<void> {
    const { backoff, id } = record.bound.description
    // The pause lets others run, even when a child fails at once each time it is started.
    if (backoff === undefined) return Effect.andThen(Effect.yieldNow, Effect.sync(due))
    return Effect.gen({ self: this }, function*() {
      const delays = this.delays.get(id) ?? Backoffs.make(backoff)
      this.delays.set(id, delays)
      const nowMillis = record.owner.clock.currentTimeMillisUnsafe()
      const delayMillis = yield* delays.next(nowMillis, record.ranMillis)
      record.ranMillis = 0
      record.backoffUntil = nowMillis + delayMillis
      const timer = Effect.andThen(
        Effect.sleep(delayMillis),
        Effect.sync(() => {
          this.timers.delete(id)
          due()
        })
      )
      this.timers.set(id, yield* Effect.forkDetach(timer, { startImmediately: true }))
    })
  }

  cancel(id: string): void {
    this.timers.get(id)?.interruptUnsafe()
    this.timers.delete(id)
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
    for (const id of this.timers.keys()) this.cancel(id)
  }
}
