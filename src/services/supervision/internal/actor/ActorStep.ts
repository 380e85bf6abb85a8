/** What a handler of an actor returns. */
import type { StopReason } from "./ActorSystem.ts"

/** The answer, the next state, and whether the actor is to end. */
export interface Step<out A, out S> {
  readonly answer: A
  readonly state: S
  readonly stop: StopReason | undefined
}

export const reply = <A, S>(answer: A, state: S): Step<A, S> => ({ answer, state, stop: undefined })
export const next = <S>(state: S): Step<void, S> => ({ answer: undefined, state, stop: undefined })
/** Answers, and ends the actor. */
export const stop = <S, A = void>(state: S, reason: StopReason, answer: A): Step<A, S> => ({
  answer,
  state,
  stop: reason
})
