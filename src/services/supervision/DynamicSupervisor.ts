/**
 * Children that come and go at run time, each by its id, all restarted one_for_one.
 *
 * The value is both a child to put into a tree and the way to reach whatever supervisor runs it at the moment; while
 * none does, requests fail with `SupervisorGone`. After a restart of the supervisor its children are gone, as in OTP.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SpecCheck from "../../domain/supervision/check/SpecCheck.ts"
import * as RestartIntensity from "../../domain/supervision/RestartIntensity.ts"
import type { SupervisionEvent } from "../../domain/supervision/SupervisionEvent.ts"
import type { ChildCounts } from "../../domain/supervision/SupervisorState.ts"
import type { TreeNode } from "../../domain/supervision/TreeNode.ts"
import * as ChildSpec from "./ChildSpec.ts"
import type { ChildRecord } from "./internal/child/ChildRecord.ts"
import { dynamicNodeOf } from "./internal/dynamic/DynamicNode.ts"
import { DynamicShell } from "./internal/dynamic/DynamicShell.ts"
import { link, type Monitor, monitor } from "./internal/Monitors.ts"
import { RunningInstance } from "./internal/RunningInstance.ts"
import * as Subtrees from "./internal/Subtrees.ts"
import { SupervisorObserver } from "./internal/SupervisorObserver.ts"
import { ChildRefused, ChildStartError, SupervisorGone, SupervisorShutdown } from "./SupervisorError.ts"

export interface DynamicOptions extends Pick<ChildSpec.ChildOptions, "restart" | "significant" | "backoff"> {
  readonly id: string
  /** The label of its metrics, from a small fixed set, where the id comes from data. Default the id. */
  readonly metricsName?: string | undefined
  /** Default three restarts in five seconds, of all children together. */
  readonly intensity?: RestartIntensity.RestartIntensityInput
  /** Children at once, restarting ones included. */
  readonly maxChildren: number
}

export interface DynamicChildInfo {
  readonly id: string
  readonly status: "starting" | "running" | "restarting" | "stopping"
}

/** A dynamic supervisor whose children can fail with `E`. */
export interface DynamicSupervisor<E> extends ChildSpec.ChildSpec<SupervisorShutdown<E>, never> {
  /**
   * Starts a child and waits until it has started; a failed start leaves nothing behind. While there are `maxChildren`,
   * it is refused, or waits for a place in the order of the requests.
   */
  readonly startChild: <R>(
    spec: ChildSpec.ChildSpec<E, R>,
    options?: { readonly whenFull?: "refuse" | "wait" }
  ) => Effect.Effect<
    "started" | "ignored",
    ChildStartError<E> | ChildRefused | SpecCheck.InvalidChildSpec | SupervisorGone,
    R
  >
  /** Stops a child within its limit and forgets it. */
  readonly terminateChild: (id: string) => Effect.Effect<void, ChildRefused | SupervisorGone>
  /** Newest first. */
  readonly whichChildren: Effect.Effect<ReadonlyArray<DynamicChildInfo>, SupervisorGone>
  readonly countChildren: Effect.Effect<ChildCounts, SupervisorGone>
  readonly getChildSpec: (id: string) => Effect.Effect<ChildSpec.ChildDescription, ChildRefused | SupervisorGone>
  /** As of a static supervisor; while none runs, every child is `noproc`. */
  readonly monitor: (id: string) => Monitor<E>
  readonly link: (id: string) => Effect.Effect<void, never, Scope.Scope>
  readonly tree: Effect.Effect<TreeNode, SupervisorGone>
  /** Of the supervisor that runs when the stream starts. */
  readonly events: Stream.Stream<SupervisionEvent, SupervisorGone>
}

/** Declares a dynamic supervisor, to be put among the children of another. */
export const make = <E = never>(options: DynamicOptions): Effect.Effect<DynamicSupervisor<E>> =>
  Effect.sync(() => makeUnsafe<E>(options))

/** As `make`, for trees that are values: each is one supervisor, to be run in one place. */
export const makeUnsafe = <E = never>(options: DynamicOptions): DynamicSupervisor<E> => declare<E>(options).supervisor

/** Runs a dynamic supervisor on its own until the Scope closes. */
export const start = <E = never>(options: DynamicOptions): Effect.Effect<
  DynamicSupervisor<E> & { readonly await: Effect.Effect<void, SupervisorShutdown<E>> },
  SupervisorShutdown<E>,
  Scope.Scope
> =>
  Effect.gen(function*() {
    const { begin, supervisor } = declare<E>(options)
    return { ...supervisor, await: yield* begin }
  })

const declare = <E>(options: DynamicOptions) => {
  const instance = new RunningInstance<DynamicShell<E>>()
  const running = Effect.suspend(() =>
    instance.current?.isRunning === true
      ? Effect.succeed(instance.current)
      : Effect.fail(new SupervisorGone({ path: options.id }))
  )
  const begin = startShell(options, instance)
  return { begin, supervisor: handle(specOf(options, begin), running, (id) => instance.current?.records.get(id)) }
}

