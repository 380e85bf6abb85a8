/**
 * Whether a poller may work: closed while its rollout is rolled back, and always open without a rollout.
 *
 * Its agents' children and its reporter run inside, so that a poller that was rolled back asks and tells nobody anything.
 */
import { Context, Effect, Latch } from "effect"

export interface RolloutGate {
  /** Runs it while the gate is open, and anew each time that it opens again. */
  readonly whileOpen: <E, R>(effect: Effect.Effect<never, E, R>) => Effect.Effect<never, E, R>
  /** Is told of each poll: whether the agent had no answer. */
  readonly note: (isError: boolean) => void
}

const alwaysOpen: RolloutGate = { whileOpen: (effect) => effect, note: () => undefined }

export const RolloutGate = Context.Reference<RolloutGate>("serviceradar/services/poller/rollout/RolloutGate", {
  defaultValue: () => alwaysOpen
})

export const whileOpen = <E, R>(effect: Effect.Effect<never, E, R>): Effect.Effect<never, E, R> =>
  Effect.flatMap(RolloutGate, (gate) => gate.whileOpen(effect))

export interface Turnable extends RolloutGate {
  readonly set: (isOpen: boolean) => void
}

export const make = (note: RolloutGate["note"]): Turnable => {
  const isOpen = Latch.makeUnsafe(true)
  const isClosed = Latch.makeUnsafe(false)
  return {
    note,
    whileOpen: (effect) => Effect.forever(Effect.andThen(isOpen.await, Effect.raceFirst(effect, isClosed.await))),
    set: (open) => {
      if (open) {
        isClosed.closeUnsafe()
        isOpen.openUnsafe()
      } else {
        isOpen.closeUnsafe()
        isClosed.openUnsafe()
      }
    }
  }
}
