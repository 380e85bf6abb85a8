/**
 * A child with a state of its own, which only messages reach, one after the other: OTP's `gen_server`, typed.
 *
 *   call   waits for the answer, within a limit; a typed failure of its handler is the caller's, and the actor goes on
 *   cast   is on its way when it has a place in the mailbox; a failure of its handler ends the actor
 *
 * A defect in any handler ends the actor, and whoever waits for an answer gets `ActorDown`. The value is both a child to
 * put into a tree and the way to reach whatever life it has at the moment.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { WhenFull } from "../../domain/supervision/check/MailboxLimit.ts"
import * as SpecCheck from "../../domain/supervision/check/SpecCheck.ts"
import { ActorDown, type CallTimedOut, MailboxFull } from "./ActorError.ts"
import * as ChildSpec from "./ChildSpec.ts"
import * as Life from "./internal/actor/ActorLife.ts"
import { ActorMailbox } from "./internal/actor/ActorMailbox.ts"
import * as Sending from "./internal/actor/ActorSending.ts"
import type { Step } from "./internal/actor/ActorStep.ts"
import { ActorSystem, type StopReason, type Sys } from "./internal/actor/ActorSystem.ts"
import { ChildPosition, type SupervisorPosition } from "./internal/child/ChildPosition.ts"
import * as ExitReason from "./internal/ExitReason.ts"
import { RunningInstance } from "./internal/RunningInstance.ts"

export { next, reply, type Step, stop } from "./internal/actor/ActorStep.ts"

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
  /** Messages that can wait, at least one. Default 1,000. */
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

    const { call, cast, id, init, keepsState = false } = options
    const mailboxLimit = {
      capacity: options.capacity ?? capacityDefault,
      whenFull: options.whenFull ?? "wait"
    }
    let kept: { readonly state: S } | undefined
    const system = new ActorSystem<S>(id, (state) => {
      if (keepsState) kept = { state }
    })
    const instance = new RunningInstance<SupervisorPosition | undefined>()

    // boundary: a message only ever reaches the handler of its own name, whose input type it was sent with
    const calls = new Map(Object.entries(call)) as unknown as Life.Handlers<S, Failure, Services>
    // boundary: the same for casts
    const casts = new Map(Object.entries(cast ?? {})) as unknown as Life.Handlers<S, Failure, Services>

    const start = Effect.gen(function*() {
      const position = yield* ChildPosition
      if (!(yield* instance.enter(position?.owner))) {
        return yield* Effect.die(SpecCheck.inTwoTrees(position?.path ?? id, id))
      }
      const state = kept === undefined ? yield* init : kept.state
      const mailbox = new ActorMailbox(mailboxLimit, () =>
        new MailboxFull({ actor: id, capacity: mailboxLimit.capacity }))
      const { cell } = yield* Effect.acquireRelease(
        Effect.sync(() =>
          system.enter(mailbox, state, position)
        ),
        ({ leave }, exit) => {
          const reason = ExitReason.describe(exit)
          const lost = leave(new ActorDown({ actor: id, reason: reason === "" ? "it ended" : reason }))
          return lost === 0 ? Effect.void : Effect.logWarning(`${id} ended with ${lost} messages that nobody answers`)
        }
      )
      return Life.life(system, { calls, casts }, mailbox, cell)
    })

    const callOf = (name: string) => (input: unknown, { timeout = timeoutDefault }: CallOptions = {}) =>
      Sending.call(system, name, input, timeout)
    const castOf = (name: string) => (input: unknown) => Sending.cast(system, name, input)
    const named = <A>(names: Iterable<string>, of: (name: string) => A): Record<string, A> =>
      Object.fromEntries([...names].map((name) => [name, of(name)]))

    const actor = {
      ...ChildSpec.make("worker", { ...childOptions(options), start }, { mailbox: mailboxLimit }),
      call: named(calls.keys(), callOf),
      cast: named(casts.keys(), castOf),
      stop: (reason: StopReason = "normal") => system.stop(reason),
      mailboxSize: Effect.sync(() => system.mailbox?.size ?? 0),
      sys: system.sys
    }
    // boundary: each name's function sends to the handler of that name, see above
    return actor as unknown as Actor<S, Failure, Exclude<Services, Scope.Scope>, Calls, Casts>
  })

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