/** Only what concerns the supervisor itself: callers pass options on that also say something about its children. */
const specOf = <E>(
  { backoff, id, restart, significant }: DynamicOptions,
  start: Effect.Effect<Effect.Effect<void, SupervisorShutdown<E>>, SupervisorShutdown<E>, Scope.Scope>
) =>
  ChildSpec.make("dynamic", {
    id,
    start,
    ...(restart === undefined ? {} : { restart }),
    ...(significant === undefined ? {} : { significant }),
    ...(backoff === undefined ? {} : { backoff })
  })

type Running<E> = Effect.Effect<DynamicShell<E>, SupervisorGone>

const handle = <E>(
  spec: ChildSpec.ChildSpec<SupervisorShutdown<E>, never>,
  running: Running<E>,
  recordOf: (id: string) => ChildRecord<E> | undefined
): DynamicSupervisor<E> => ({
  ...spec,
  startChild: (child, { whenFull = "refuse" } = {}) =>
    Effect.flatMap(running, (shell) => startChild(shell, child, whenFull)),
  terminateChild: (id) =>
    Effect.gen(function*() {
      const shell = yield* running
      if (!(yield* shell.terminate(id))) return yield* notFound(shell, id)
    }),
  whichChildren: Effect.map(
    running,
    (shell) => [...shell.records.values()].map(({ id, status }) => ({ id, status })).toReversed()
  ),
  countChildren: Effect.map(running, count),
  getChildSpec: (id) =>
    Effect.gen(function*() {
      const shell = yield* running
      const record = shell.records.get(id)
      return record === undefined ? yield* notFound(shell, id) : record.bound.description
    }),
  monitor: (id) => monitor(`${spec.description.id}/${id}`, () => recordOf(id)),
  link: (id) => link(() => recordOf(id)),
  tree: Effect.map(running, (shell) => dynamicNodeOf(spec.description.id, shell)),
  events: Stream.unwrap(Effect.map(running, (shell) => shell.observer.sinks.stream))
})

const notFound = <E>(shell: DynamicShell<E>, child: string): ChildRefused =>
  new ChildRefused({ path: shell.observer.path, child, reason: "not_found" })

const startChild = Effect.fnUntraced(function*<E, R>(
  shell: DynamicShell<E>,
  spec: ChildSpec.ChildSpec<E, R>,
  whenFull: "refuse" | "wait"
) {
  const { path } = shell.observer
  const { id } = spec.description
  const [problem] = SpecCheck.checkChild(path, "never", spec.description)
  if (problem !== undefined) return yield* problem
  const { failure, result } = yield* shell.add(yield* spec.bind, whenFull === "wait")
  switch (result) {
    case "Started":
      return "started"
    case "Ignored":
      return "ignored"
    case "gone":
      return yield* new SupervisorGone({ path })
    case "StartFailed":
      return yield* shell.isRunning ? new ChildStartError({ path, child: id, failure }) : new SupervisorGone({ path })
    default:
      return yield* new ChildRefused({ path, child: id, reason: result })
  }
})

const count = <E>(shell: DynamicShell<E>): ChildCounts => {
  let active = 0
  let supervisors = 0
  for (const record of shell.records.values()) {
    if (record.status === "running") active += 1
    if (record.isSupervisor) supervisors += 1
  }
  return { specs: shell.records.size, active, supervisors, workers: shell.records.size - supervisors }
}

const startShell = <E>(
  options: DynamicOptions,
  instance: RunningInstance<DynamicShell<E>>
): Effect.Effect<Effect.Effect<void, SupervisorShutdown<E>>, SupervisorShutdown<E>, Scope.Scope> =>
  Effect.gen(function*() {
    const observer = new SupervisorObserver(options, yield* Clock.Clock, yield* Effect.context())
    const { path } = observer
    const { maxRestarts, period } = options.intensity ?? RestartIntensity.defaultIntensity
    const [problem] = SpecCheck.checkDynamic(options.id, { maxRestarts, period }, options.maxChildren)
    if (problem !== undefined) {
      return yield* shutdownError<E>(path, { reason: "invalid_spec", child: undefined, problem, failure: Cause.empty })
    }
    const intensity = { maxRestarts, period: Duration.fromInputUnsafe(period) }
    const shell = new DynamicShell<E>(intensity, options.maxChildren, observer)
    if (!(yield* instance.enter(shell))) {
      const problem = SpecCheck.inTwoTrees(path, options.id)
      return yield* shutdownError<E>(path, { reason: "invalid_spec", child: undefined, problem, failure: Cause.empty })
    }
    yield* Subtrees.appear(() => dynamicNodeOf(options.id, shell), shell.records)
    const loop = yield* Effect.acquireRelease(
      Effect.forkDetach(shell.run, { startImmediately: true }),
      (fiber) => Effect.andThen(Effect.sync(() => shell.shutdown()), Fiber.await(fiber))
    )
    return Effect.flatMap(
      Fiber.join(loop),
      ({ failure, end }) =>
        end._tag === "stopped" ? Effect.void : shutdownError<E>(path, {
          reason: end._tag,
          child: end.child,
          problem: undefined,
          failure,
          restarts: RestartIntensity.size(shell.state.window)
        })
    )
  })

const shutdownError = <E>(
  path: string,
  fields: Pick<SupervisorShutdown<E>, "reason" | "child" | "problem" | "failure"> & { readonly restarts?: number }
): Effect.Effect<never, SupervisorShutdown<E>> => Effect.fail(new SupervisorShutdown({ restarts: 0, ...fields, path }))
