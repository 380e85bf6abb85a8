/** One life of an actor: it takes message after message and hands each to its handler, until one ends it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as ExitReason from "../ExitReason.ts"
import type { ActorMailbox } from "./ActorMailbox.ts"
import type { Step } from "./ActorStep.ts"
import type { ActorCell, ActorSystem, StopReason } from "./ActorSystem.ts"

/** By the name of the message. */
export type Handlers<S, E, R> = ReadonlyMap<string, (input: unknown, state: S) => Effect.Effect<Step<unknown, S>, E, R>>

export interface ActorHandlers<S, E, R> {
  readonly calls: Handlers<S, E, R>
  readonly casts: Handlers<S, E, R>
}

export const life = <S, E, R>(
  system: ActorSystem<S>,
  { calls, casts }: ActorHandlers<S, E, R>,
  mailbox: ActorMailbox,
  cell: ActorCell<S>
): Effect.Effect<void, E, R> => {
  const goOn: Effect.Effect<void, E, R> = Effect.suspend(() => {
    const systemMessage = mailbox.takeSystem()
    if (systemMessage !== undefined) return Effect.flatMap(systemMessage(), () => goOn)
    const envelope = mailbox.take()
    if (envelope === undefined) {
      const { stopping } = system
      if (stopping !== undefined && mailbox.size === 0) return endWith(stopping)
      return Effect.flatMap(mailbox.wait, () => goOn)
    }
    const { answer, input, name } = envelope
    const handle = (answer === undefined ? casts : calls).get(name)
    if (handle === undefined) return goOn
    system.begin(cell, envelope)
    return Effect.matchCauseEffect(Effect.suspend(() => handle(input, cell.state)), {
      onSuccess: (step) => {
        system.finish(cell, envelope, step.state)
        answer?.(Exit.succeed(step.answer))
        return step.stop === undefined ? goOn : endWith(step.stop)
      },
      onFailure: (cause) => {
        if (answer === undefined || !cause.reasons.every(Cause.isFailReason)) return Effect.failCause(cause)
        system.failed(cell, envelope, cause)
        answer(Exit.failCause(cause))
        return goOn
      }
    })
  })
  return goOn
}

const endWith = (reason: StopReason): Effect.Effect<void> =>
  reason === "normal" ? Effect.void : ExitReason.exitShutdown(reason.shutdown)
