/**
 * Work that is done once and answers: each task a temporary child of its own, so a task that fails, hangs or dies
 * harms its owner's answer only.
 *
 *   async        linked: the task ends with its owner, and its failure ends the owner's `use`, by type
 *   asyncNoLink  the owner lives on and reads the exit when it likes; the task outlives it, but not the supervisor
 *   stream       one task per element, exits in order, each within its limit
 *
 * Nothing of a task is left when its exit is told: its finalizers have run, or were left behind at their limit, and
 * its supervisor has forgotten it.
 *
 * The value is both a child to put into a tree and the way to reach whatever supervisor runs it at the moment.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { InvalidChildSpec } from "../../domain/supervision/check/SpecCheck.ts"
import type { Restart } from "../../domain/supervision/ChildExit.ts"
import type { ShutdownInput } from "../../domain/supervision/Shutdown.ts"
import * as ChildSpec from "./ChildSpec.ts"
import * as DynamicSupervisor from "./DynamicSupervisor.ts"
import type { ChildRefused, ChildStartError, SupervisorGone, SupervisorShutdown } from "./SupervisorError.ts"

/** A task ended without a result of its own. */
export class TaskStopped extends Schema.TaggedError<TaskStopped>()("TaskStopped", {
  supervisor: Schema.String,
  task: Schema.String,
  /** `stopped` by its owner or with its supervisor, or at its limit. */
  reason: Schema.Literals(["stopped", "timeout"])
}) {
  override get message(): string {
    return `${this.supervisor}/${this.task} ${
      this.reason === "timeout" ? "did not end within its limit" : "was stopped"
    }`
  }
}

/** Why a task could not be taken: too many at once, or no supervisor. */
export type TaskRefused = ChildRefused | InvalidChildSpec | SupervisorGone | ChildStartError<never>

export interface Task<out A, out E> {
  readonly id: string
  /** Its result or failure, now or once its Scope is closed and its place is free. Any number of fibers may wait. */
  readonly join: Effect.Effect<A, E | TaskStopped>
  /** The same as a value: waiting for a task that fails does not fail. */
  readonly await: Effect.Effect<Exit.Exit<A, E | TaskStopped>>
  /** Its exit if it ends within the limit; else nothing, and it goes on: one may ask again. */
  readonly yield: (limit: Duration.Input) => Effect.Effect<Option.Option<Exit.Exit<A, E | TaskStopped>>>
  /** Stops it within the shutdown limit of tasks; at once when it has ended. */
  readonly stop: Effect.Effect<void>
}

/** The exits of those tasks that end within one limit for all, in the order of the tasks; the others go on. */
export const yieldMany = <A, E>(
  tasks: ReadonlyArray<Task<A, E>>,
  limit: Duration.Input
): Effect.Effect<ReadonlyArray<readonly [Task<A, E>, Option.Option<Exit.Exit<A, E | TaskStopped>>]>> =>
  Effect.forEach(tasks, (task) => Effect.map(task.yield(limit), (exit) => [task, exit] as const), {
    concurrency: "unbounded"
  })

export interface TaskStreamOptions {
  /** Tasks at once. */
  readonly concurrency: number
  /** Exits in the order of the elements (default), or as they come. */
  readonly ordered?: boolean
  /** Limit of each task; at its end only that task is stopped. Default none. */
  readonly timeout?: Duration.Input
}

export interface TaskSupervisorOptions extends Omit<DynamicSupervisor.DynamicOptions, "significant"> {
  /** How long a stop waits for a task. Default 5 seconds. */
  readonly taskShutdown?: ShutdownInput
}

export interface TaskSupervisor extends ChildSpec.ChildSpec<SupervisorShutdown<never>, never> {
  /** Runs `use` linked to a task: neither outlives the other's failure, and the task not the end of `use`. */
  readonly async: <A, E, R, B, E2, R2>(
    effect: Effect.Effect<A, E, R>,
    use: (task: Task<A, E>) => Effect.Effect<B, E2, R2>
  ) => Effect.Effect<B, E | E2 | TaskStopped | TaskRefused, Exclude<R, Scope.Scope> | R2>
  readonly asyncNoLink: <A, E, R>(
    effect: Effect.Effect<A, E, R>
  ) => Effect.Effect<Task<A, E>, TaskRefused, Exclude<R, Scope.Scope>>
  /** Runs a task whose result nobody reads. It is not started again unless told so. */
  readonly startChild: <R>(
    effect: Effect.Effect<unknown, never, R>,
    options?: { readonly restart?: Restart }
  ) => Effect.Effect<string, TaskRefused, Exclude<R, Scope.Scope>>
  /**
   * When the consumer stops early, the tasks under way are stopped. A failed task does not end the stream, and while the
   * supervisor has as many children as it may, the next element waits for a place.
   */
  readonly stream: <A, E0, R0, B, E, R>(
    elements: Stream.Stream<A, E0, R0>,
    task: (element: A) => Effect.Effect<B, E, R>,
    options: TaskStreamOptions
  ) => Stream.Stream<Exit.Exit<B, E | TaskStopped | TaskRefused>, E0, R0 | Exclude<R, Scope.Scope>>
  readonly countChildren: DynamicSupervisor.DynamicSupervisor<never>["countChildren"]
}

