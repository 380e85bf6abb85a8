/** Calls and casts: how a message gets to the life that an actor has at the moment, and its answer back. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { ActorDown, CallTimedOut, type MailboxFull } from "../../ActorError.ts"
import type { Envelope } from "./ActorMailbox.ts"
import type { ActorSystem } from "./ActorSystem.ts"

/** Tells `done` once whether the message was let in. Returns how to stop waiting for a place. */
const send = <S>(
  system: ActorSystem<S>,
  envelope: Envelope,
  sender: Fiber.Fiber<unknown, unknown>,
  done: (refused: ActorDown | MailboxFull | undefined) => void
): () => void => {
  const { mailbox } = system
  if (mailbox !== undefined && system.stopping === undefined) return mailbox.offer(envelope, sender, done)
  done(new ActorDown({ actor: system.id, reason: "noproc" }))
  return () => {}
}

/** Waits for the answer within the limit. */
export const call = <S>(
  system: ActorSystem<S>,
  name: string,
  input: unknown,
  timeout: Duration.Input
): Effect.Effect<unknown, unknown> =>
  Effect.withFiber<unknown, unknown>((fiber) =>
    Effect.callback((resume) => {
      const limitMillis = Duration.toMillis(Duration.fromInputUnsafe(timeout))
      let isAnswered = false
      let timer: Fiber.Fiber<unknown> | undefined
      const answer = (exit: Exit.Exit<unknown, unknown>): void => {
        if (isAnswered) return
        isAnswered = true
        timer?.interruptUnsafe()
        resume(exit)
      }
      const leave = send(system, { name, input, answer }, fiber, (refused) => {
        if (refused !== undefined) answer(Exit.fail(refused))
      })
      if (isAnswered) return
      if (limitMillis !== Number.POSITIVE_INFINITY) {
        const give = Effect.sync(() => {
          timer = undefined
          leave()
          answer(Exit.fail(new CallTimedOut({ actor: system.id, call: name, limitMillis })))
        })
        timer = Effect.runForkWith(fiber.context)(Effect.andThen(Effect.sleep(limitMillis), give))
      }
      return Effect.sync(() => {
        isAnswered = true
        leave()
        timer?.interruptUnsafe()
      })
    })
  )

/** Waits for a place in the mailbox only. */
export const cast = <S>(
  system: ActorSystem<S>,
  name: string,
  input: unknown
): Effect.Effect<void, ActorDown | MailboxFull> =>
  Effect.withFiber<void, ActorDown | MailboxFull>((fiber) =>
    Effect.callback((resume) => {
      const leave = send(system, { name, input, answer: undefined }, fiber, (refused) => {
        resume(refused === undefined ? Effect.void : Effect.fail(refused))
      })
      return Effect.sync(leave)
    })
  )
