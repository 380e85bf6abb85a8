/**
 * Runs children and keeps them running, with OTP's semantics and the children's failures in the type.
 *
 *   run    until the supervisor gives up; interrupting it stops the children in reverse start order
 *   start  for a handle; the Scope stops it
 *   supervisor  the same as a child of another supervisor
 *
 * Giving up is an orderly end, as in OTP: a `transient` supervisor that gave up is not restarted by the one above it.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as SpecCheck from "../../domain/supervision/check/SpecCheck.ts"
import * as State from "../../domain/supervision/SupervisorState.ts"
import * as ChildSpec from "./ChildSpec.ts"
import { ChildPosition } from "./internal/child/ChildPosition.ts"
import * as Subtrees from "./internal/Subtrees.ts"
import type { Ended } from "./internal/SupervisorMessage.ts"
import { nodeOf } from "./internal/SupervisorNode.ts"
import { SupervisorObserver } from "./internal/SupervisorObserver.ts"
import { SupervisorShell } from "./internal/SupervisorShell.ts"
import { SupervisorShutdown, SupervisorStartError } from "./SupervisorError.ts"
import * as Handle from "./SupervisorHandle.ts"
import type { Supervisor, SupervisorOptions } from "./SupervisorHandle.ts"

export { child, ignore } from "./ChildSpec.ts"
export type { Backoff, ChildOptions } from "./ChildSpec.ts"
export type { DynamicOptions, DynamicSupervisor } from "./DynamicSupervisor.ts"
export { make as dynamic, makeUnsafe as dynamicUnsafe, start as startDynamic } from "./DynamicSupervisor.ts"
export { exitShutdown } from "./internal/ExitReason.ts"
export type { ServiceChild } from "./ServiceChild.ts"
export { serviceChild } from "./ServiceChild.ts"
export type { ChildInfo, Supervisor, SupervisorOptions } from "./SupervisorHandle.ts"

/** Every problem of the options, by field, without starting anything. `start`, `run` and `layer` refuse what it names. */
export const check = (options: SupervisorOptions<Specs>): ReadonlyArray<SpecCheck.InvalidChildSpec> =>
  Handle.check(options)

type Specs = ReadonlyArray<ChildSpec.ChildSpec<unknown, unknown>>

/** Tells the watchdog of the child this runs in that it makes progress. Outside of a supervisor it does nothing. */
export const heartbeat: Effect.Effect<void> = Effect.map(ChildPosition, (position) => position?.beat())

/** How a supervisor is run by the one above it. Its shutdown is `infinity`: cut short, it would orphan its children. */
export type SupervisorChildOptions = Pick<ChildSpec.ChildOptions, "restart" | "significant" | "backoff"> & {
  readonly shutdown?: "infinity"
}

/** Starts the children in order and returns once all have started. Stopped in reverse when the Scope closes. */
export const start = <const Children extends Specs>(
  options: SupervisorOptions<Children>
): Effect.Effect<
  Supervisor<ChildSpec.ErrorOf<Children>>,
  SupervisorStartError<ChildSpec.ErrorOf<Children>>,
  ChildSpec.ServicesOf<Children> | Scope.Scope
> => startTyped(typed(options))

/** Runs the children until the supervisor gives up. */
export const run = <const Children extends Specs>(
  options: SupervisorOptions<Children>
): Effect.Effect<never, SupervisorShutdown<ChildSpec.ErrorOf<Children>>, ChildSpec.ServicesOf<Children>> =>
  Effect.scoped(Effect.flatten(startLife(typed(options)))).pipe(Effect.andThen(Effect.never))

/** A supervisor as a child: it counts as started when all its children have started. */
export const supervisor = <const Children extends Specs>(
  options: SupervisorOptions<Children> & SupervisorChildOptions
): ChildSpec.ChildSpec<SupervisorShutdown<ChildSpec.ErrorOf<Children>>, ChildSpec.ServicesOf<Children>> =>
  ChildSpec.make("supervisor", { ...options, start: startLife(typed(options), false) }, {
    uses: SpecCheck.usesFromAbove(options.children.map(({ description }) => description))
  })

