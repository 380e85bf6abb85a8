/**
 * What the store is to know of pollers' losses and returns: written at once where that can be, else as soon as it can.
 *
 * That a loss was told is written after the loss itself, else it would stand there as one that is still to be told.
 */
import { Effect } from "effect"
import type { PollerTurn } from "../../domain/core/PollerTurn.ts"
import type { PollerId } from "../../domain/monitoring/Ids.ts"
import type { StatusStore, StatusStoreError } from "./StatusStore.ts"

export interface TurnNotes {
  readonly missed: (turn: PollerTurn) => Effect.Effect<void>
  readonly told: (turn: PollerTurn) => Effect.Effect<void>
  /**
   * Its loss is in the store, if there is one: so it is owed, and so is the return that the next report makes. Fails while
   * the store is away; one that it refuses keeps no report away.
   */
  readonly settled: (pollerId: PollerId) => Effect.Effect<void, StatusStoreError>
  /** It has reported, which the store knows by the report. */
  readonly seen: (pollerId: PollerId) => Effect.Effect<void>
  /** Writes what is not in the store yet; what cannot be written is kept. */
  readonly write: Effect.Effect<void>
}

export const make = (store: Pick<StatusStore["Service"], "noteMissed" | "noteTold">): TurnNotes => {
  const missed = new Map<PollerId, PollerTurn>()
  /** At most a loss and a return of each poller. */
  const told = new Map<string, PollerTurn>()

  const keep = (what: string) => (error: StatusStoreError) =>
    Effect.logDebug(`${what} is not noted yet: ${error.message}`)

  const noteMissed = (turn: PollerTurn) =>
    Effect.andThen(
      store.noteMissed(turn),
      Effect.sync(() => void (missed.get(turn.pollerId) === turn && missed.delete(turn.pollerId)))
    )

  const notMissed = (turn: PollerTurn) => keep(`That poller ${turn.pollerId} is missed`)

  const writeMissed = (turn: PollerTurn) => noteMissed(turn).pipe(Effect.catch(notMissed(turn)))

  const writeTold = ([key, turn]: readonly [string, PollerTurn]) =>
    turn.isMissed && missed.has(turn.pollerId) ? Effect.void : store.noteTold(turn).pipe(
      Effect.andThen(Effect.sync(() => told.get(key) === turn && told.delete(key))),
      Effect.catch(keep(`What was told of poller ${turn.pollerId}`))
    )

  return {
    missed: (turn) => Effect.sync(() => void missed.set(turn.pollerId, turn)),
    told: (turn) => Effect.sync(() => void told.set(`${turn.isMissed} ${turn.pollerId}`, turn)),
    settled: (pollerId) =>
      Effect.suspend(() => {
        const turn = missed.get(pollerId)
        return turn === undefined ? Effect.void : Effect.catchIf(
          noteMissed(turn),
          ({ reason }) => reason._tag === "StoreRefused",
          notMissed(turn)
        )
      }),
    seen: (pollerId) => Effect.sync(() => void missed.delete(pollerId)),
    write: Effect.suspend(() =>
      Effect.andThen(
        Effect.forEach([...missed.values()], writeMissed, { discard: true }),
        Effect.suspend(() => Effect.forEach([...told], writeTold, { discard: true }))
      )
    )
  }
}
