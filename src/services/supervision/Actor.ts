/**
 * A child with a state of its own, which only messages reach, one after the other: OTP's `gen_server`, typed.
 *
 *   call   waits for the answer, within a limit; a typed failure of its handler is the caller's, and the actor goes on
 *   cast   is on its way when it has a place in the mailbox; a failure of its handler ends the actor
 *
 * A defect in any handler ends the actor, and whoever waits for an answer gets `ActorDown`. The value is both a child to
 * put into a tree and the way to reach whatever life it has at the moment.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { ActorDown, CallTimedOut, MailboxFull } from "./ActorError.ts"
import * as ChildSpec from "./ChildSpec.ts"
import { ActorMailbox, type WhenFull } from "./internal/actor/ActorMailbox.ts"
import { ActorSystem, type StopReason, type Sys } from "./internal/actor/ActorSystem.ts"
import { ChildPosition } from "./internal/child/ChildPosition.ts"
import * as ExitReason from "./internal/ExitReason.ts"

/** What a handler comes to: the answer, the next state, and whether the actor is to end. */
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

type CallHandlers<S> = Readonly<
  Record<string, (input: never, state: S) => Effect.Effect<Step<unknown, S>, unknown, unknown>>
>
type CastHandlers<S> = Readonly<
  Record<string, (input: never, state: S) => Effect.Effect<Step<void, S>, unknown, unknown>>
>
type Handlers = Readonly<Record<string, (input: never, state: never) => Effect.Effect<unknown, unknown, unknown>>>

type InputOf<H> = H extends (input: infer I, ...others: ReadonlyArray<never>) => unknown ? I : never
type AnswerOf<H> = H extends (...args: ReadonlyArray<never>) => Effect.Effect<Step<infer A, unknown>, unknown, unknown>
  ? A
  : never
type ErrorOf<H> = H extends (...args: ReadonlyArray<never>) => Effect.Effect<unknown, infer E, unknown> ? E : never
type ServicesOf<H> = H extends (...args: ReadonlyArray<never>) => Effect.Effect<unknown, unknown, infer R> ? R : never

export interface ActorOptions<S, E, R, Calls extends Handlers, Casts extends Handlers>
  extends Omit<ChildSpec.ChildOptions, "heartbeat">
{
  /** The first state, acquired in the actor's Scope: it has started when this has succeeded. */
  readonly init: Effect.Effect<S, E, R>
  readonly call: Calls
  readonly cast?: Casts & CastHandlers<S>
  /**
   * Whether the state after the last message that was handled well is the first state of the next life, instead of what
   * `init` answers. Such a state must not hold what a Scope closes. Default false: a life begins afresh.
   */
  readonly keepsState?: boolean
  /** Messages that can wait. Default 1,000. */
  readonly capacity?: number
  /** Who sends to a full mailbox waits (default), is refused, or drives the oldest message out. */
  readonly whenFull?: WhenFull
}

export interface CallOptions {
  /** Default 5 seconds, as in OTP. */
  readonly timeout?: Duration.Input
}

export type CallError = ActorDown | CallTimedOut | MailboxFull

export interface Actor<S, E, R, Calls extends Handlers, Casts extends Handlers> extends ChildSpec.ChildSpec<E, R> {
  readonly call: {
    readonly [K in keyof Calls]: (
      input: InputOf<Calls[K]>,
      options?: CallOptions
    ) => Effect.Effect<AnswerOf<Calls[K]>, ErrorOf<Calls[K]> | CallError>
  }
  readonly cast: {
    readonly [K in keyof Casts]: (input: InputOf<Casts[K]>) => Effect.Effect<void, ActorDown | MailboxFull>
  }
  /** Ends it when it has handled what it was sent before; returns when it has ended. Its restart kind says what then. */
  readonly stop: (reason?: StopReason) => Effect.Effect<void, ActorDown>
  /** Messages that wait; 0 while it does not run. */
  readonly mailboxSize: Effect.Effect<number>
  /** OTP's `sys`. */
  readonly sys: Sys<S>
}

const capacityDefault = 1000
const timeoutDefault: Duration.Input = "5 seconds"

/** Declares an actor, to be put among the children of a supervisor. */
export const make = <
  S,
  E,
  R,
  const Calls extends CallHandlers<S>,
  const Casts extends CastHandlers<S> = Record<never, never>
>(
  options: ActorOptions<S, E, R, Calls, Casts>
): Effect.Effect<
  Actor<
    S,
    E | ErrorOf<Casts[keyof Casts]>,
    Exclude<R | ServicesOf<Calls[keyof Calls]> | ServicesOf<Casts[keyof Casts]>, Scope.Scope>,
    Calls,
    Casts
  >
