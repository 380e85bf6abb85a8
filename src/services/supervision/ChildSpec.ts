/**
 * What a supervisor has to know to run a child, with what the child can fail with and needs in its type.
 *
 * A start has two parts, as OTP's init: the outer effect acquires in the child's Scope, and when it succeeds the child
 * counts as started and the next one may start; the inner effect is the child's life. The Scope is closed, within the
 * child's shutdown limit, before the child is restarted or forgotten.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { MailboxLimit } from "../../domain/supervision/check/MailboxLimit.ts"
import type { Restart } from "../../domain/supervision/ChildExit.ts"
import type { Provider } from "../../domain/supervision/ChildState.ts"
import { defaultShutdown, type ShutdownInput } from "../../domain/supervision/Shutdown.ts"
import type { NodeKind } from "../../domain/supervision/TreeNode.ts"
import { ChildInterception } from "./internal/child/ChildInterception.ts"
import { ChildPosition } from "./internal/child/ChildPosition.ts"

/** A pause before each restart. OTP has none, and neither has a child that does not ask for it. */
export interface Backoff {
  /** Its delays in order; an exhausted schedule keeps repeating the last one, for giving up is the intensity's part. */
  readonly schedule: Schedule.Schedule<unknown>
  /** A child that ran at least this long starts the schedule afresh when it ends. Default 1 minute. */
  readonly resetAfter?: Duration.Input
}

export interface ChildOptions {
  readonly id: string
  /** Default `permanent`. */
  readonly restart?: Restart
  /** How long a stop waits; default 5 seconds. */
  readonly shutdown?: ShutdownInput
  /** Whether the end of this child can end the supervisor, see `autoShutdown`. */
  readonly significant?: boolean
  readonly backoff?: Backoff
  /**
   * The child promises a `Supervisor.heartbeat` this often, from when it has started; after two silent periods it counts
   * as failed.
   */
  readonly heartbeat?: Duration.Input
  /** How long the start may take; then it is interrupted and has failed. Default none, as in OTP. */
  readonly startTimeout?: Duration.Input
}

/** A child's data without its effects. */
export interface ChildDescription {
  readonly id: string
  readonly kind: NodeKind
  readonly restart: Restart
  readonly shutdown: ShutdownInput
  readonly significant: boolean
  readonly backoff: Backoff | undefined
  readonly heartbeat: Duration.Input | undefined
  readonly startTimeout: Duration.Input | undefined
  /** What the child lends to later siblings, see `Supervisor.serviceChild`. */
  readonly provider: Provider | undefined
  /** The siblings, here or further up, whose services it was given. */
  readonly uses: ReadonlyArray<Provider>
  /** Of an actor. */
  readonly mailbox?: MailboxLimit
}

/** Hears that nothing is left of a child's life but its finalizers. */
export type OnClosing<E> = (exit: Exit.Exit<unknown, E>) => Effect.Effect<void>

/** A child with everything it needs: runs once per start, for as long as the child lives, its finalizers included. */
export interface BoundChild<out E> {
  readonly description: ChildDescription
  readonly life: (
    position: ChildPosition,
    onStarted: () => void,
    onClosing?: OnClosing<E>
  ) => Effect.Effect<unknown, E>
  /** Hears that a dynamic supervisor has forgotten the child, in the same step. */
  readonly onForgotten?: () => void
}

export interface ChildSpec<out E, out R> {
  readonly description: ChildDescription
  readonly bind: Effect.Effect<BoundChild<E>, never, R>
}

/** The same child, which says so when its dynamic supervisor has forgotten it. */
export const withOnForgotten = <E, R>(spec: ChildSpec<E, R>, onForgotten: () => void): ChildSpec<E, R> => ({
  ...spec,
  bind: Effect.map(spec.bind, (bound) => ({ ...bound, onForgotten }))
})

/** What the children of a list can fail with. */
export type ErrorOf<Children extends ReadonlyArray<ChildSpec<unknown, unknown>>> = ErrorOfOne<Children[number]>
type ErrorOfOne<Child> = Child extends ChildSpec<infer E, unknown> ? E : never

/** A list of different children as a list of one kind, each of which can fail with and need what any of them does. */
export const alike = <const Children extends ReadonlyArray<ChildSpec<unknown, unknown>>>(
  children: Children
): ReadonlyArray<ChildSpec<ErrorOf<Children>, ServicesOf<Children>>> =>
  // boundary: a spec only ever produces its E and asks for its R, so each is also a spec of the two unions
  children as ReadonlyArray<ChildSpec<unknown, unknown>> as ReadonlyArray<
    ChildSpec<ErrorOf<Children>, ServicesOf<Children>>
  >

/** What the children of a list need. */
export type ServicesOf<Children extends ReadonlyArray<ChildSpec<unknown, unknown>>> = ServicesOfOne<Children[number]>
type ServicesOfOne<Child> = Child extends ChildSpec<unknown, infer R> ? R : never

