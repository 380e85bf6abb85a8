/** What one can ask of a running supervisor. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { AutoShutdown } from "../../domain/supervision/AutoShutdown.ts"
import * as SpecCheck from "../../domain/supervision/check/SpecCheck.ts"
import type { ChildDeclaration, ChildState } from "../../domain/supervision/ChildState.ts"
import * as RestartIntensity from "../../domain/supervision/RestartIntensity.ts"
import type { Strategy } from "../../domain/supervision/Strategy.ts"
import type { SupervisionEvent } from "../../domain/supervision/SupervisionEvent.ts"
import * as State from "../../domain/supervision/SupervisorState.ts"
import type { TreeNode } from "../../domain/supervision/TreeNode.ts"
import type * as ChildSpec from "./ChildSpec.ts"
import { link, type Monitor, monitor } from "./internal/Monitors.ts"
import type { Answer, Ended } from "./internal/SupervisorMessage.ts"
import type { SupervisorShell } from "./internal/SupervisorShell.ts"
import { ChildRefused, ChildStartError, SupervisorGone, SupervisorShutdown } from "./SupervisorError.ts"

type Specs = ReadonlyArray<ChildSpec.ChildSpec<unknown, unknown>>

export interface SupervisorOptions<Children extends Specs> {
  readonly id: string
  /** The label of its metrics, from a small fixed set, where the id comes from data. Default the id. */
  readonly metricsName?: string | undefined
  readonly strategy: Strategy
  /** Default three restarts in five seconds. */
  readonly intensity?: RestartIntensity.RestartIntensityInput
  /** Default `never`. */
  readonly autoShutdown?: AutoShutdown
  /** Started in this order, stopped in reverse. */
  readonly children: Children
}

/** A child as `whichChildren` lists it. */
export type ChildInfo = Pick<ChildState, "id" | "kind" | "restart" | "significant" | "status" | "generation">

type StartChildError<E> = ChildStartError<E> | ChildRefused | SpecCheck.InvalidChildSpec | SupervisorGone

/** A running supervisor. Every request to one that has ended fails with `SupervisorGone`. */
export interface Supervisor<E> {
  readonly path: string
  /**
   * Adds a child after the others and starts it. The caller provides what the child needs. Refused, like every request
   * that changes something, with `awaits_caller` when it comes from the start or the finalizers of a child that the
   * supervisor waits for: it would wait for ever.
   */
  readonly startChild: <R>(
    spec: ChildSpec.ChildSpec<E, R>
  ) => Effect.Effect<"started" | "ignored", StartChildError<E>, R>
  /** Stops a child and keeps its spec, unless it is temporary. Cancels a restart that waits. */
  readonly terminateChild: (id: string) => Effect.Effect<void, ChildRefused | SupervisorGone>
  /** Starts a stopped child again. */
  readonly restartChild: (
    id: string
  ) => Effect.Effect<"started" | "ignored", ChildStartError<E> | ChildRefused | SupervisorGone>
  /** Forgets a stopped child. */
  readonly deleteChild: (id: string) => Effect.Effect<void, ChildRefused | SupervisorGone>
  /** Newest first. Answers at once, even while a child starts. */
  readonly whichChildren: Effect.Effect<ReadonlyArray<ChildInfo>, SupervisorGone>
  readonly countChildren: Effect.Effect<State.ChildCounts, SupervisorGone>
  /** The spec of a child with every default filled in. */
  readonly getChildSpec: (id: string) => Effect.Effect<ChildSpec.ChildDescription, ChildRefused | SupervisorGone>
  /**
   * Takes new flags and specs. Children it does not know are added without being started, known ones use their new
   * spec from their next start, and those the list leaves out stay, after the others. Nonsense changes nothing.
   */
  readonly changeSpecs: <R>(
    options: SupervisorOptions<ReadonlyArray<ChildSpec.ChildSpec<E, R>>>
  ) => Effect.Effect<void, SpecCheck.InvalidChildSpec | ChildRefused | SupervisorGone, R>
  /** Sets up a monitor of a child; what it answers waits for the typed end of the life that runs now. */
  readonly monitor: (id: string) => Monitor<E>
  /** Called by a child: ties its life to that of another. When one ends in any way but normally, the other is killed. */
  readonly link: (id: string) => Effect.Effect<void, never, Scope.Scope>
  readonly tree: Effect.Effect<TreeNode>
  /** What happens from now on, here and in supervisors below. */
  readonly events: Stream.Stream<SupervisionEvent>
  /** Until it is stopped; fails when it ends by its own decision. */
  readonly await: Effect.Effect<void, SupervisorShutdown<E>>
  /** Stops the children in reverse start order, each within its limit, then ends. */
  readonly stop: Effect.Effect<void>
}

type Asked<E> = Effect.Effect<"started" | "ignored", ChildStartError<E> | ChildRefused | SupervisorGone>