> =>
  Effect.sync(() => {
    type Failure = E | ErrorOf<Casts[keyof Casts]>
    type Services = R | Scope.Scope | ServicesOf<Calls[keyof Calls]> | ServicesOf<Casts[keyof Casts]>
    type Handle = (input: unknown, state: S) => Effect.Effect<Step<unknown, S>, Failure, Services>

    const { call, capacity = capacityDefault, cast, id, init, keepsState = false, whenFull = "wait" } = options
    const system = new ActorSystem<S>(id)
    let kept: { readonly state: S } | undefined

    // boundary: a message only ever reaches the handler of its own name, whose input type it was sent with
    const calls = new Map(Object.entries(call)) as unknown as ReadonlyMap<string, Handle>
    // boundary: the same for casts
    const casts = new Map(Object.entries(cast ?? {})) as unknown as ReadonlyMap<string, Handle>

    const life = (mailbox: ActorMailbox, cell: { readonly state: S }): Effect.Effect<void, Failure, Services> =>
      Effect.suspend(() => {
        const word = mailbox.takeWord()
        if (word !== undefined) return Effect.flatMap(word(), () => life(mailbox, cell))
        const envelope = mailbox.take()
        if (envelope === undefined) {
          const { stopping } = system
          if (stopping !== undefined && mailbox.size === 0) return endWith(stopping)
          return Effect.flatMap(mailbox.wait, () => life(mailbox, cell))
        }
        const { answer, input, name } = envelope
        const handle = (answer === undefined ? casts : calls).get(name)
        if (handle === undefined) return life(mailbox, cell)
        system.begin(envelope)
        return Effect.matchCauseEffect(Effect.suspend(() => handle(input, cell.state)), {
          onSuccess: (step) => {
            system.finish(envelope, step.state)
            if (keepsState) kept = { state: step.state }
            answer?.(Exit.succeed(step.answer))
            return step.stop === undefined ? life(mailbox, cell) : endWith(step.stop)
          },
          onFailure: (cause) => {
            if (answer === undefined || !cause.reasons.every(Cause.isFailReason)) return Effect.failCause(cause)
            system.failed(envelope, cause)
            answer(Exit.failCause(cause))
            return life(mailbox, cell)
          }
        })
      })

    const start = Effect.gen(function*() {
      const state = kept === undefined ? yield* init : kept.state
      if (keepsState) kept = { state }
      const mailbox = new ActorMailbox(capacity, whenFull, () => new MailboxFull({ actor: id, capacity }))
      const position = yield* ChildPosition
      const { cell } = yield* Effect.acquireRelease(
        Effect.sync(() => system.enter(mailbox, state, position)),
        ({ leave }, exit) => {
          const reason = ExitReason.describe(exit)
          const lost = leave(new ActorDown({ actor: id, reason: reason === "" ? "it ended" : reason }))
          return lost === 0 ? Effect.void : Effect.logWarning(`${id} ended with ${lost} messages that nobody answers`)
        }
      )
      return life(mailbox, cell)
    })

    const send = (
      name: string,
      input: unknown,
      answer: ((exit: Exit.Exit<unknown, unknown>) => void) | undefined,
      sender: Fiber.Fiber<unknown, unknown>,
      done: (refused: ActorDown | MailboxFull | undefined) => void
    ): () => void => {
      const { mailbox } = system
      if (mailbox !== undefined && system.stopping === undefined) {
        return mailbox.offer({ name, input, answer }, sender, done)
      }
      done(new ActorDown({ actor: id, reason: "noproc" }))
      return () => {}
    }

    const callOf = (name: string) => (input: unknown, { timeout = timeoutDefault }: CallOptions = {}) =>
      Effect.withFiber<unknown, unknown>((fiber) =>
        Effect.callback((resume) => {
          let isAnswered = false
          let timer: Fiber.Fiber<unknown> | undefined
          const answer = (exit: Exit.Exit<unknown, unknown>): void => {
            if (isAnswered) return
            isAnswered = true
            timer?.interruptUnsafe()
            resume(exit)
          }
          const leave = send(name, input, answer, fiber, (refused) => {
            if (refused !== undefined) answer(Exit.fail(refused))
          })
          if (isAnswered) return
          const limitMillis = Duration.toMillis(Duration.fromInputUnsafe(timeout))
          if (limitMillis !== Number.POSITIVE_INFINITY) {
            const give = Effect.sync(() => {
              timer = undefined
              leave()
              answer(Exit.fail(new CallTimedOut({ actor: id, call: name, limitMillis })))
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

    const castOf = (name: string) => (input: unknown) =>
      Effect.withFiber<void, ActorDown | MailboxFull>((fiber) =>
        Effect.callback((resume) => {
          const leave = send(name, input, undefined, fiber, (refused) => {
            resume(refused === undefined ? Effect.void : Effect.fail(refused))
          })
          return Effect.sync(leave)
        })
      )

    const named = <A>(names: Iterable<string>, of: (name: string) => A): Record<string, A> =>
      Object.fromEntries([...names].map((name) => [name, of(name)]))

    const spec = ChildSpec.make("worker", { ...childOptions(options), start })
    const actor = {
      ...spec,
      call: named(calls.keys(), callOf),
      cast: named(casts.keys(), castOf),
      stop: (reason: StopReason = "normal") => system.stop(reason),
      mailboxSize: Effect.sync(() => system.mailbox?.size ?? 0),
      sys: system.sys
    }
    // boundary: each name's function sends to the handler of that name, see above
    return actor as unknown as Actor<S, Failure, Exclude<Services, Scope.Scope>, Calls, Casts>
  })

const endWith = (reason: StopReason): Effect.Effect<void> =>
  reason === "normal" ? Effect.void : ExitReason.exitShutdown(reason.shutdown)

const childOptions = ({
  backoff,
  id,
  restart,
  shutdown,
  significant,
  startTimeout
}: Omit<ChildSpec.ChildOptions, "heartbeat">): ChildSpec.ChildOptions => ({
  id,
  ...(backoff === undefined ? {} : { backoff }),
  ...(restart === undefined ? {} : { restart }),
  ...(shutdown === undefined ? {} : { shutdown }),
  ...(significant === undefined ? {} : { significant }),
  ...(startTimeout === undefined ? {} : { startTimeout })
})