/**
 * A tree as a Layer that provides its handle. Who uses the handle decides what giving up means: `handle.await` fails
 * with it, and `launch` ends the program with it.
 */
export const layer = <I, const Children extends Specs>(
  key: Context.Key<I, Supervisor<ChildSpec.ErrorOf<Children>>>,
  options: SupervisorOptions<Children>
): Layer.Layer<I, SupervisorStartError<ChildSpec.ErrorOf<Children>>, ChildSpec.ServicesOf<Children>> =>
  Layer.effect(key, startTyped(typed(options)))

/**
 * Builds a Layer and keeps it, as `Layer.launch` does, until the supervisor in it ends: a tree that gives up ends the
 * program with its failure, and one that is stopped ends it in order. Everything the Layer holds is closed before that.
 */
export const launch = <LI, I extends LI, E, LE, LR>(
  key: Context.Key<I, Supervisor<E>>,
  program: Layer.Layer<LI, LE, LR>
): Effect.Effect<void, LE | SupervisorShutdown<E>, LR> =>
  Effect.scoped(Effect.flatMap(Layer.build(program), (context) => Context.get(context, key).await))

const typed = <const Children extends Specs>(
  options: SupervisorOptions<Children>
): SupervisorOptions<
  ReadonlyArray<ChildSpec.ChildSpec<ChildSpec.ErrorOf<Children>, ChildSpec.ServicesOf<Children>>>
> => ({
  ...options,
  children: ChildSpec.alike(options.children)
})

/** The two parts of a supervisor's start, whose failure is told like its giving up. */
const startLife = <E, R>(options: SupervisorOptions<ReadonlyArray<ChildSpec.ChildSpec<E, R>>>, isTopmost = true) =>
  startTyped(options, isTopmost).pipe(
    Effect.map((started) => started.await),
    Effect.mapError((error) =>
      new SupervisorShutdown<E>({
        path: error.path,
        reason: error.problem === undefined ? "start_failed" : "invalid_spec",
        child: error.child,
        restarts: 0,
        problem: error.problem,
        failure: error.failure
      })
    )
  )

const startTyped = <E, R>(
  options: SupervisorOptions<ReadonlyArray<ChildSpec.ChildSpec<E, R>>>,
  isTopmost = true
): Effect.Effect<Supervisor<E>, SupervisorStartError<E>, R | Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Effect.context()
    const observer = new SupervisorObserver(options, yield* Clock.Clock, context)
    const [problem] = Handle.check(options, isTopmost)
    if (problem !== undefined) {
      const { path } = observer
      return yield* new SupervisorStartError<E>({ path, child: problem.child, problem, failure: Cause.empty })
    }
    const children = yield* Effect.forEach(options.children, (spec) => spec.bind)
    const shell = new SupervisorShell<E>(
      State.make(Handle.flagsOf(options), children.map(Handle.declare)),
      children,
      observer
    )
    const startedAt = yield* Clock.currentTimeMillis
    const node = () => nodeOf(options.id, shell, startedAt)
    yield* Subtrees.appear(node, shell.records)
    const booted = Deferred.makeUnsafe<Ended<E> | undefined>()
    const loop = yield* Effect.acquireRelease(
      Effect.forkDetach(shell.run(() => Deferred.doneUnsafe(booted, Effect.undefined)), { startImmediately: true }),
      (fiber) => Handle.stop(shell, fiber)
    )
    loop.addObserver((exit) => Deferred.doneUnsafe(booted, exit))
    const ended = yield* Deferred.await(booted)
    return ended === undefined ? Handle.make(shell, loop, node) : yield* startFailure(observer.path, ended)
  })

const startFailure = <E>(path: string, { failure, end }: Ended<E>): SupervisorStartError<E> =>
  new SupervisorStartError({
    path,
    child: end._tag === "stopped" ? undefined : end.child,
    problem: undefined,
    failure
  })