/** A start answers with this when there is nothing to run: its Scope is closed, its spec kept. */
export const ignore: Effect.Effect<never> = Effect.suspend(() => Effect.never)

/** What `run` must not answer: an effect that nobody would run. */
type Runs<A> = [A] extends [Effect.Effect<infer _A, infer _E, infer _R>] ? [A] extends [never] ? unknown
  : { readonly "run answers an effect that nobody runs: use start": never }
  : unknown

/** What stands in a compiler's message when `start` is wrong, or an option beside it. */
interface NoStart extends Effect.Effect<Effect.Effect<never>> {
  readonly "start answers the effect that the child runs; or another option is not as ChildOptions say": never
}

/**
 * Declares a child that counts as started as soon as its fiber is forked (`run`), or in two parts (`start`).
 *
 * The form with `run` stands last: compilers tell the error of the last one.
 */
export function child<E1, R1, E2, R2>(
  options: ChildOptions & {
    readonly start: Effect.Effect<Effect.Effect<unknown, E2, R2>, E1, R1>
    readonly run?: never
  }
): ChildSpec<E1 | E2, Exclude<R1 | R2, Scope.Scope>>
export function child<A, E, R>(
  options: ChildOptions & { readonly run: Effect.Effect<A, E, R> & Runs<A>; readonly start?: NoStart }
): ChildSpec<E, Exclude<R, Scope.Scope>>
// boundary: both forms are a Start of the unions of what their parts fail with and need
export function child<E, R>(options: ChildOptions & Start<E, R>): ChildSpec<E, Exclude<R, Scope.Scope>> {
  return make("worker", options)
}

interface Start<E, R> {
  readonly run?: Effect.Effect<unknown, E, R>
  readonly start?: Effect.Effect<Effect.Effect<unknown, E, R>, E, R>
}

/** One for all: there can be very many children without. */
const noUses: ReadonlyArray<Provider> = []

/** A child of any kind. */
export const make = <E, R>(
  kind: NodeKind,
  options: ChildOptions & Start<E, R>,
  more: Partial<Pick<ChildDescription, "provider" | "uses" | "mailbox">> = {}
): ChildSpec<E, Exclude<R, Scope.Scope>> => {
  const plain: ChildDescription = {
    id: options.id,
    kind,
    restart: options.restart ?? "permanent",
    shutdown: options.shutdown ?? (kind === "worker" ? defaultShutdown : "infinity"),
    significant: options.significant ?? false,
    backoff: options.backoff,
    heartbeat: options.heartbeat,
    startTimeout: options.startTimeout,
    provider: more.provider,
    uses: more.uses ?? noUses
  }
  const description = more.mailbox === undefined ? plain : { ...plain, mailbox: more.mailbox }
  return {
    description,
    bind: Effect.contextWith((context: Context.Context<Exclude<R, Scope.Scope>>) =>
      Effect.succeed({ description, life: lifeIn(context, options) })
    )
  }
}

const lifeIn =
  <E, R>(context: Context.Context<Exclude<R, Scope.Scope>>, start: Start<E, R>): BoundChild<E>["life"] =>
  (position, onStarted, onClosing) => {
    const scope = Scope.makeUnsafe()
    const life = Effect.onExit(
      Scope.provide(parts(intercepted(context, position, start), onStarted), scope),
      (exit) => {
        const close = Scope.closeUnsafe(scope, exit)
        if (close === undefined) return Effect.void
        return onClosing === undefined ? close : Effect.andThen(onClosing(exit), close)
      }
    )
    // The native tracer keeps nothing, so a span per child would only cost memory.
    const isTraced = Context.getOrUndefined(context, Tracer.Tracer) !== undefined
    return Effect.updateContext(
      isTraced ? Effect.withSpan(life, position.path) : life,
      () => Context.add(context, ChildPosition, position)
    )
  }

const intercepted = <E, R>(
  context: Context.Context<never>,
  position: ChildPosition,
  parts: Start<E, R>
): Start<E, R> => {
  const interceptor = Context.get(context, ChildInterception)
  if (interceptor === undefined) return parts
  const { path } = position
  const { run = Effect.void, start } = parts
  return {
    start: start === undefined
      ? Effect.as(interceptor.start(path, Effect.void), interceptor.run(path, run))
      : Effect.map(interceptor.start(path, start), (run) => run === ignore ? run : interceptor.run(path, run))
  }
}

const parts = <E, R>({ run, start }: Start<E, R>, onStarted: () => void): Effect.Effect<unknown, E, R> => {
  if (start === undefined) {
    return Effect.suspend(() => {
      onStarted()
      return run ?? Effect.void
    })
  }
  return Effect.flatMap(start, (run) => {
    if (run === ignore) return Effect.void
    onStarted()
    return run
  })
}
