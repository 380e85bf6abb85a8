/**
 * A scheduler that knows when nothing is left to run, and that lets fibers give way at steps drawn from a seed.
 *
 * Effect's fibers give way after 2,048 steps, which a test rarely reaches; with a small budget each gap between a check and
 * its act shows itself. What waits for a timer of the test clock, or for the outside, is not left to run.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"

/** Turns of the event loop without a task after which nothing is left. */
const quietTurns = 3

/** A tree that keeps itself busy without letting time pass is given up after so many turns. */
const turnsMax = 20_000

export class TestScheduler implements Scheduler.Scheduler {
  readonly executionMode = "async"
  private readonly inner = new Scheduler.MixedScheduler()
  private readonly stepsMax: number | undefined
  private pending = 0

  /** `stepsMax`: after how many steps a fiber gives way; undefined for Effect's own number. */
  constructor(stepsMax: number | undefined) {
    this.stepsMax = stepsMax
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return this.stepsMax === undefined ? this.inner.shouldYield(fiber) : fiber.currentOpCount >= this.stepsMax
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    const dispatcher = this.inner.makeDispatcher()
    return {
      flush: () => dispatcher.flush(),
      scheduleTask: (task, priority) => {
        this.pending += 1
        dispatcher.scheduleTask(() => {
          this.pending -= 1
          task()
        }, priority)
      }
    }
  }

  /** `true` once nothing is left to run without time passing; `false` when there always is. */
  readonly settle: Effect.Effect<boolean> = Effect.callback<boolean>((resume) => {
    let quiet = 0
    let turns = 0
    let next: NodeJS.Immediate | undefined
    const look = (): void => {
      quiet = this.pending === 0 ? quiet + 1 : 0
      turns += 1
      if (quiet >= quietTurns) return resume(Effect.succeed(true))
      if (turns >= turnsMax) return resume(Effect.succeed(false))
      next = setImmediate(look)
    }
    next = setImmediate(look)
    return Effect.sync(() => clearImmediate(next))
  })
}