export const make = <E>(
  shell: SupervisorShell<E>,
  loop: Fiber.Fiber<Ended<E>>,
  node: () => TreeNode
): Supervisor<E> => {
  const { path, sinks } = shell.observer
  const living = <A>(read: () => A): Effect.Effect<A, SupervisorGone> =>
    Effect.suspend(() => shell.hasEnded ? new SupervisorGone({ path }) : Effect.succeed(read()))
  const ask = (
    id: string,
    input: State.SupervisorInput,
    children: ReadonlyArray<ChildSpec.BoundChild<E>> = []
  ): Asked<E> =>
    Effect.flatMap(
      shell.request(input, children),
      (answer): Asked<E> => {
        if (answer === undefined) return Effect.fail(new SupervisorGone({ path }))
        return answer === "awaits_caller"
          ? Effect.fail(new ChildRefused({ path, child: id, reason: answer }))
          : read(path, id, answer)
      }
    )
  /** A request that starts nothing cannot fail to start. */
  const command = (id: string, input: State.SupervisorInput): Effect.Effect<void, ChildRefused | SupervisorGone> =>
    Effect.asVoid(Effect.catchTag(ask(id, input), "ChildStartError", () => Effect.void))
  return {
    path,
    startChild: (spec) =>
      Effect.gen(function*() {
        const child = yield* spec.bind
        const { autoShutdown, strategy } = shell.state.flags
        const siblings = spec.description.uses.length === 0 ? [] : siblingsOf(shell)
        const [problem] = SpecCheck.checkChild(path, autoShutdown, spec.description, { strategy, children: siblings })
        if (problem !== undefined) return yield* problem
        return yield* ask(child.description.id, { _tag: "AddChild", child: declare(child) }, [child])
      }),
    terminateChild: (id) => command(id, { _tag: "TerminateChild", id }),
    restartChild: (id) => ask(id, { _tag: "RestartChild", id }),
    deleteChild: (id) => command(id, { _tag: "DeleteChild", id }),
    whichChildren: living(() => shell.state.children.toArray().toReversed()),
    countChildren: living(() => State.count(shell.state)),
    getChildSpec: (id) =>
      Effect.flatMap(
        living(() => shell.records.get(id)),
        (record) =>
          record === undefined
            ? new ChildRefused({ path, child: id, reason: "not_found" })
            : Effect.succeed(record.bound.description)
      ),
    changeSpecs: (options) =>
      Effect.gen(function*() {
        const [problem] = check(options)
        if (problem !== undefined) return yield* problem
        const children = yield* Effect.forEach(options.children, (spec) => spec.bind)
        const input = { _tag: "ChangeSpecs" as const, flags: flagsOf(options), children: children.map(declare) }
        const answer = yield* shell.request(input, children)
        if (answer === undefined) return yield* new SupervisorGone({ path })
        if (answer === "awaits_caller") return yield* new ChildRefused({ path, child: options.id, reason: answer })
      }),
    monitor: (id) => monitor(`${path}/${id}`, () => shell.records.get(id)),
    link: (id) => link(() => shell.records.get(id)),
    tree: Effect.sync(node),
    events: sinks.stream,
    await: Effect.flatMap(Fiber.join(loop), (ended) => endOf(path, RestartIntensity.size(shell.state.window), ended)),
    stop: stop(shell, loop)
  }
}

/** Stops a supervisor and waits until it has ended. */
export const stop = <E>(shell: SupervisorShell<E>, loop: Fiber.Fiber<Ended<E>>): Effect.Effect<void> =>
  Effect.suspend(() => {
    shell.shutdown()
    return Effect.asVoid(Fiber.await(loop))
  })

const siblingsOf = <E>(shell: SupervisorShell<E>): ReadonlyArray<ChildSpec.ChildDescription> =>
  shell.state.children.toArray().flatMap(({ id }) => shell.records.get(id)?.bound.description ?? [])

/** Every problem of the options, without starting anything. `start` and `run` refuse what this names. */
export const check = (
  options: SupervisorOptions<Specs>,
  isTopmost = true
): ReadonlyArray<SpecCheck.InvalidChildSpec> =>
  SpecCheck.check({
    id: options.id,
    strategy: options.strategy,
    intensity: options.intensity ?? RestartIntensity.defaultIntensity,
    autoShutdown: options.autoShutdown ?? "never",
    children: options.children.map(({ description }) => description)
  }, isTopmost)

export const flagsOf = (options: SupervisorOptions<Specs>): State.SupervisorFlags => {
  const { maxRestarts, period } = options.intensity ?? RestartIntensity.defaultIntensity
  return {
    strategy: options.strategy,
    intensity: { maxRestarts, period: Duration.fromInputUnsafe(period) },
    autoShutdown: options.autoShutdown ?? "never"
  }
}

/** A child as the decision sees it. */
export const declare = <E>({ description }: ChildSpec.BoundChild<E>): ChildDeclaration => ({
  id: description.id,
  kind: description.kind,
  restart: description.restart,
  significant: description.significant,
  delayed: description.backoff !== undefined,
  ...(description.provider === undefined ? {} : { provider: description.provider }),
  ...(description.uses.length === 0 ? {} : { uses: description.uses })
})

const read = <E>(
  path: string,
  child: string,
  { failure, reply }: Answer<E>
): Effect.Effect<"started" | "ignored", ChildStartError<E> | ChildRefused> => {
  switch (reply._tag) {
    case "Done":
      return Effect.succeed("started")
    case "Ignored":
      return Effect.succeed("ignored")
    case "StartFailed":
      return Effect.fail(new ChildStartError({ path, child, failure }))
    case "Refused":
      return Effect.fail(new ChildRefused({ path, child, reason: reply.refusal }))
  }
}

const endOf = <E>(path: string, restarts: number, ended: Ended<E>): Effect.Effect<void, SupervisorShutdown<E>> =>
  ended.end._tag === "stopped" ? Effect.void : Effect.fail(
    new SupervisorShutdown({
      path,
      reason: ended.end._tag,
      child: ended.end.child,
      restarts,
      problem: undefined,
      failure: ended.failure
    })
  )
