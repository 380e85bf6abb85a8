/**
 * What is made of a large sweep is made in small turns, one after another for all who ask: half of the time is left for the
 * checks of the agent, however many pollers fetch results at once.
 */
import { Clock, Context, Effect, Semaphore } from "effect"
import type { Steps } from "../../../domain/agent/sweep/SweepReport.ts"

/** Of one turn, and of the pause behind it. */
const turnMillis = 3

const Turns = Context.Reference<Semaphore.Semaphore>("serviceradar/services/agent/sweep/SweepTurns", {
  defaultValue: () => Semaphore.makeUnsafe(1)
})

const turn = Effect.fnUntraced(function*<A>(steps: Steps<A>) {
  const clock = yield* Clock.Clock
  const begunNanos = clock.monotonicTimeNanosUnsafe()
  const elapsedMillis = () => Number(clock.monotonicTimeNanosUnsafe() - begunNanos) / 1e6
  let step = steps.next()
  while (step.done !== true && elapsedMillis() < turnMillis) step = steps.next()
  const tookMillis = elapsedMillis()
  if (tookMillis >= 1) yield* Effect.sleep(tookMillis)
  return step
})

/** Takes all steps. */
export const run = <A>(steps: Steps<A>): Effect.Effect<A> =>
  Effect.gen(function*() {
    const turns = yield* Turns
    for (;;) {
      const step = yield* turns.withPermit(turn(steps))
      if (step.done === true) return step.value
    }
  })
