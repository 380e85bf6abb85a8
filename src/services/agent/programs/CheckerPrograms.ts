/**
 * The programs of checkers, each supervised by itself:
 *
 *   Programs (dynamic)
 *   └─ disk (one_for_one, 5 in 60 s)   permanent: one that gave up is tried again after five minutes
 *      └─ Process   permanent, with longer and longer pauses
 *
 * One that says that it does not take its configuration is not started again before that is another one.
 */
import { Context, Duration, Effect, Layer, Metric, Schedule, type Scope } from "effect"
import type { ExitClass } from "../../../domain/agent/programs/ProgramExit.ts"
import type { ProgramSpec } from "../../../domain/agent/programs/ProgramSpec.ts"
import * as Backoff from "../../../domain/backoff/Backoff.ts"
import * as Supervisor from "../../supervision/Supervisor.ts"
import type { SupervisorShutdown } from "../../supervision/SupervisorError.ts"

/** How a program's life ended. */
export interface ProgramEnd {
  readonly _tag: "ProgramEnded"
  readonly kind: ExitClass
  readonly message: string
}

/** One life of a program: the inner effect fails when it has ended. */
export type Start<E extends ProgramEnd> = (spec: ProgramSpec) => Effect.Effect<Effect.Effect<never, E>, E, Scope.Scope>

type GaveUp = SupervisorShutdown<SupervisorShutdown<ProgramEnd>>

const exits = Metric.counter("agent_program_exits_total", {
  description: "Programs of checkers that ended, by how they did",
  incremental: true
})

const programsMax = 256
const intensity = { maxRestarts: 5, period: Duration.seconds(60) }
const pauses = Backoff.capped({ from: "500 millis", to: "10 seconds" })
const afterGivingUp = Duration.minutes(5)
const shutdown = Duration.seconds(5)

export class CheckerPrograms extends Context.Service<CheckerPrograms, {
  /** Starts the supervisor and the programs that are wanted; the inner effect lasts as long as it does. */
  readonly serve: (
    id: string
  ) => Effect.Effect<Effect.Effect<void, GaveUp>, GaveUp, Scope.Scope>
  /** These are wanted from now on: of those that run, the ones that are the same notice nothing. */
  readonly apply: (specs: ReadonlyArray<ProgramSpec>) => Effect.Effect<void>
}>()("serviceradar/services/agent/CheckerPrograms") {
  static readonly layer = <E extends ProgramEnd>(
    start: Start<E>,
    specs: ReadonlyArray<ProgramSpec>
  ): Layer.Layer<CheckerPrograms> => Layer.sync(CheckerPrograms, () => make(start, specs))
}

const counted = ({ kind }: ProgramEnd) => Metric.update(Metric.withAttributes(exits, { kind }), 1)

const life = <E extends ProgramEnd>(start: Start<E>, spec: ProgramSpec) =>
  Effect.flatten(start(spec)).pipe(
    Effect.tapError((end) => Effect.andThen(counted(end), Effect.logWarning(end.message))),
    Effect.catchIf(
      ({ kind }) => kind === "refused",
      ({ message }) =>
        Effect.andThen(Effect.logError(`${message}; it is started again when its file changes`), Effect.never)
    )
  )

const childOf = <E extends ProgramEnd>(start: Start<E>, spec: ProgramSpec) =>
  Supervisor.supervisor({
    id: spec.name,
    metricsName: "Program",
    strategy: "one_for_one",
    intensity,
    backoff: { schedule: Schedule.spaced(afterGivingUp) },
    children: [
      Supervisor.child({
        id: "Process",
        shutdown,
        backoff: { schedule: pauses },
        run: Effect.scoped(life(start, spec))
      })
    ]
  })

type Programs<E> = Supervisor.DynamicSupervisor<SupervisorShutdown<E>>

const make = <E extends ProgramEnd>(start: Start<E>, specs: ReadonlyArray<ProgramSpec>) => {
  let wanted = specs
  let programs: Programs<E> | undefined
  const running = new Map<string, string>()

  const begin = (to: Programs<E>, spec: ProgramSpec, content: string) =>
    to.startChild(childOf(start, spec)).pipe(
      Effect.tap(() => Effect.sync(() => running.set(spec.name, content))),
      Effect.catch(({ message }) => Effect.logError(`program ${spec.name} cannot be started: ${message}`))
    )

  const reconcile = Effect.suspend(() => {
    const to = programs
    if (to === undefined) return Effect.void
    const contents = new Map(wanted.map((spec) => [spec.name, { spec, content: JSON.stringify(spec) }] as const))
    const over = [...running].filter(([name, content]) => contents.get(name)?.content !== content)
    return Effect.gen(function*() {
      for (const [name] of over) {
        running.delete(name)
        yield* Effect.ignore(to.terminateChild(name))
      }
      for (const [name, { content, spec }] of contents) {
        if (!running.has(name)) yield* begin(to, spec, content)
      }
    })
  })

  return CheckerPrograms.of({
    serve: Effect.fnUntraced(function*(id: string) {
      const started = yield* Supervisor.startDynamic<SupervisorShutdown<E>>({
        id,
        maxChildren: programsMax,
        // Each gives up at most once within its pause; together they never use this up.
        intensity: { maxRestarts: 2 * programsMax, period: afterGivingUp }
      })
      running.clear()
      programs = started
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          programs = undefined
        })
      )
      yield* reconcile
      return started.await
    }),
    apply: (specs) =>
      Effect.suspend(() => {
        wanted = specs
        return reconcile
      })
  })
}