export const make = (options: TaskSupervisorOptions): Effect.Effect<TaskSupervisor> =>
  Effect.map(
    DynamicSupervisor.make<never>(options),
    (supervisor): TaskSupervisor => {
      const nextId = counter()
      const open = new Set<() => void>()
      const launch = launcher(options, supervisor, nextId, open)
      return {
        description: supervisor.description,
        bind: Effect.map(supervisor.bind, (bound) => answering(bound, open)),
        async: (effect, use) =>
          Effect.acquireUseRelease(
            launch(effect),
            (task) => Effect.raceFirst(use(task), Effect.andThen(task.join, Effect.never)),
            (task) => task.stop
          ),
        asyncNoLink: (effect) => launch(effect),
        startChild: (effect, { restart = "temporary" } = {}) => {
          const id = nextId()
          return Effect.as(
            supervisor.startChild(ChildSpec.child({ ...childOptions(options), id, restart, run: effect })),
            id
          )
        },
        stream: (elements, task, { concurrency, ordered = true, timeout }) =>
          Stream.mapEffect(
            elements,
            (element) => Effect.exit(resultOf(launch(Effect.suspend(() => task(element)), "wait"), timeout)),
            { concurrency, unordered: !ordered }
          ),
        countChildren: supervisor.countChildren
      }
    }
  )

/** A task that can be told why it is stopped. */
interface Launched<out A, out E> extends Task<A, E> {
  readonly stopBecause: (reason: TaskStopped["reason"]) => Effect.Effect<void>
}

/** A task that was left behind never answers: once its supervisor has ended, nobody may wait for it. */
const answering = <E>(bound: ChildSpec.BoundChild<E>, open: Set<() => void>): ChildSpec.BoundChild<E> => ({
  description: bound.description,
  life: (position, onStarted, onClosing) =>
    Effect.ensuring(bound.life(position, onStarted, onClosing), Effect.sync(() => open.forEach((answer) => answer())))
})

const launcher = (
  options: TaskSupervisorOptions,
  supervisor: DynamicSupervisor.DynamicSupervisor<never>,
  nextId: () => string,
  open: Set<() => void>
) =>
<A, E, R>(
  effect: Effect.Effect<A, E, R>,
  whenFull: "refuse" | "wait" = "refuse"
): Effect.Effect<Launched<A, E>, TaskRefused, Exclude<R, Scope.Scope>> =>
  Effect.suspend(() => {
    const id = nextId()
    const answer = Deferred.makeUnsafe<A, E | TaskStopped>()
    let reason: TaskStopped["reason"] = "stopped"
    const stopped = () => Exit.fail(new TaskStopped({ supervisor: options.id, task: id, reason }))
    let ended: Exit.Exit<A, E> | undefined
    const settle = (): void => {
      open.delete(settle)
      Deferred.doneUnsafe(answer, ended === undefined || wasInterrupted(ended) ? stopped() : ended)
    }
    const run = Effect.onExit(effect, (exit) =>
      Effect.sync(() => {
        ended = exit
      }))
    const stopBecause = (because: TaskStopped["reason"]) =>
      Effect.suspend(() => {
        if (Deferred.isDoneUnsafe(answer)) return Effect.void
        reason = because
        return Effect.andThen(
          Effect.ignore(supervisor.terminateChild(id)),
          // For one whose supervisor takes no requests any more.
          Effect.sync(settle)
        )
      })
    // The failure is the owner's to read; to the supervisor it is the abnormal end of a temporary child.
    const child = ChildSpec.withOnForgotten(
      ChildSpec.child({ ...childOptions(options), id, restart: "temporary", run: Effect.asVoid(Effect.orDie(run)) }),
      settle
    )
    open.add(settle)
    return Effect.as(
      Effect.onError(supervisor.startChild(child, { whenFull }), () => Effect.sync(() => open.delete(settle))),
      {
        id,
        join: Deferred.await(answer),
        await: Effect.exit(Deferred.await(answer)),
        yield: (limit) => Effect.timeoutOption(Effect.exit(Deferred.await(answer)), limit),
        stop: stopBecause("stopped"),
        stopBecause
      }
    )
  })

const wasInterrupted = (exit: Exit.Exit<unknown, unknown>): boolean =>
  exit._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause)

/** What a task came to, stopping it at the end of its limit or when nobody waits any more. */
const resultOf = <A, E, E2, R>(
  launch: Effect.Effect<Launched<A, E>, E2, R>,
  timeout: Duration.Input | undefined
): Effect.Effect<A, E | E2 | TaskStopped, R> =>
  Effect.acquireUseRelease(
    launch,
    (task) =>
      timeout === undefined ? task.join : Effect.timeoutOrElse(task.join, {
        duration: timeout,
        orElse: () => Effect.andThen(task.stopBecause("timeout"), task.join)
      }),
    (task) => task.stop
  )

const childOptions = ({ taskShutdown }: TaskSupervisorOptions) =>
  taskShutdown === undefined ? {} : { shutdown: taskShutdown }

/** Names tasks of one supervisor in the order in which they start. */
const counter = (): () => string => {
  let launched = 0
  return () => `task-${++launched}`
}
